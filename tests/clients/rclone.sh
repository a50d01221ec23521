#!/usr/bin/env bash
# rclone's command line against a real server over HTTPS.
#
# Every command runs without retries, so that an answer which only works at the
# second try is seen as what it is.
set -u
cd "$(dirname "$0")/../.." || exit
# shellcheck source=tests/lib/suite.sh
source tests/lib/suite.sh
# shellcheck source=tests/clients/odd_names.sh
source tests/clients/odd_names.sh

begin_suite rclone
start_server --tls-self-signed
CA_FILE=$(sed -n 's/^CA certificate: //p' "$SERVER_LOG" | head -n 1)
OAUTH=$(pileus token create "$EMAIL" --oauth) || exit 1

# The backend asks for user name and password only to empty the trash, where
# pCloud takes no OAuth token.
cat >"$WORK/rclone.conf" <<CONFIG
[cloud]
type = pcloud
hostname = $ADDRESS
token = {"access_token":"$OAUTH","token_type":"bearer","expiry":"0001-01-01T00:00:00Z"}
username = $EMAIL
password = $(rclone obscure "$PASSWORD")
CONFIG

# Names are compared byte by byte: by itself rclone would take two spellings of
# the same letter for one file, and leave one of them out.
cloud() {
  rclone --config "$WORK/rclone.conf" --ca-cert "$CA_FILE" --cache-dir "$WORK/cache" \
    --retries 1 --low-level-retries 1 --no-unicode-normalization "$@"
}

# same_trees ONE OTHER: equal names, contents, and file times to the second.
same_trees() {
  diff --recursive --no-dereference "$1" "$2"
  diff <(list_times "$1") <(list_times "$2")
}

list_times() {
  (cd "$1" && find . -type f -printf '%Ts %p\0' | sort --zero-terminated | tr '\0' '\n')
}

# transfers LOG: how many files a command run with --log-level INFO has moved.
transfers() {
  grep -c -E 'INFO .*: (Copied|Moved|Updated modification time)' "$1" || true
}

TREE=$WORK/tree
make_odd_tree "$TREE"

sync_up() {
  cloud sync --create-empty-src-dirs "$TREE" cloud:tree
}

check_by_hashes() {
  cloud check "$TREE" cloud:tree
}

check_by_contents() {
  cloud check --download "$TREE" cloud:tree
}

sync_down() {
  cloud sync --create-empty-src-dirs cloud:tree "$WORK/down"
  same_trees "$TREE" "$WORK/down"
}

sync_again() {
  cloud sync --create-empty-src-dirs --log-level INFO --log-file "$WORK/again.log" "$TREE" cloud:tree
  same 'files moved by a second sync' 0 "$(transfers "$WORK/again.log")"
}

sync_changes() {
  printf 'other words' >"$TREE/plain/words.txt"
  rm -r "$TREE/plain/gone"
  printf 'new' >"$TREE/plain/new.txt"
  cloud sync --create-empty-src-dirs --log-level INFO --log-file "$WORK/changes.log" "$TREE" cloud:tree
  same 'files moved after two changes' 2 "$(transfers "$WORK/changes.log")"
  cloud sync --create-empty-src-dirs cloud:tree "$WORK/down"
  same_trees "$TREE" "$WORK/down"
}

large_files() {
  local n
  mkdir "$WORK/large"
  for n in 1 2 3; do
    head -c 20000000 /dev/urandom >"$WORK/large/$n.bin"
  done
  cloud copy --transfers 3 "$WORK/large" cloud:large
  cloud check --download "$WORK/large" cloud:large
  cloud copy --transfers 3 --multi-thread-cutoff 4M --multi-thread-streams 4 cloud:large "$WORK/large-down"
  same_trees "$WORK/large" "$WORK/large-down"
}

hash_sums() {
  local kind
  for kind in md5 sha1; do
    diff <(cd "$TREE/plain" && "${kind}sum" words.txt new.txt | sort) \
      <(cloud "${kind}sum" cloud:tree/plain --include words.txt --include new.txt | sort)
  done
}

