#!/usr/bin/env bash
# All tests of the project.
#
#   tests/run.sh              every step, as the build server does
#   tests/run.sh STEP...      only these steps, in the order below
#   tests/run.sh --list       the names of the steps
#
# The last line of output is always "N passed, N failed", and the exit code is
# not zero when anything failed. Logs stay in target/test-logs.
set -uo pipefail
cd "$(dirname "$0")/.." || exit
# shellcheck source=tests/lib/steps.sh
source tests/lib/steps.sh

STEPS=(
  tools fmt clippy doc unit release generated kill
  rclone rclone-backend rclone-mount python pyfs smtp curl js pcloud-crate oauth upload-pages link-pages account-pages
  startup shutdown disk-full slow-clients account-names
  deny
)
# Steps that run the release build of the server.
NEED_SERVER=" kill rclone rclone-backend rclone-mount python pyfs smtp curl js pcloud-crate oauth upload-pages link-pages account-pages startup shutdown disk-full slow-clients account-names "

if [[ ${1:-} == --list ]]; then
  printf '%s\n' "${STEPS[@]}"
  exit
fi

wanted=" $* "
for name in "$@"; do
  if [[ " ${STEPS[*]} " != *" $name "* ]]; then
    echo "unknown step: $name (tests/run.sh --list names them)" >&2
    exit 2
  fi
  # A step alone brings along what it stands on.
  if [[ $NEED_SERVER == *" $name "* ]]; then
    wanted+=" tools release "
  elif [[ $name == unit ]]; then
    wanted+=" tools "
  fi
done

is_wanted() {
  [[ $wanted == "  " || $wanted == *" $1 "* ]]
}

# Generated documents must be what the code says, byte for byte. Comparing with
# a copy instead of asking git also works in a source archive, and in a tree
# with changes that are not committed yet.
compare_generated() {
  local before
  before=$(mktemp -d)
  cp -a docs "$before" &&
    cargo xtask gen &&
    diff --recursive --unified "$before/docs" docs
  local status=$?
  rm -rf "$before"
  return $status
}

# Licences, sources and banned crates are checked from the lock file. Advisories
# come from the network, and a network that is down is no fault of the project.
check_dependencies() {
  cargo deny check bans licenses sources || return
  if cargo deny fetch db; then
    cargo deny --offline check advisories
  else
    echo 'skipped: security advisories (their database could not be fetched)'
  fi
}
export -f compare_generated check_dependencies

step() {
  local name=$1
  is_wanted "$name" || return 0
  if [[ $NEED_SERVER == *" $name "* ]] && step_failed release; then
    fail_step "$name" 'not run, because the release build failed'
    return
  fi
  run_step "$@"
}

mkdir -p "$LOGS"
rm -f "$LOGS"/*.log "$LOGS/totals.txt"
export CARGO_TERM_COLOR=never CARGO_TERM_PROGRESS_WHEN=never
# A build server compiles once, so the book-keeping for the next time is waste.
[[ -z ${CI:-} ]] || export CARGO_INCREMENTAL=0
# Debian keeps initdb and pg_ctl, which the tests start a database with, here.
for programs in /usr/lib/postgresql/*/bin; do
  PATH=$PATH:$programs
done

step tools 900 \
  'install by hand what the log names' \
  tests/lib/install.sh test
step fmt 120 \
  'cargo fmt' \
  cargo fmt --all --check -- --color never
step clippy 1800 \
  'mend what clippy names; cargo clippy --workspace --all-targets shows it again' \
  cargo clippy --locked --workspace --all-targets -- -D warnings
step doc 900 \
  'mend the broken or missing documentation that the log names' \
  env RUSTDOCFLAGS='-D warnings' cargo doc --locked --no-deps --workspace
step unit 1800 \
  'run the named test alone: cargo test -p CRATE NAME' \
  cargo test --locked --workspace --no-fail-fast
step release 1800 \
  'cargo build --release --package pileus shows the error again' \
  cargo build --locked --release --package pileus
step generated 600 \
  'make gen, and commit what it wrote' \
  bash -c compare_generated
step kill 400 \
  'the log names the lost or surplus change and the data folder that was kept' \
  cargo xtask kill --seconds 60
step rclone 600 \
  'the log names the case and the kept work folder; tests/clients/rclone.sh alone repeats it' \
  tests/clients/rclone.sh
step rclone-backend 900 \
  'the log names the failed case of rclone'"'"'s suite; tests/clients/rclone-backend.sh CASE runs it alone' \
  tests/clients/rclone-backend.sh
step rclone-mount 300 \
  'the log names the case and the kept work folder; tests/clients/rclone-mount.sh alone repeats it' \
  tests/clients/rclone-mount.sh
step python 300 \
  'tests/clients/python_pcloud.py, run by the Python of target/test-venv, repeats it' \
  "${CARGO_TARGET_DIR:-target}/test-venv/bin/python" tests/clients/python_pcloud.py
step pyfs 600 \
  'the log names the failed cases; tests/clients/pyfs.sh NAME runs one alone' \
  tests/clients/pyfs.sh
step smtp 300 \
  'tests/clients/smtp.py, run by the Python of target/test-venv, repeats it' \
  "${CARGO_TARGET_DIR:-target}/test-venv/bin/python" tests/clients/smtp.py
step curl 120 \
  'the commands that `pileus serve --quickstart` prints must work when pasted' \
  tests/clients/curl.sh
step js 300 \
  'tests/clients/js.sh alone repeats it; js.cjs holds the cases' \
  tests/clients/js.sh
step pcloud-crate 900 \
  'tests/clients/pcloud-crate.sh alone repeats it; pcloud-crate/src/main.rs holds the cases' \
  tests/clients/pcloud-crate.sh
step oauth 600 \
  'tests/clients/oauth.sh alone repeats it; PICTURES=FOLDER keeps pictures of the pages' \
  tests/clients/oauth.sh
step upload-pages 300 \
  'tests/clients/upload_page.sh alone repeats it; PICTURES=FOLDER keeps pictures of the page' \
  tests/clients/upload_page.sh
step link-pages 600 \
  'tests/clients/link-pages.sh alone repeats it; PICTURES=FOLDER keeps pictures of the pages' \
  tests/clients/link-pages.sh
step account-pages 600 \
  'tests/clients/account-pages.sh alone repeats it; PICTURES=FOLDER keeps pictures of the pages' \
  tests/clients/account-pages.sh
step startup 120 \
  'tests/faults/startup.sh alone repeats it' \
  tests/faults/startup.sh
step shutdown 180 \
  'tests/faults/shutdown.sh alone repeats it' \
  tests/faults/shutdown.sh
step disk-full 180 \
  'tests/faults/disk_full.sh alone repeats it' \
  tests/faults/disk_full.sh
step slow-clients 180 \
  'tests/faults/slow_clients.py alone repeats it; a machine under other load shows as slow calls' \
  python3 tests/faults/slow_clients.py
step account-names 300 \
  'the log names the call whose time tells; tests/faults/account_names.py alone repeats it' \
  python3 tests/faults/account_names.py
if command -v cargo-deny >/dev/null; then
  step deny 300 \
    'cargo deny check names the crate; deny.toml says what is allowed and why' \
    bash -c check_dependencies
elif is_wanted deny; then
  printf '== deny\n   not run: cargo-deny is not installed (cargo install --locked cargo-deny)\n'
fi
end_steps
