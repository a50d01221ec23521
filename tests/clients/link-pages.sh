#!/usr/bin/env bash
# The pages of public links in a real browser.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite link-pages
start_server
pileus user set "$EMAIL" --verified >/dev/null || exit 1
SITE=$URL
export SITE EMAIL PASSWORD
export NODE_PATH=${CARGO_TARGET_DIR:-$PWD/target}/test-node/node_modules
# Where pictures of the pages go, for those who want to look at them.
export PICTURES=${PICTURES:-$WORK}

browser() {
  node tests/clients/link-pages.cjs "$@"
}

run_case 'a file is shown and saved' browser file
run_case 'a folder is walked through' browser folder
run_case 'the keyboard does for everything' browser keyboard
run_case 'the pages need no scripts' browser scriptless
run_case 'names of files stay text' browser names
run_case 'a password opens its link for a while, and no other' browser password
run_case 'what ends a link is told in words' browser ended
run_case 'German is spoken where it is asked for' browser german
run_case 'long folders come in pages' browser long
run_case 'the pages run nothing, and nobody frames them' browser headers
run_case 'the pages look as they should on desktop and phone' browser pictures
end_suite
