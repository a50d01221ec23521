#!/usr/bin/env bash
# The pages of accounts in a real browser: from an invitation or an offer to an account, and what mails lead to.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite account-pages
start_server --set registration=open
SITE=$URL
MAILS=$DATA/mail
export SITE EMAIL PASSWORD MAILS
export NODE_PATH=${CARGO_TARGET_DIR:-$PWD/target}/test-node/node_modules
# Where pictures of the pages go, for those who want to look at them.
export PICTURES=${PICTURES:-$WORK}

browser() {
  node tests/clients/account-pages.cjs "$@"
}

run_case 'an invitation leads to an account' browser invited
run_case 'a refused form can be mended' browser mended
run_case 'an offer leads a stranger to an account and on, without scripts' browser offered
run_case 'an offer is declined' browser declined
run_case 'forms of other sites make no accounts' browser foreign
run_case 'no other page can frame it' browser framed
run_case 'what people type stays text' browser escaped
run_case 'a new password can shut apps out' browser password
run_case 'the pages look as they should on desktop and phone' browser pictures
end_suite
