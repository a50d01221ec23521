#!/usr/bin/env bash
# rclone's own test suite for its pCloud backend, unchanged, against a real
# server over HTTPS. Every case of it counts.
#
#   tests/clients/rclone-backend.sh            all cases
#   tests/clients/rclone-backend.sh PATTERN    those that go's -test.run selects
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

# A run that found no remote to test reports success after a handful of cases,
# so fewer than this is a failure of the suite itself. All of it is about 85.
FEWEST_CASES=75

BUILT=${CARGO_TARGET_DIR:-$PWD/target}/rclone-backend
PROGRAM=$BUILT/pcloud.test

# Debian's package holds rclone's source with all its dependencies as a Go
# workspace, so nothing is downloaded.
build() {
  local source
  source=$(dpkg-query --show golang-github-rclone-rclone-dev golang-go) || return
  if [[ -x $PROGRAM && $source == "$(cat "$BUILT/source.txt" 2>/dev/null)" ]]; then
    return
  fi
  mkdir -p "$BUILT"
  GO111MODULE=off GOPATH=/usr/share/gocode GOFLAGS='' GOCACHE=$BUILT/cache \
    go test -c -o "$PROGRAM" github.com/rclone/rclone/backend/pcloud &&
    printf '%s\n' "$source" >"$BUILT/source.txt"
}

begin_suite rclone-backend
if ! build; then
  echo "rclone's suite could not be built; tests/lib/install.sh test brings its source" >&2
  exit 1
fi
start_server --tls-self-signed
CA_FILE=$(sed -n 's/^CA certificate: //p' "$SERVER_LOG" | head -n 1)
OAUTH=$(pileus token create "$EMAIL" --oauth) || exit 1
cat >"$WORK/rclone.conf" <<CONFIG
[TestPcloud]
type = pcloud
hostname = $ADDRESS
token = {"access_token":"$OAUTH","token_type":"bearer","expiry":"0001-01-01T00:00:00Z"}
CONFIG

# The suite looks upwards from where it runs for scripts that start servers.
mkdir -p "$WORK/run/fstest/testserver/init.d"
log=$WORK/suite.log
status=0
(
  cd "$WORK/run" &&
    RCLONE_CONFIG=$WORK/rclone.conf RCLONE_CACHE_DIR=$WORK/cache SSL_CERT_FILE=$CA_FILE \
      "$PROGRAM" -remote TestPcloud: -test.v -test.timeout 10m ${1:+-test.run "$1"}
) >"$log" 2>&1 || status=$?

# count KIND: how many cases of the log ended that way.
count() {
  grep -c "^ *--- $1: " "$log"
}
PASSED=$(count PASS)
FAILED=$(count FAIL)
grep '^ *--- FAIL: ' "$log"
if [[ $status -ne 0 && $FAILED -eq 0 ]]; then
  FAILED=1
  echo "the suite ended with exit code $status"
fi
if [[ $# -eq 0 && $PASSED -lt $FEWEST_CASES ]]; then
  FAILED=$((FAILED + 1))
  echo "only $PASSED cases ran"
fi
if [[ $FAILED -gt 0 ]]; then
  grep -E -A 8 'Error Trace:|^panic:|ERROR' "$log" | head -n 80 | sed 's/^/  | /'
fi
printf 'left out by rclone itself, as features that pCloud does not have: %s\n' "$(count SKIP)"
end_suite
