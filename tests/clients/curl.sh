#!/usr/bin/env bash
# The first minute with a new server: what `serve --quickstart` prints is pasted
# into a shell, line by line, and works.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite curl
serve --quickstart || exit 1
mapfile -t COMMANDS < <(sed -n 's/^[[:space:]$]*\(curl .*\)/\1/p' "$SERVER_LOG")

three_commands() {
  same 'curl commands that the server printed' 3 "${#COMMANDS[@]}"
}

# One shell for all, as in a terminal: a line may use what an earlier one made.
paste_all() {
  local line
  mkdir "$WORK/paste"
  cd "$WORK/paste"
  for line in "${COMMANDS[@]}"; do
    printf '$ %s\n' "$line"
    eval "$line" >answer
    cat answer
    # An error answer has the HTTP status of a success.
    lacks '"error"' answer
  done
}

second_start_is_quiet() {
  local account
  account=$("$SERVER_BINARY" user list --json --data "$DATA")
  stop_server
  serve --quickstart
  same 'accounts after a second start' "$account" "$("$SERVER_BINARY" user list --json --data "$DATA")"
  stop_server
}

run_case 'three commands are printed' three_commands
run_case 'each of them works when pasted' paste_all
stop_server
run_case 'a second start makes no second account' second_start_is_quiet
end_suite
