# shellcheck shell=bash
# A folder tree whose names are hard on every part between disk and disk.

# repeat COUNT TEXT: TEXT, COUNT times over.
repeat() {
  local n
  for ((n = 0; n < $1; n++)); do
    printf '%s' "$2"
  done
}

# make_odd_tree FOLDER: writes the tree.
make_odd_tree() {
  local folder=$1 name
  local names=(
    ' leading blank' 'trailing blank ' '  ' '.hidden' '...' 'trailing dot.'
    '-option' '--' '~' '#fragment' 'question?' 'star*' 'pipe|' 'colon:' 'less<more>'
    "single'quote" 'double"quote' 'back`tick' '$HOME' '&and;' 'plus+sign' 'a=b&c=d'
    '100%' '%2F' '%00' 'back\slash' 'comma,semi;colon' '[brackets]{braces}' '@at' '^!'
    $'tab\there' $'new\nline' $'return\r' $'escape\e[31m' $'bell\a' $'delete\x7f' $'first\x01'
    # The same letter in its two spellings: one code point, and a letter with an
    # accent after it. They are two names.
    $'caf\u00e9' $'cafe\u0301'
    $'\u65e5\u672c\u8a9e.txt' $'\u0440\u0443\u0441\u0441\u043a\u0438\u0439'
    $'\u0639\u0631\u0628\u064a' $'right\u202eto left' $'zero\u200bwidth'
    $'\U0001f600' $'\U0001f468\u200d\U0001f469\u200d\U0001f467'
    # Characters that rclone itself uses to write forbidden ones.
    $'full\uff0fwidth' $'symbol\u2400'
    # Not UTF-8 at all, which a local disk allows.
    $'bad\xffbytes'
    'CON' 'aux.txt' 'name (2).txt'
    # A local disk allows 255 bytes.
    "$(repeat 255 x)" "$(repeat 85 $'\u65e5')"
  )
  mkdir -p "$folder/names" "$folder/folders" "$folder/plain/gone" "$folder/empty/inside"
  for name in "${names[@]}"; do
    printf 'content of %q' "$name" >"$folder/names/$name"
    mkdir "$folder/folders/$name"
  done
  # A folder of the same name as a file, one level down.
  printf 'inside' >"$folder/folders/caf"$'\u00e9'"/names"
  printf 'some words' >"$folder/plain/words.txt"
  printf 'soon deleted' >"$folder/plain/gone/file"
  : >"$folder/plain/empty file"
  head -c 70000 /dev/urandom >"$folder/plain/seventy thousand bytes"
  touch --date '1999-12-31 23:59:59 UTC' "$folder/plain/words.txt"
  touch --date '1970-01-01 00:00:01 UTC' "$folder/names/~"
  touch --date '2040-01-01 00:00:00 UTC' "$folder/names/@at"
}
