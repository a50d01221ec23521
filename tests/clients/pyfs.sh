#!/usr/bin/env bash
# The test suite of the Python package `pcloud` 1.4 for its file system, which
# is that of PyFilesystem, unchanged, against a real server over HTTPS. It reads
# files through descriptors.
#
#   tests/clients/pyfs.sh            all cases
#   tests/clients/pyfs.sh PATTERN    those that pytest's -k selects
#
# The package knows pCloud's own hosts only, and its suite insists on one of
# them. So the server has a certificate for that name, and a plugin of pytest
# leads the connections to it.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

# All cases of the suite: a run that finds fewer has left some out.
ALL_CASES=80

BUILT=${CARGO_TARGET_DIR:-$PWD/target}/pyfs
PYTHON=$BUILT/venv/bin/python
TESTS=$BUILT/pcloud-1.4/src/pcloud/tests/test_pyfs.py
HOST=eapi.pcloud.com

begin_suite pyfs
if [[ ! -x $PYTHON || ! -f $TESTS ]]; then
  echo "the suite is not there; tests/lib/install.sh test brings it" >&2
  exit 1
fi
# The suite puts the password into a URL as it is.
PASSWORD=password-for-pyfs
export PILEUS_PUBLIC_API=$HOST PILEUS_PUBLIC_CONTENT=$HOST
start_server --tls-self-signed
CA_FILE=$(sed -n 's/^CA certificate: //p' "$SERVER_LOG" | head -n 1)

log=$WORK/suite.log
status=0
# Its own folder of caches and a plugin by name: nothing of this machine counts.
PCLOUD_USERNAME=$EMAIL PCLOUD_PASSWORD=$PASSWORD REQUESTS_CA_BUNDLE=$CA_FILE \
  LEAD_FROM=$HOST:443 LEAD_TO=$ADDRESS PYTHONPATH=tests/lib PYTHONWARNINGS=ignore \
  "$PYTHON" -m pytest -p lead_connections -p no:cacheprovider --rootdir "$WORK" \
  --verbose --timeout 120 ${1:+-k "$1"} "$TESTS" >"$log" 2>&1 || status=$?

# count KIND: how many cases of the log ended that way.
count() {
  grep -c "::test_[a-z0-9_]* $1 " "$log"
}
PASSED=$(count PASSED)
FAILED=$(($(count FAILED) + $(count ERROR)))
grep -E '::test_[a-z0-9_]* (FAILED|ERROR) ' "$log"
if [[ $status -ne 0 && $FAILED -eq 0 ]]; then
  FAILED=1
  echo "the suite ended with exit code $status"
fi
if [[ $# -eq 0 && $((PASSED + FAILED)) -ne $ALL_CASES ]]; then
  FAILED=$((FAILED + 1))
  echo "$PASSED cases passed where $ALL_CASES should have run"
fi
if [[ $FAILED -gt 0 ]]; then
  grep -E '^E  |Error' "$log" | head -n 60 | sed 's/^/  | /'
fi
end_suite
