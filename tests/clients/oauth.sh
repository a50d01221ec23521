#!/usr/bin/env bash
# The page of OAuth in a real browser, and rclone's log in through it.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite oauth
start_server --tls-self-signed
CA_FILE=$(sed -n 's/^CA certificate: //p' "$SERVER_LOG" | head -n 1)
SITE=https://$ADDRESS
APP=$(pileus app add rclone --redirect http://localhost:53682/ --description 'Copies files to and from many clouds.' --json) ||
  exit 1
export SITE EMAIL PASSWORD WORK APP
export NODE_EXTRA_CA_CERTS=$CA_FILE
export NODE_PATH=${CARGO_TARGET_DIR:-$PWD/target}/test-node/node_modules
# Where pictures of the pages go, for those who want to look at them.
export PICTURES=${PICTURES:-$WORK}

browser() {
  node tests/clients/oauth.cjs "$@"
}

# rclone opens no browser here: it prints the address, which is what a person
# would open, and takes the answer on its own port.
rclone_logs_in() {
  local config=$WORK/rclone.conf log=$WORK/rclone-authorize.log
  local id secret address
  id=$(field client_id <<<"$APP")
  secret=$(field client_secret <<<"$APP")
  printf '[cloud]\ntype = pcloud\nhostname = %s\n' "$ADDRESS" >"$config"
  : >"$log"
  rclone --config "$config" --ca-cert "$CA_FILE" config reconnect cloud: --auto-confirm \
    --pcloud-client-id "$id" --pcloud-client-secret "$secret" \
    --pcloud-auth-url "$SITE/oauth2/authorize" --pcloud-token-url "$SITE/oauth2_token" \
    >"$log" 2>&1 &
  local pid=$!
  await 30 grep -q 'http://127.0.0.1:53682/auth' "$log"
  address=$(grep -o 'http://127.0.0.1:53682/auth[^ ]*' "$log" | head -n 1)
  browser rclone "$address"
  wait "$pid" || {
    cat "$log"
    return 1
  }
  grep -q '"access_token":' "$config"
  grep -q "hostname = $ADDRESS" "$config"
  rclone --config "$config" --ca-cert "$CA_FILE" lsf cloud:
}

run_case 'a person logs in and allows' browser allow
run_case 'a person denies' browser deny
run_case 'a wrong password is told, and can be mended' browser wrong
run_case 'the keyboard does for everything' browser keyboard
run_case 'the pages need no scripts' browser scriptless
run_case 'no other page can frame them' browser framed
run_case 'forms of other sites are refused' browser foreign
run_case 'linked apps are shown, and unlinked' browser unlink
run_case 'the pages look as they should on desktop and phone' browser pictures
run_case 'rclone logs in through a browser' rclone_logs_in
end_suite
