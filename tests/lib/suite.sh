# shellcheck shell=bash
# A suite in shell: cases that are counted, and a real server to run them on.
#
# Usage:
#   source tests/lib/suite.sh
#   begin_suite NAME              makes the work folder $WORK
#   start_server [ARGUMENT...]    a server with an account of its own
#   run_case 'what must hold' FUNCTION [ARGUMENT...]
#   end_suite                     prints "N passed, N failed", sets the exit code
#
# The work folder holds data, logs and whatever the cases write. It is removed
# at the end unless something failed.

SERVER_BINARY=${SERVER_BINARY:-${CARGO_TARGET_DIR:-$PWD/target}/release/pileus}
EMAIL=ann@example.com
PASSWORD='a pass word for tests: 1+1=2 & so on'
# How long a server may take to start or to stop.
SERVER_LIMIT_S=30

PASSED=0
FAILED=0
SERVER_PID=

begin_suite() {
  SUITE=$1
  WORK=$(mktemp -d "${TMPDIR:-/tmp}/pileus-$SUITE.XXXXXX")
  DATA=$WORK/data
  trap clean_up EXIT
  trap 'exit 130' INT TERM
  if [[ ! -x $SERVER_BINARY ]]; then
    echo "no server to test: $SERVER_BINARY (cargo build --release --package pileus)" >&2
    exit 1
  fi
}

# pileus ARGUMENT...: an administrator's command on the suite's data folder.
pileus() {
  "$SERVER_BINARY" "$@" --data "$DATA"
}

# await LIMIT_S COMMAND...: repeats COMMAND until it succeeds; fails at the limit.
await() {
  local until=$((SECONDS + $1))
  shift
  until "$@"; do
    [[ $SECONDS -lt $until ]] || return 1
    sleep 0.05
  done
}

# server_gone: true when the server process has ended.
server_gone() {
  ! kill -0 "$SERVER_PID" 2>/dev/null
}

