#!/usr/bin/env bash
# Fills data/gutenberg with Project Gutenberg books as plain text, for configs/gutenberg.yaml: downloads them one by
# one, or takes them from a folder that is there already. Given again, it goes on: books that are there are left alone.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

default_list=$root/data/gutenberg_books.txt
output=$root/data/gutenberg
mirror=${CHARRNN_GUTENBERG_MIRROR:-https://www.gutenberg.org}
pause=2          # seconds between downloads: www.gutenberg.org asks robots to wait so long
attempts=4       # at a book, waiting 2, 4, 8 s between them
stall_seconds=30 # a transfer of less than 1 kB/s for so long is given up
user_agent="charrnn-get-gutenberg/0.1 (a script that fetches some books, slowly)"

usage="usage: launch/get_gutenberg.sh [OPTIONS] [NUMBER... | FOLDER]
  NUMBER         of a book, as in https://www.gutenberg.org/ebooks/84; without any, those of data/gutenberg_books.txt
  FOLDER         take the .txt and .txt.gz files below it (hard links, or copies); nothing is downloaded
  --list FILE    numbers, one a line; what follows # is a comment
  --output TO    fill this folder instead of data/gutenberg
  --mirror URL   download URL/cache/epub/84/pg84.txt; $mirror by default (CHARRNN_GUTENBERG_MIRROR)
  --pause N      seconds between downloads, $pause by default; Gutenberg shuts out robots that do not wait
  --attempts N   at each book, $attempts by default
Exit codes: 0 all books are there, 1 some are not, 2 a mistake in the command line or the list."

say() { printf '%s\n' "get_gutenberg: $*"; }
fail() { printf '%s\n' "get_gutenberg: $*" >&2; exit 1; }
fail_usage() { printf '%s\n' "get_gutenberg: $*" >&2; exit 2; }

books=() folder='' lists=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --list | --output | --mirror | --pause | --attempts)
      [ $# -gt 1 ] && [ -n "$2" ] || fail_usage "$1 wants a value"$'\n'"$usage"
      case $1 in
        --list) lists+=("$2") ;;
        --output) output=$2 ;;
        --mirror) mirror=$2 ;;
        --pause) pause=$2 ;;
        --attempts) attempts=$2 ;;
      esac
      shift ;;
    -*) fail_usage "unknown argument '$1'"$'\n'"$usage" ;;
    *)
      if [[ $1 =~ ^[1-9][0-9]{0,6}$ ]]; then
        books+=("$1")
      elif [ -d "$1" ]; then
        [ -z "$folder" ] || fail_usage "one folder at a time, found '$folder' and '$1'"
        folder=$1
      else
        fail_usage "'$1' is neither the number of a book nor a folder"$'\n'"$usage"
      fi ;;
  esac
  shift
