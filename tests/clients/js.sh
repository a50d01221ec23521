#!/usr/bin/env bash
# pCloud's own SDK for JavaScript, unchanged, against a real server.
#
# The published package knows two hosts only. js.cjs sends what goes there to
# the suite's server, and changes nothing else.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite js
# The suite's own sources of downloads are on this machine.
export PILEUS_DOWNLOADS_ALLOW=127.0.0.0/8
start_server
OAUTH=$(pileus token create "$EMAIL" --oauth) || exit 1
APP=$(pileus app add 'JavaScript test' --json) || exit 1
export ADDRESS EMAIL PASSWORD OAUTH WORK APP
export NODE_PATH=${CARGO_TARGET_DIR:-$PWD/target}/test-node/node_modules

sdk() {
  node tests/clients/js.cjs "$1"
}

run_case 'an OAuth token logs in' sdk oauth
run_case 'mail address and password log in' sdk login
run_case 'a bad token is refused by 2094' sdk refused
run_case 'folders are made, listed, renamed, moved and deleted' sdk folders
run_case 'files are uploaded, linked, downloaded, renamed, moved and deleted' sdk files
run_case 'the progress of an upload is told' sdk progress
run_case 'a URL is fetched by the server, and its progress is told' sdk remote
run_case 'a code is exchanged for a token' sdk code
run_case 'the poll flow gets the token that a person grants' sdk poll
end_suite
