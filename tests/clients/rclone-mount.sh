#!/usr/bin/env bash
# rclone as a drive: programs work on files of the server as if they were local.
#
# Needs FUSE; where the kernel does not offer it nothing is run, with a message.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh

begin_suite rclone-mount
if [[ ! -w /dev/fuse ]]; then
  skip 'a mounted drive' 'no /dev/fuse here'
  end_suite
fi
start_server --tls-self-signed
CA_FILE=$(sed -n 's/^CA certificate: //p' "$SERVER_LOG" | head -n 1)
OAUTH=$(pileus token create "$EMAIL" --oauth) || exit 1
cat >"$WORK/rclone.conf" <<CONFIG
[cloud]
type = pcloud
hostname = $ADDRESS
token = {"access_token":"$OAUTH","token_type":"bearer","expiry":"0001-01-01T00:00:00Z"}
CONFIG
DRIVE=$WORK/drive
mkdir "$DRIVE"

cloud() {
  rclone --config "$WORK/rclone.conf" --ca-cert "$CA_FILE" --cache-dir "$WORK/cache" \
    --retries 1 --low-level-retries 1 "$@"
}

# mount_drive: mounts the account, and waits until it is there.
mount_drive() {
  cloud mount cloud: "$DRIVE" --vfs-cache-mode writes --vfs-write-back 0s --dir-cache-time 1s \
    --log-file "$WORK/mount.log" --log-level INFO --daemon
  await 10 mountpoint --quiet "$DRIVE"
}

# unmount_drive: unmounts once everything has been sent.
unmount_drive() {
  await 30 fusermount3 -u "$DRIVE"
}

# A failed case must not leave a mount behind that keeps the work folder busy.
release_drive() {
  if mountpoint --quiet "$DRIVE"; then
    fusermount3 -u -z "$DRIVE"
  fi
}
trap 'status=$?; release_drive; (exit "$status"); clean_up' EXIT

# sent PATH TEXT: true once the server has a file of this content.
sent() {
  [[ $(cloud cat "cloud:$1" 2>/dev/null) == "$2" ]]
}

write_and_read() {
  mkdir "$DRIVE/notes"
  printf 'first line\n' >"$DRIVE/notes/a b.txt"
  same 'what is read back' 'first line' "$(<"$DRIVE/notes/a b.txt")"
  await 10 sent 'notes/a b.txt' 'first line'
}

append() {
  printf 'second line\n' >>"$DRIVE/notes/a b.txt"
  await 10 sent 'notes/a b.txt' $'first line\nsecond line'
}

change_in_the_middle() {
  printf 'FIRST' | dd of="$DRIVE/notes/a b.txt" conv=notrunc status=none
  await 10 sent 'notes/a b.txt' $'FIRST line\nsecond line'
}

large_file() {
  head -c 30000000 /dev/urandom >"$WORK/large"
  cp "$WORK/large" "$DRIVE/large"
  cmp "$WORK/large" "$DRIVE/large"
}

move_and_remove() {
  mv "$DRIVE/notes/a b.txt" "$DRIVE/moved.txt"
  mv "$DRIVE/notes" "$DRIVE/papers"
  same 'the folder' $'large\nmoved.txt\npapers' "$(ls "$DRIVE")"
  rmdir "$DRIVE/papers"
  rm "$DRIVE/moved.txt"
  same 'what is left' large "$(ls "$DRIVE")"
}

all_of_it_is_there_without_the_drive() {
  unmount_drive
  cloud cat cloud:large | cmp - "$WORK/large"
  same 'the listing' large "$(cloud lsf cloud:)"
}

run_case 'the account is mounted' mount_drive
run_case 'a file is written and read' write_and_read
run_case 'a file is appended to' append
run_case 'a file is changed in the middle' change_in_the_middle
run_case 'a file of 30 MB' large_file
run_case 'files and folders are moved and removed' move_and_remove
run_case 'what was written is on the server' all_of_it_is_there_without_the_drive
end_suite