# launch [ARGUMENT...]: starts `pileus serve` in the background, without waiting.
# Its output goes to $SERVER_LOG, a new file for each start. The files on disk
# are what is counted, because a case runs in a shell of its own.
launch() {
  local earlier=("$WORK"/server-*.log)
  [[ -e ${earlier[0]} ]] || earlier=()
  SERVER_LOG=$WORK/server-$((${#earlier[@]} + 1)).log
  : >"$SERVER_LOG"
  "$SERVER_BINARY" serve --data "$DATA" --admin off "$@" >"$SERVER_LOG" 2>&1 </dev/null &
  SERVER_PID=$!
}

listening_or_gone() {
  grep -q '^listening on ' "$SERVER_LOG" || server_gone
}

# serve [ARGUMENT...]: starts the server on a free port and waits until it
# listens. Sets ADDRESS (host:port) and URL of its first listener.
serve() {
  launch --listen 127.0.0.1:0 "$@"
  await "$SERVER_LIMIT_S" listening_or_gone
  ADDRESS=$(sed -n 's#^listening on [a-z]*://\([^/ ]*\).*#\1#p' "$SERVER_LOG" | head -n 1)
  URL=http://$ADDRESS
  if [[ -z $ADDRESS ]]; then
    echo "the server did not start:" >&2
    tail -n 20 "$SERVER_LOG" >&2
    return 1
  fi
}

# start_server [ARGUMENT...]: an account, its session token in $AUTH, and a
# running server.
start_server() {
  pileus user add "$EMAIL" --password "$PASSWORD" --verified >"$WORK/user-add.log" 2>&1 ||
    { cat "$WORK/user-add.log" >&2; exit 1; }
  AUTH=$(pileus token create "$EMAIL") || exit 1
  serve "$@" || exit 1
}

# stop_server [SIGNAL]: ends the server and returns its exit code; 124 when it
# had to be killed because it did not end in time.
stop_server() {
  local pid=$SERVER_PID status=0
  [[ -n $pid ]] || return 0
  kill "-${1:-TERM}" "$pid" 2>/dev/null
  if ! await "$SERVER_LIMIT_S" server_gone; then
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    SERVER_PID=
    return 124
  fi
  wait "$pid" 2>/dev/null || status=$?
  SERVER_PID=
  return $status
}

# api METHOD [NAME=VALUE...]: calls METHOD as the suite's account and prints the
# answer; fails when `result` is not 0. A value `@FILE` is the content of FILE.
api() {
  local answer
  answer=$(call "$@") || return 1
  printf '%s\n' "$answer"
  [[ $(field result <<<"$answer") == 0 ]]
}

# call METHOD [NAME=VALUE...]: like api, but any `result` will do.
call() {
  local method=$1 pair arguments=()
  shift
  for pair in "$@"; do
    arguments+=(--data-urlencode "$pair")
  done
  curl --silent --show-error --fail --max-time 60 --get \
    --data-urlencode "auth=$AUTH" "${arguments[@]}" "$URL/$method"
}

# upload FILE NAME: puts FILE into the root folder under NAME; prints the answer,
# fails when `result` is not 0.
upload() {
  local answer
  answer=$(curl --silent --show-error --fail --max-time 60 --upload-file "$1" \
    --url-query "auth=$AUTH" --url-query "filename=$2" \
    --url-query folderid=0 --url-query nopartial=1 \
    "$URL/uploadfile") || return 1
  printf '%s\n' "$answer"
  [[ $(field result <<<"$answer") == 0 ]]
}

# download PATH FILE: the content at PATH, through a content link, into FILE.
download() {
  local link
  link=$(api getfilelink "path=$1") || return 1
  curl --silent --show-error --fail --max-time 60 --output "$2" \
    "http://$(field 'hosts[0]' <<<"$link")$(field path <<<"$link")"
}

# field PATH: one field of the JSON answer on standard input, by jq's path
# without the leading dot: metadata.fileid, hosts[0]. Fails when it is missing.
field() {
  jq --compact-output --exit-status --raw-output ".$1"
}

# same WHAT EXPECTED FOUND: fails with both values shown when they differ.
same() {
  [[ $2 == "$3" ]] && return
  printf '%s: expected\n%s\nbut found\n%s\n' "$1" "$2" "$3" >&2
  return 1
}

# lacks PATTERN FILE: fails and shows the lines when FILE matches PATTERN. A plain
# `! grep` would not end a case, because bash exempts negated commands from `set -e`.
lacks() {
  if grep -e "$1" "$2"; then
    return 1
  fi
}

# run_case TITLE FUNCTION [ARGUMENT...]: one counted case. Any failing command
# in FUNCTION fails the case. It runs in a shell of its own, so it changes no
# variable of the suite, and a server that it starts ends with it.
run_case() {
  local title=$1 log status outer=$SERVER_PID
  shift
  log=$WORK/case-$((PASSED + FAILED + 1)).log
  # `set -e` is without effect inside a condition, so the status is taken apart.
  (
    trap '[[ $SERVER_PID == "$outer" ]] || stop_server' EXIT
    set -euo pipefail
    "$@"
  ) >"$log" 2>&1
  status=$?
  if [[ $status -eq 0 ]]; then
    PASSED=$((PASSED + 1))
    printf 'ok      %s\n' "$title"
  else
    FAILED=$((FAILED + 1))
    printf 'FAILED  %s (exit code %d)\n' "$title" "$status"
    tail -n 30 "$log" | sed 's/^/  | /'
  fi
}

# skip TITLE REASON: a case that this machine cannot run.
skip() {
  printf 'skipped: %s (%s)\n' "$1" "$2"
}

# release_work: gives back what a plain `rm` cannot remove, such as a mounted
# folder. A suite that has something of that kind defines this again.
release_work() { :; }

clean_up() {
  local status=$?
  if [[ -n $SERVER_PID ]]; then
    stop_server >/dev/null 2>&1
  fi
  if [[ $status -ne 0 || $FAILED -gt 0 ]]; then
    local newest
    newest=$(find "$WORK" -name 'server-*.log' -size +0 | sort --version-sort | tail -n 1)
    if [[ -n $newest ]]; then
      echo "end of $newest:"
      tail -n 20 "$newest" | sed 's/^/  | /'
    fi
    echo "kept for a look: $WORK"
  else
    release_work
    rm -rf "$WORK"
  fi
}

# end_suite: stops the server, tells the totals and ends the script.
end_suite() {
  stop_server || {
    FAILED=$((FAILED + 1))
    echo "FAILED  the server ends cleanly after the suite"
  }
  if grep -qs 'panicked at' "$WORK"/server-*.log; then
    FAILED=$((FAILED + 1))
    echo "FAILED  the server did not panic"
  fi
  printf '%d passed, %d failed\n' "$PASSED" "$FAILED"
  [[ $FAILED -eq 0 ]]
  exit
}
