#!/usr/bin/env bash
# The end of a server, asked for or not, and what the next one finds.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

# How long a server may take to end when it is told to: calls in progress are
# finished, waiting ones answered.
STOP_LIMIT_S=10

# stops_in_time SIGNAL: the server ends with exit code 0 within the limit.
stops_in_time() {
  local began=$SECONDS
  stop_server "$1"
  [[ $((SECONDS - began)) -le $STOP_LIMIT_S ]]
}

begin_suite shutdown
start_server
stop_server || exit 1
head -c 3000 /dev/urandom >"$WORK/small"
head -c 3000000 /dev/urandom >"$WORK/large"

# Two files are put, the server ends by SIGNAL, and the next one has them.
restart_keeps_data() {
  local signal=$1
  serve
  upload "$WORK/small" "small-$signal"
  upload "$WORK/large" "large-$signal"
  if [[ $signal == KILL ]]; then
    stop_server KILL || true
  else
    stops_in_time "$signal"
  fi
  serve
  download "/small-$signal" "$WORK/got"
  cmp "$WORK/got" "$WORK/small"
  download "/large-$signal" "$WORK/got"
  cmp "$WORK/got" "$WORK/large"
  stops_in_time TERM
}

# A client that waits in `diff` gets an answer when the server ends, not a
# closed connection.
waiting_call_is_answered() {
  serve
  local last
  last=$(api diff last=0 | field diffid)
  call diff "diffid=$last" block=1 >"$WORK/diff.json" &
  local waiting=$!
  # Another call on the same account shows that the server is at work; the
  # waiting one was sent before.
  await "$SERVER_LIMIT_S" connection_open
  api userinfo
  stops_in_time TERM
  wait "$waiting"
  same 'diffid of the answer' "$last" "$(field diffid <"$WORK/diff.json")"
}

# connection_open: some client is connected to the server's port.
connection_open() {
  local port
  port=$(printf '%04X' "${ADDRESS##*:}")
  # State 01 is an established connection; the server's side has its port first.
  grep -q -E "^ *[0-9]+: [0-9A-F]+:$port [0-9A-F:]+ 01 " /proc/net/tcp
}

# An upload that is in progress when the server is told to end is finished.
upload_is_finished() {
  serve
  curl --silent --show-error --fail --limit-rate 1500k --upload-file "$WORK/large" \
    --url-query "auth=$AUTH" --url-query filename=slow --url-query folderid=0 \
    --url-query progresshash=slow "$URL/uploadfile" >"$WORK/slow.json" &
  local sending=$!
  await "$SERVER_LIMIT_S" upload_has_begun
  stops_in_time TERM
  wait "$sending"
  same 'result of the upload' 0 "$(field result <"$WORK/slow.json")"
  serve
  download /slow "$WORK/got"
  cmp "$WORK/got" "$WORK/large"
  stops_in_time TERM
}

upload_has_begun() {
  local progress
  progress=$(api uploadprogress progresshash=slow) && [[ $(field uploaded <<<"$progress") -gt 0 ]]
}

# A client that only holds a connection does not hold the server.
idle_connection_is_closed() {
  serve
  exec 3<>"/dev/tcp/${ADDRESS%:*}/${ADDRESS##*:}"
  await "$SERVER_LIMIT_S" connection_open
  stops_in_time TERM
}

nothing_is_missing() {
  pileus check --hash
}

run_case 'SIGTERM ends the server, the next one has the data' restart_keeps_data TERM
run_case 'SIGINT ends the server, the next one has the data' restart_keeps_data INT
run_case 'SIGKILL loses nothing that was acknowledged' restart_keeps_data KILL
run_case 'a waiting diff is answered at the end' waiting_call_is_answered
run_case 'an upload in progress is finished at the end' upload_is_finished
run_case 'an idle connection does not delay the end' idle_connection_is_closed
run_case 'check finds every row and every byte' nothing_is_missing
end_suite