# server_side COMMAND...: runs an rclone command that must move no content
# through the client.
server_side() {
  cloud --log-level INFO --log-file "$WORK/server-side.log" "$@"
  grep -q 'server-side' "$WORK/server-side.log"
  rm "$WORK/server-side.log"
}

copy_on_server() {
  server_side copy cloud:large/1.bin cloud:copies
  server_side copyto cloud:large/1.bin cloud:copies/named.bin
  cmp <(cloud cat cloud:copies/named.bin) "$WORK/large/1.bin"
  same 'the copies' $'1.bin\nnamed.bin' "$(cloud lsf cloud:copies | sort)"
}

move_on_server() {
  local before
  before=$(cloud lsf --format tp cloud:copies/named.bin)
  server_side moveto cloud:copies/named.bin 'cloud:moved/new name.bin'
  same 'time and size after the move' "${before%;*}" \
    "$(cloud lsf --format tp 'cloud:moved/new name.bin' | cut -d ';' -f 1)"
  cloud move cloud:copies cloud:moved/folder
  same 'the moved folder' $'folder/\nfolder/1.bin\nnew name.bin' "$(cloud lsf --recursive cloud:moved | sort)"
}

move_from_local() {
  mkdir "$WORK/leaving"
  printf 'on the way' >"$WORK/leaving/file"
  cloud move "$WORK/leaving" cloud:arrived
  same 'files left behind' '' "$(find "$WORK/leaving" -type f)"
  same 'what arrived' 'on the way' "$(cloud cat cloud:arrived/file)"
}

# time_of PATH: the modification time of one file, in UTC, to the second.
time_of() {
  TZ=UTC cloud lsjson "$1" | field '[0].ModTime' | sed -E 's/(\.[0-9]+)?(\+00:00|Z)$/Z/'
}

touch_new_file() {
  cloud touch --timestamp 2001-02-03T04:05:06 cloud:arrived/created
  same 'the time that was asked for' 2001-02-03T04:05:06Z "$(time_of cloud:arrived/created)"
  same 'the size of a new file' 0 "$(cloud lsjson cloud:arrived/created | field '[0].Size')"
}

# Debian's rclone sets the time of a file by sending it again; later versions
# copy the file onto itself, as the second half does.
set_times() {
  touch --date '2002-03-04 05:06:07 UTC' "$TREE/plain/words.txt"
  cloud copy "$TREE/plain/words.txt" cloud:tree/plain
  same 'the time of the file sent again' 2002-03-04T05:06:07Z "$(time_of cloud:tree/plain/words.txt)"
  local file
  file=$(api stat path=/tree/plain/words.txt)
  curl --silent --show-error --fail --request PUT \
    --header "Authorization: Bearer $OAUTH" --cacert "$CA_FILE" \
    --url-query "fileid=$(field metadata.fileid <<<"$file")" \
    --url-query "tofolderid=$(field metadata.parentfolderid <<<"$file")" \
    --url-query toname=words.txt --url-query mtime=1000000000 --url-query ctime=1000000000 \
    "https://$ADDRESS/copyfile"
  same 'the time of the file copied onto itself' 2001-09-09T01:46:40Z \
    "$(time_of cloud:tree/plain/words.txt)"
  same 'the content' 'other words' "$(cloud cat cloud:tree/plain/words.txt)"
}

part_of_file() {
  cmp <(cloud cat --offset 7777777 --count 100001 cloud:large/2.bin) \
    <(tail -c +7777778 "$WORK/large/2.bin" | head -c 100001)
  cmp <(cloud cat --tail 5 cloud:large/2.bin) <(tail -c 5 "$WORK/large/2.bin")
}

from_standard_input() {
  head -c 300000 "$WORK/large/3.bin" | cloud rcat cloud:arrived/piped
  cmp <(cloud cat cloud:arrived/piped) <(head -c 300000 "$WORK/large/3.bin")
}

