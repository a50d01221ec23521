#!/usr/bin/env bash
# The Rust crate `pcloud`, unchanged, against a real server. The program that
# makes its calls is in pcloud-crate/, with dependencies of its own.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite pcloud-crate
PROGRAM_TARGET=${CARGO_TARGET_DIR:-$PWD/target}/test-pcloud-crate
CARGO_TARGET_DIR=$PROGRAM_TARGET cargo build --quiet --locked \
  --manifest-path tests/clients/pcloud-crate/Cargo.toml || exit 1
start_server
OAUTH=$(pileus token create "$EMAIL" --oauth) || exit 1
export ADDRESS EMAIL PASSWORD OAUTH

crate() {
  "$PROGRAM_TARGET/debug/pileus-test-pcloud-crate" "$1"
}

run_case 'folders are made, listed, renamed, moved and deleted' crate folders
run_case 'files are uploaded, linked, downloaded, renamed, moved and deleted' crate files
run_case 'a bad token is refused by 2094' crate refused
end_suite
