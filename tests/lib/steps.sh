# shellcheck shell=bash
# Steps of a test run, for tests/run.sh: headings, times, logs, counts.
#
# A step is one command. Its output goes to a log; what the terminal shows is
# the result, the number of tests behind it, the time, and on failure the end
# of the log and what to do about it.

LOGS=${CARGO_TARGET_DIR:-target}/test-logs
PASSED=0
FAILED=0
FAILED_STEPS=()

# count_tests LOG: prints "PASSED FAILED" as the test runners in LOG tell them,
# by the result lines of Rust's test harness and the last line of our own
# suites; prints nothing when LOG tells no numbers.
count_tests() {
  awk '
    /^test result: .* [0-9]+ passed; [0-9]+ failed;/ {
      told = 1
      for (i = 2; i <= NF; i++) {
        if ($i == "passed;") passed += $(i - 1)
        if ($i == "failed;") failed += $(i - 1)
      }
    }
    /^[0-9]+ passed, [0-9]+ failed$/ { told = 1; passed += $1; failed += $3 }
    END { if (told) print passed + 0, failed + 0 }
  ' "$1"
}

# run_step NAME LIMIT_S HINT COMMAND...: runs COMMAND for at most LIMIT_S
# seconds. A command that tells no number of tests counts as one test.
run_step() {
  local name=$1 limit_s=$2 hint=$3
  shift 3
  local log=$LOGS/$name.log began=$SECONDS status=0 passed failed
  printf '== %s\n' "$name"
  timeout --kill-after=20 "$limit_s" "$@" >"$log" 2>&1 </dev/null || status=$?
  if ! read -r passed failed < <(count_tests "$log"); then
    passed=$((status == 0)) failed=0
  fi
  if [[ $status -ne 0 && $failed -eq 0 ]]; then
    failed=1
  fi
  PASSED=$((PASSED + passed))
  FAILED=$((FAILED + failed))
  local figures="$passed passed, $failed failed, $((SECONDS - began)) s"
  # A test that was left out is told, never silently green.
  grep '^skipped: ' "$log" | sed 's/^/   /' || true
  if [[ $failed -eq 0 ]]; then
    printf '   ok: %s\n' "$figures"
    return
  fi
  FAILED_STEPS+=("$name")
  tail -n 40 "$log" | sed 's/^/   | /'
  if [[ $status -eq 124 || $status -eq 137 ]]; then
    printf '   stopped after its limit of %s s\n' "$limit_s"
  fi
  printf '   FAILED: %s\n   what to do: %s\n   whole log: %s\n' "$figures" "$hint" "$log"
}

# fail_step NAME REASON: counts a step that cannot run as one failed test.
fail_step() {
  printf '== %s\n   FAILED: %s\n' "$1" "$2"
  FAILED=$((FAILED + 1))
  FAILED_STEPS+=("$1")
}

# step_failed NAME: true when that step ran and failed.
step_failed() {
  [[ " ${FAILED_STEPS[*]-} " == *" $1 "* ]]
}

# end_steps: the totals, and their line as the very last one.
end_steps() {
  printf '== the whole run: %d s\n' "$SECONDS"
  if [[ $FAILED -gt 0 ]]; then
    printf '   failed steps: %s\n' "${FAILED_STEPS[*]}"
    printf '   one step alone: tests/run.sh %s\n' "${FAILED_STEPS[0]}"
  fi
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED" | tee "$LOGS/totals.txt"
  [[ $FAILED -eq 0 ]]
}