account_figures() {
  local about
  about=$(cloud about --json cloud:)
  [[ $(field used <<<"$about") -ge 60000000 ]]
  same 'free is total less used' "$(($(field total <<<"$about") - $(field used <<<"$about")))" \
    "$(field free <<<"$about")"
}

listing() {
  same 'entries of the tree' "$(find "$TREE" -mindepth 1 -printf x | wc -c)" \
    "$(cloud lsjson --recursive cloud:tree | jq length)"
  same 'bytes of the large files' 60000000 "$(cloud size --json cloud:large | field bytes)"
}

public_link() {
  [[ $(cloud link cloud:arrived/file) == http*://* ]]
  [[ $(cloud link cloud:arrived) == http*://* ]]
}

empty_folders() {
  cloud mkdir cloud:hollow/a/b/c
  cloud rmdirs --leave-root cloud:hollow
  same 'what is left' hollow/ "$(cloud lsf cloud: --include 'hollow/')"
  cloud rmdir cloud:hollow
  same 'the folder itself' '' "$(cloud lsf cloud: --include 'hollow/')"
}

delete_and_purge() {
  cloud deletefile cloud:arrived/piped
  cloud delete cloud:moved --include '*.bin'
  same 'files after delete' '' "$(cloud lsf --files-only --recursive cloud:moved)"
  cloud purge cloud:moved
  cloud purge cloud:tree
  local status=0
  cloud lsf cloud:tree || status=$?
  same "the exit code for a folder that is not there" 3 "$status"
}

empty_the_trash() {
  cloud cleanup cloud:
  same 'the trash' '[]' "$(api trash_list folderid=0 | field metadata.contents)"
}

no_duplicates() {
  cloud dedupe skip cloud:
}

both_ways() {
  mkdir "$WORK/here"
  printf one >"$WORK/here/one"
  printf two >"$WORK/here/two"
  local sync=(bisync --workdir "$WORK/bisync" "$WORK/here" cloud:there)
  cloud mkdir cloud:there
  cloud "${sync[@]}" --resync
  # A later time than that of the first run, so that the change is seen.
  printf 'one, changed here' >"$WORK/here/one"
  touch --date '+2 seconds' "$WORK/here/one"
  printf 'three, made there' | cloud rcat cloud:there/three
  cloud deletefile cloud:there/two
  # One of two files is gone, which is above the share that bisync allows.
  cloud "${sync[@]}" --force
  same 'the changed file there' 'one, changed here' "$(cloud cat cloud:there/one)"
  same 'the new file here' 'three, made there' "$(<"$WORK/here/three")"
  same 'the files here' $'one\nthree' "$(ls "$WORK/here")"
  same 'the files there' $'one\nthree' "$(cloud lsf cloud:there | sort)"
}

run_case 'a tree of odd names goes up' sync_up
run_case 'check finds equal hashes' check_by_hashes
run_case 'check finds equal contents' check_by_contents
run_case 'the tree comes down with the same names, contents and times' sync_down
run_case 'a second sync has nothing to do' sync_again
run_case 'only changes are sent' sync_changes
run_case 'three files of 20 MB, in parallel and in ranges' large_files
run_case 'hash sums are those of the local programs' hash_sums
run_case 'copies are made on the server' copy_on_server
run_case 'moves are made on the server and keep times' move_on_server
run_case 'a move from this machine leaves nothing behind' move_from_local
run_case 'touch makes a file with the time asked for' touch_new_file
run_case 'the time of a file can be changed' set_times
run_case 'a part of a file can be read' part_of_file
run_case 'a stream of unknown length becomes a file' from_standard_input
run_case 'about tells the space' account_figures
run_case 'listings are complete' listing
run_case 'public links are made' public_link
run_case 'empty folders are removed' empty_folders
run_case 'delete and purge remove what they name' delete_and_purge
run_case 'the trash is emptied' empty_the_trash
run_case 'no name exists twice' no_duplicates
run_case 'bisync brings both sides together' both_ways
end_suite
