#!/usr/bin/env bash
# A full disk: what does not fit is refused, what is stored stays readable, and
# the server goes on when there is room again.
#
# The disk is a small file system in memory. Mounting it needs root, or a kernel
# that lets users make name spaces of their own; without both this is left out.
set -u
cd "$(dirname "$0")/../.." || exit

# Enough for an empty server with its journal, little enough to fill in no time.
DISK_MIB=48
# What is deleted in the end to make room.
BALLAST_MIB=16

if [[ $(id -u) -ne 0 ]]; then
  if unshare --user --map-root-user --mount true 2>/dev/null; then
    exec unshare --user --map-root-user --mount tests/faults/disk_full.sh
  fi
fi

# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh
begin_suite disk-full
DISK=$WORK/disk
DATA=$DISK/data
mkdir "$DISK"

release_work() {
  if mountpoint --quiet "$DISK"; then
    umount "$DISK"
  fi
}

if ! mount -t tmpfs -o "size=${DISK_MIB}m" tmpfs "$DISK" 2>"$WORK/mount.log"; then
  skip 'a full disk' "no right to mount: $(<"$WORK/mount.log")"
  end_suite
fi
head -c "${BALLAST_MIB}M" /dev/zero >"$DISK/ballast"
start_server

# fill PREFIX SIZE_BYTES COUNT: uploads up to COUNT different files until one is
# refused. Name and hash of each accepted one go to $WORK/accepted.
fill() {
  local n hash
  for ((n = 0; n < $3; n++)); do
    # The server stores equal contents once, so each file is a new one.
    head -c "$2" /dev/urandom >"$WORK/file"
    upload "$WORK/file" "$1-$n" >"$WORK/answer" || break
    hash=$(sha256sum <"$WORK/file")
    printf '%s %s\n' "$1-$n" "${hash%% *}" >>"$WORK/accepted"
  done
  cat "$WORK/answer"
  # The refusal is an answer of the API, with a result code.
  [[ $(field result <"$WORK/answer") -ne 0 ]]
}

all_accepted_are_there() {
  local name hash
  while read -r name hash; do
    download "/$name" "$WORK/got"
    same "hash of $name" "$hash  -" "$(sha256sum <"$WORK/got")"
  done <"$WORK/accepted"
}

goes_on_with_room() {
  rm "$DISK/ballast"
  head -c 1000000 /dev/urandom >"$WORK/file"
  upload "$WORK/file" after
  download /after "$WORK/got"
  cmp "$WORK/got" "$WORK/file"
  api createfolder path=/folder-after
}

starts_again() {
  pileus check --hash
  serve
  all_accepted_are_there
  stop_server
}

run_case 'large files fill the disk, then one is refused' fill large 1000000 "$DISK_MIB"
run_case 'small files fill the rest, then one is refused' fill small 20000 1000
run_case 'reads work on the full disk' all_accepted_are_there
run_case 'with room again, uploads work again' goes_on_with_room
stop_server
run_case 'a new start has every accepted file' starts_again
end_suite
