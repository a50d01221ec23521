#!/usr/bin/env bash
# A server that cannot start says why, at once, and leaves nothing half done.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

# Root may write anywhere, so as root the server runs as a user that owns
# nothing. That user may not be able to look into the folder of the build.
begin_suite startup
cp "$SERVER_BINARY" "$WORK/pileus"
SERVER_BINARY=$WORK/pileus
chmod 755 "$WORK" "$SERVER_BINARY"
UNPRIVILEGED=()
if [[ $(id -u) -eq 0 ]]; then
  UNPRIVILEGED=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi

# refuses LOG COMMAND...: COMMAND ends by itself, within the limit, with a
# failure that is told in words and not by a panic.
refuses() {
  local log=$1 status=0
  shift
  timeout "$SERVER_LIMIT_S" "$@" >"$log" 2>&1 </dev/null || status=$?
  cat "$log"
  [[ $status -ne 0 && $status -ne 124 ]]
  lacks 'panicked at' "$log"
  lacks '^listening on ' "$log"
}

# refuses_naming TEXT COMMAND...: as above, and the message names TEXT.
refuses_naming() {
  local text=$1
  shift
  refuses "$WORK/refusal.log" "$@"
  grep -q -F -e "$text" "$WORK/refusal.log"
}

new_data_not_writable() {
  mkdir "$WORK/locked"
  chmod 555 "$WORK/locked"
  refuses_naming "$WORK/locked/data" "${UNPRIVILEGED[@]}" \
    "$SERVER_BINARY" serve --data "$WORK/locked/data" --listen 127.0.0.1:0 --admin off
}

old_data_not_writable() {
  DATA=$WORK/used
  pileus user add "$EMAIL" --password "$PASSWORD"
  # Readable for the other user, writable for nobody.
  chmod -R a+rX,a-w "$DATA"
  refuses_naming "$DATA" "${UNPRIVILEGED[@]}" \
    "$SERVER_BINARY" serve --data "$DATA" --listen 127.0.0.1:0 --admin off
  chmod -R u+w "$DATA"
  # Nothing was spoiled: with the rights back, the server starts.
  AUTH=$(pileus token create "$EMAIL")
  serve
  api userinfo
  stop_server
}

data_is_a_file() {
  : >"$WORK/file"
  refuses_naming "$WORK/file" \
    "$SERVER_BINARY" serve --data "$WORK/file" --listen 127.0.0.1:0 --admin off
}

port_in_use() {
  DATA=$WORK/first
  start_server
  refuses_naming "$ADDRESS" \
    "$SERVER_BINARY" serve --data "$WORK/second" --listen "$ADDRESS" --admin off
  # The one that was there first is not disturbed.
  api userinfo
  stop_server
}

unknown_key_on_command_line() {
  refuses_naming no_such_key \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen 127.0.0.1:0 --admin off --set no_such_key=1
}

unknown_key_in_file() {
  printf 'no_such_key = 1\n' >"$WORK/unknown.toml"
  refuses_naming no_such_key \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen 127.0.0.1:0 --admin off --config "$WORK/unknown.toml"
}

unknown_key_in_environment() {
  refuses_naming NO_SUCH_KEY env PILEUS_NO_SUCH_KEY=1 \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen 127.0.0.1:0 --admin off
}

wrong_value() {
  refuses_naming retention_days \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen 127.0.0.1:0 --admin off --set retention_days=soon
}

file_that_is_no_toml() {
  printf 'this is = = no TOML\n' >"$WORK/broken.toml"
  refuses_naming "$WORK/broken.toml" \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen 127.0.0.1:0 --admin off --config "$WORK/broken.toml"
}

address_that_is_none() {
  refuses_naming not-an-address \
    "$SERVER_BINARY" serve --data "$WORK/unused" --listen not-an-address --admin off
}

run_case 'a data folder that cannot be made' new_data_not_writable
run_case 'a data folder that cannot be written' old_data_not_writable
run_case 'a file in place of the data folder' data_is_a_file
run_case 'a port in use' port_in_use
run_case 'an unknown key on the command line' unknown_key_on_command_line
run_case 'an unknown key in the file' unknown_key_in_file
run_case 'an unknown key in the environment' unknown_key_in_environment
run_case 'a value of the wrong kind' wrong_value
run_case 'a file that is no TOML' file_that_is_no_toml
run_case 'an address that is none' address_that_is_none
end_suite