done
[[ $pause =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail_usage "--pause wants a number of seconds, not '$pause'"
[[ $attempts =~ ^[1-9][0-9]?$ ]] || fail_usage "--attempts wants a number from 1 to 99, not '$attempts'"
[[ $mirror =~ ^https?://[^/]+ ]] || fail_usage "--mirror wants an address, https://..., not '$mirror'"
mirror=${mirror%/}
if [ -n "$folder" ] && [ $((${#books[@]} + ${#lists[@]})) != 0 ]; then
  fail_usage "either a folder or numbers of books, found both"
fi
if [ -z "$folder" ] && [ ${#books[@]} = 0 ] && [ ${#lists[@]} = 0 ]; then lists=("$default_list"); fi

for list in "${lists[@]}"; do
  [ -f "$list" ] && [ -r "$list" ] || fail_usage "cannot read the list '$list'"
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if [ $number = 1 ]; then line=${line#$'\xef\xbb\xbf'}; fi  # a byte order mark, as some editors put it
    book=${line%%#*}
    book=${book//[[:space:]]/}
    [ -n "$book" ] || continue
    [[ $book =~ ^[1-9][0-9]{0,6}$ ]] || fail_usage "line $number of $list: expected the number of a book, found '$line'"
    books+=("$book")
  done <"$list"
done
[ -n "$folder" ] || [ ${#books[@]} != 0 ] || fail_usage "no number of a book in ${lists[*]}"

mkdir -p "$output" && [ -w "$output" ] || fail "cannot write to $output: choose another folder with --output"
exec </dev/null  # the list of a loop around this script stays whole
exec 9>>"$output/.lock"  # open for writing, as NFS asks for; charrnn_preprocess leaves hidden files out
locked=0
flock -n -E 75 9 || locked=$?
[ "$locked" != 75 ] || fail "another get_gutenberg.sh is filling $output: let it finish"
[ "$locked" = 0 ] || echo "get_gutenberg: the file system of $output cannot lock files: start this once at a time" >&2
part=$output/.part  # what is not whole yet
job=''
cleanup() {
  if [ -n "$job" ]; then kill "$job" 2>/dev/null || true; fi
  rm -f "$part" "$part.answer" "$part.error"
}
trap cleanup EXIT
exec 8>&2  # where the trap speaks, whatever is redirected when it is called
trap 'trap "" INT TERM HUP; fail "stopped; the same command goes on where it was" 2>&8' INT TERM HUP

# Runs a command so that a signal to this script alone is heeded at once.
heedful() {
  local status=0
  "$@" 8>&- 9<&- &
  job=$!
  wait "$job" || status=$?
  job=''
  return $status
}

added=0 added_bytes=0 there=0 failed=()

# put FILE NAME: the finished file gets its name, at once and whole.
put() {
  added=$((added + 1))
  added_bytes=$((added_bytes + $(stat -c %s "$1")))
  mv -fT "$1" "$output/$2"
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

summary() {
  local missing=''
  if [ ${#failed[@]} != 0 ]; then missing=": ${failed[*]}"; fi
  say "$added new ($(megabytes "$added_bytes")), $there there already, ${#failed[@]} missing$missing"
  say "$output has $(find "$output" -type f \( -name '*.txt' -o -name '*.txt.gz' \) -not -path '*/.*' | wc -l) books"
}

# ---- from a folder

take_folder() {
  local from to file name
  from=$(realpath "$folder")
  to=$(realpath "$output")
  case $to/ in "$from"/*) fail_usage "$output lies in $folder: nothing to take from there" ;; esac
  case $from/ in "$to"/*) fail_usage "$folder lies in $output already" ;; esac
  while IFS= read -r -d '' file; do
    name=${file#"$from"/}
    if [ -e "$output/$name" ]; then
      there=$((there + 1))
      continue
    fi
    mkdir -p "$(dirname "$output/$name")"
    rm -f "$part"
    if ! ln -L "$file" "$part" 2>/dev/null && ! cp --reflink=auto "$file" "$part"; then
      failed+=("$name")
      continue
    fi
    put "$part" "$name"
  done < <(find -L "$from" -name '.?*' -prune -o -type f \( -name '*.txt' -o -name '*.txt.gz' \) -print0 | sort -z)
  [ $((added + there + ${#failed[@]})) != 0 ] || fail_usage "no .txt or .txt.gz file in $folder"
}

# ---- from a mirror

# is_page TYPE, as the server called it: what is in $part is a page of the web and no book, whatever its name.
is_page() {
  case $1 in *text/html* | *application/xhtml*) return 0 ;; esac
  head -c 1024 "$part" | tr -d '\0' | LC_ALL=C grep -aqiE '<!doctype html|<html'
}

# title FILE: as its header says, without what could steer a terminal.
title() {
  head -c 4096 "$1" | LC_ALL=C tr -d '\000-\011\013-\037' | sed -n 's/^Title: *//p' | head -n 1
}

what_to_do="Check the network; or name another mirror with --mirror, see https://www.gutenberg.org/MIRRORS.ALL
  (one that has cache/epub); or give a folder of books that you have: launch/get_gutenberg.sh FOLDER.
  What is there already stays, and the same command goes on."

# Leaves the book in $part and `problem` empty, or says there why not. Ends the script where no book would come.
download() {
  local url=$mirror/cache/epub/$1/pg$1.txt attempt status code type
  for ((attempt = 1; attempt <= attempts; ++attempt)); do
    if [ "$attempt" -gt 1 ]; then
      say "  $problem; again in $((2 ** (attempt - 1))) s"
      heedful sleep $((2 ** (attempt - 1)))
    fi
    problem=''
    status=0
    heedful curl --silent --show-error --location --max-redirs 5 --proto '=http,https' --compressed \
      --user-agent "$user_agent" --connect-timeout 20 --speed-limit 1000 --speed-time "$stall_seconds" \
      --max-time 900 --output "$part" --write-out '%{http_code} %{content_type}' "$url" \
      >"$part.answer" 2>"$part.error" || status=$?
    read -r code type <"$part.answer" || true
    if [ "$status" != 0 ]; then
      problem=$(head -n 1 "$part.error")
      case $status in
        3 | 23 | 26 | 27 | 60 | 77) fail "$url: $problem."$'\n'"  $what_to_do" ;;  # trying again would not help
        *) continue ;;
      esac
    fi
    case $code in
      200)
        if is_page "$type"; then
          problem="the answer is a web page, not a book: is $mirror a mirror of Gutenberg, and does it let robots in?"
        elif [ ! -s "$part" ]; then
          problem="the answer is empty"
        fi
        return 0 ;;
      404 | 410)
        problem="there is no plain text of this number ($code)"
        return 0 ;;
      401 | 403) fail "$mirror does not let us in ($code).
  Gutenberg shuts out addresses that take much: wait a day, and do not lower --pause.
  $what_to_do" ;;
      *) problem="$url answers with $code" ;;
    esac
  done
  if [ "$status" != 0 ]; then fail "cannot reach $mirror: $problem."$'\n'"  $what_to_do"; fi
}

take_books() {
  command -v curl >/dev/null || fail "curl is missing: launch/install.sh installs it"
  local book name place=0 asked='' problem
  for book in "${books[@]}"; do
    place=$((place + 1))
    name=pg$book.txt
    if [ -s "$output/$name" ]; then
      there=$((there + 1))
      continue
    fi
    if [ -n "$asked" ]; then heedful sleep "$pause"; fi
    asked=1
    rm -f "$part"
    download "$book"
    if [ -n "$problem" ]; then
      failed+=("$book")
      say "[$place/${#books[@]}] $book: $problem"
    else
      say "[$place/${#books[@]}] $book  $(title "$part") ($(megabytes "$(stat -c %s "$part")"))"
      put "$part" "$name"
    fi
  done
}

if [ -n "$folder" ]; then
  take_folder
else
  take_books
fi
summary
if [ ${#failed[@]} != 0 ]; then exit 1; fi
