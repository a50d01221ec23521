#!/usr/bin/env bash
# Installs what the tests use and this machine does not have yet.
#
#   tests/lib/install.sh test     foreign clients, PostgreSQL, Python packages
#   tests/lib/install.sh bench    the web server that `make bench` compares with
#
# Debian packages need root or a password-less sudo. Without either, the
# command to type is printed and the exit code is 1.
set -euo pipefail
cd "$(dirname "$0")/../.."

# Debian's directory of Go sources that belong to packages.
GOCODE=/usr/share/gocode/src/github.com

missing=()

# have_command NAME PACKAGE: asks for PACKAGE when NAME is not on the path.
have_command() {
  command -v "$1" >/dev/null || missing+=("$2")
}

# have_path PATH PACKAGE: asks for PACKAGE when PATH does not exist.
have_path() {
  [[ -e $1 ]] || missing+=("$2")
}

list_for_test() {
  have_command curl curl
  have_command jq jq
  have_command rclone rclone
  have_command go golang-go
  have_path "$GOCODE/rclone/rclone/backend/pcloud" golang-github-rclone-rclone-dev
  # rclone's source imports it, but its Debian package does not depend on it.
  have_path "$GOCODE/coreos/go-semver/semver" golang-github-coreos-go-semver-dev
  have_command python3 python3
  python3 -c 'import ensurepip, venv' 2>/dev/null || missing+=(python3-venv)
  have_command node nodejs
  have_command npm npm
  have_command chromium chromium
  # A drive can be tested only where the kernel has FUSE.
  [[ ! -e /dev/fuse ]] || have_command fusermount3 fuse3
  # The server programs lie outside the path on Debian.
  command -v initdb >/dev/null || compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null ||
    missing+=(postgresql)
}

list_for_bench() {
  have_path /usr/sbin/nginx nginx
  have_command openssl openssl
}

install_packages() {
  local as_root=()
  if [[ $(id -u) -ne 0 ]]; then
    if ! sudo -n true 2>/dev/null; then
      echo "These packages are missing, and installing them needs root:" >&2
      echo "  sudo apt-get install ${missing[*]}" >&2
      return 1
    fi
    as_root=(sudo -n)
  fi
  if ! command -v apt-get >/dev/null; then
    echo "This is not a Debian system; install the counterparts of: ${missing[*]}" >&2
    return 1
  fi
  echo "installing ${missing[*]}"
  "${as_root[@]}" apt-get update --quiet=2
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
    apt-get install --yes --quiet=2 --no-install-recommends "${missing[@]}"
}

# install_python_packages LIST VENV: the packages of LIST in a virtual environment
# of their own, made again when the list changes.
install_python_packages() {
  local list=$1 venv=$2
  if cmp --silent "$list" "$venv/installed.txt"; then
    return
  fi
  echo "installing the packages of $list into $venv"
  rm -rf "$venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check --requirement "$list"
  cp "$list" "$venv/installed.txt"
}

# install_pyfs_suite FOLDER: the test suite of the Python package's file system,
# which only its source archive has, and a virtual environment for it.
install_pyfs_suite() {
  local folder=$1 list=tests/clients/pyfs-requirements.txt package
  package=$(grep '^pcloud==' "$list")
  install_python_packages "$list" "$folder/venv"
  if [[ -d $folder/${package/==/-} ]]; then
    return
  fi
  echo "fetching the source of $package"
  "$folder/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
    --no-binary :all: --no-build-isolation --dest "$folder" "$package"
  tar --extract --gzip --file "$folder/${package/==/-}.tar.gz" --directory "$folder"
}

# What the suites in JavaScript use, installed again when the list changes.
install_node_packages() {
  local list=tests/clients/package.json
  local folder=${CARGO_TARGET_DIR:-target}/test-node
  if cmp --silent "$list" "$folder/installed.json"; then
    return
  fi
  echo "installing the packages of $list into $folder"
  rm -rf "$folder"
  mkdir -p "$folder"
  cp "$list" "$folder/package.json"
  npm install --prefix "$folder" --no-audit --no-fund --silent
  cp "$list" "$folder/installed.json"
}

case ${1:-} in
  test) list_for_test ;;
  bench) list_for_bench ;;
  *)
    echo "usage: $0 test|bench" >&2
    exit 2
    ;;
esac
if [[ ${#missing[@]} -gt 0 ]]; then
  install_packages
fi
if [[ $1 == test ]]; then
  built=${CARGO_TARGET_DIR:-target}
  install_python_packages tests/clients/requirements.txt "$built/test-venv"
  install_pyfs_suite "$built/pyfs"
  install_node_packages
fi
