#!/usr/bin/env bash
# The page of an upload link in a real browser.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite upload-page
start_server
pileus user set "$EMAIL" --verified >/dev/null || exit 1
export URL EMAIL PASSWORD WORK
export NODE_PATH=${CARGO_TARGET_DIR:-$PWD/target}/test-node/node_modules
# Where pictures of the page go, for those who want to look at them.
export PICTURES=${PICTURES:-$WORK}

browser() {
  node tests/clients/upload_page.cjs "$@"
}

run_case 'chosen files arrive, and progress is shown' browser choose
run_case 'dropped files arrive' browser drop
run_case 'it works without scripts' browser scriptless
run_case 'the keyboard does for everything' browser keyboard
run_case 'a limit is told before anything is sent' browser limits
run_case 'a link that closes meanwhile is told' browser closes
run_case 'an upload can be stopped and sent again' browser stops
run_case 'links that do not work are told' browser gone
run_case 'nothing but its own files is loaded, and nobody frames it' browser policy
run_case 'it looks as it should on desktop and phone' browser pictures
end_suite
