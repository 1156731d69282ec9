#!/usr/bin/env bash
# Fills data/gutenberg with Project Gutenberg books as plain text, for configs/gutenberg.yaml: downloads them one by
# one, or takes them from a folder on this machine. Books that it has already are left alone, so it can be run again.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

default_list=$root/data/gutenberg_books.txt
output=$root/data/gutenberg
mirror=${CHARRNN_GUTENBERG_MIRROR:-https://www.gutenberg.org}
pause=2          # seconds between downloads, as www.gutenberg.org asks of robots
attempts=4       # per book, waiting 2, 4, 8 s between them
stall_seconds=30 # a transfer below 1 kB/s for this long is given up
user_agent="charrnn-get-gutenberg/0.1 (a script that fetches some books, slowly)"

usage="usage: launch/get_gutenberg.sh [OPTIONS] [NUMBER... | FOLDER]
  NUMBER         number of a book, as in https://www.gutenberg.org/ebooks/84 (default: those in data/gutenberg_books.txt)
  FOLDER         folder to take .txt and .txt.gz files from (as hard links, or copies) instead of downloading
  --list FILE    file of book numbers, one per line; # begins a comment
  --output TO    folder to fill (default data/gutenberg)
  --mirror URL   mirror to download from, as URL/cache/epub/84/pg84.txt
                 (default $mirror; environment variable CHARRNN_GUTENBERG_MIRROR)
  --pause N      seconds between downloads (default $pause); Gutenberg blocks robots that do not wait
  --attempts N   attempts per book (default $attempts)
Exit codes: 0 all books are there, 1 some are missing, 2 a mistake in the command line or the list."

say() { printf '%s\n' "get_gutenberg: $*"; }
fail() { printf '%s\n' "get_gutenberg: $*" >&2; exit 1; }
fail_usage() { printf '%s\n' "get_gutenberg: $*" >&2; exit 2; }

books=() folder='' lists=()
while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --list | --output | --mirror | --pause | --attempts)
      [ $# -gt 1 ] && [ -n "$2" ] || fail_usage "$1 needs a value"$'\n'"$usage"
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
        [ -z "$folder" ] || fail_usage "expected one folder, found '$folder' and '$1'"
        folder=$1
      else
        fail_usage "'$1' is neither the number of a book nor a folder"$'\n'"$usage"
      fi ;;
  esac
  shift
done
[[ $pause =~ ^[0-9]+(\.[0-9]+)?$ ]] || fail_usage "--pause needs a number of seconds, found '$pause'"
[[ $attempts =~ ^[1-9][0-9]?$ ]] || fail_usage "--attempts needs a number from 1 to 99, found '$attempts'"
[[ $mirror =~ ^https?://[^/]+ ]] || fail_usage "--mirror needs an address, https://..., found '$mirror'"
mirror=${mirror%/}
if [ -n "$folder" ] && [ $((${#books[@]} + ${#lists[@]})) != 0 ]; then
  fail_usage "expected either a folder or numbers of books, found both"
fi
if [ -z "$folder" ] && [ ${#books[@]} = 0 ] && [ ${#lists[@]} = 0 ]; then lists=("$default_list"); fi

for list in "${lists[@]}"; do
  [ -f "$list" ] && [ -r "$list" ] || fail_usage "cannot read the list '$list'"
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    if [ $number = 1 ]; then line=${line#$'\xef\xbb\xbf'}; fi  # a byte order mark, which some editors write
    book=${line%%#*}
    book=${book//[[:space:]]/}
    [ -n "$book" ] || continue
    [[ $book =~ ^[1-9][0-9]{0,6}$ ]] || fail_usage "line $number of $list: expected the number of a book, found '$line'"
    books+=("$book")
  done <"$list"
done
[ -n "$folder" ] || [ ${#books[@]} != 0 ] || fail_usage "expected numbers of books in ${lists[*]}, found none"

mkdir -p "$output" && [ -w "$output" ] || fail "cannot write to $output: choose another folder with --output"
exec </dev/null  # a loop that reads a list keeps its lines
exec 9>>"$output/.lock"  # NFS locks only files that are open for writing; charrnn_preprocess ignores hidden files
locked=0
flock -n -E 75 9 || locked=$?
[ "$locked" != 75 ] || fail "another get_gutenberg.sh is filling $output: wait until it has finished"
[ "$locked" = 0 ] || echo "get_gutenberg: the file system of $output cannot lock files: start only one get_gutenberg.sh at a time" >&2
part=$output/.part  # the file that is not complete yet
job=''
cleanup() {
  if [ -n "$job" ]; then kill "$job" 2>/dev/null || true; fi
  rm -f "$part" "$part.answer" "$part.error"
}
trap cleanup EXIT
exec 8>&2  # standard error for the trap, even if 2 is redirected when it runs
trap 'trap "" INT TERM HUP; fail "stopped; the same command continues" 2>&8' INT TERM HUP

# Runs a command in the background and waits for it, so that a signal to this script takes effect at once.
heedful() {
  local status=0
  "$@" 8>&- 9<&- &
  job=$!
  wait "$job" || status=$?
  job=''
  return $status
}

added=0 added_bytes=0 there=0 failed=()

# put FILE NAME: moves a finished file to its name, so that the file appears complete.
put() {
  added=$((added + 1))
  added_bytes=$((added_bytes + $(stat -c %s "$1")))
  mv -fT "$1" "$output/$2"
}

megabytes() { awk -v bytes="$1" 'BEGIN { printf "%.1f MB", bytes / 1e6 }'; }

summary() {
  local missing=''
  if [ ${#failed[@]} != 0 ]; then missing=": ${failed[*]}"; fi
  say "$added new ($(megabytes "$added_bytes")), $there already there, ${#failed[@]} missing$missing"
  say "$output has $(find "$output" -type f \( -name '*.txt' -o -name '*.txt.gz' \) -not -path '*/.*' | wc -l) books"
}

# ---- from a folder

take_folder() {
  local from to file name
  from=$(realpath "$folder")
  to=$(realpath "$output")
  case $to/ in "$from"/*) fail_usage "the output $output is inside $folder: choose another folder" ;; esac
  case $from/ in "$to"/*) fail_usage "$folder is inside the output $output already: choose another folder" ;; esac
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

# is_page TYPE: whether $part is a web page instead of a book, by the content type TYPE that the server sent, or by content.
is_page() {
  case $1 in *text/html* | *application/xhtml*) return 0 ;; esac
  head -c 1024 "$part" | tr -d '\0' | LC_ALL=C grep -aqiE '<!doctype html|<html'
}

# title FILE: prints the title in its header, without control characters.
title() {
  head -c 4096 "$1" | LC_ALL=C tr -d '\000-\011\013-\037' | sed -n 's/^Title: *//p' | head -n 1
}

what_to_do="Check the network; or choose another mirror with --mirror, see https://www.gutenberg.org/MIRRORS.ALL
  (one that has cache/epub); or use a folder of books that you have: launch/get_gutenberg.sh FOLDER.
  Books downloaded so far are kept, and the same command continues."

# Writes the book to $part, or sets `problem` to the reason why not. Ends the script if no other book would arrive either.
download() {
  local url=$mirror/cache/epub/$1/pg$1.txt attempt status code type
  for ((attempt = 1; attempt <= attempts; ++attempt)); do
    if [ "$attempt" -gt 1 ]; then
      say "  $problem; next attempt in $((2 ** (attempt - 1))) s"
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
          problem="the answer is a web page, not a book: is $mirror a mirror of Gutenberg, and does it admit robots?"
        elif [ ! -s "$part" ]; then
          problem="the answer is empty"
        fi
        return 0 ;;
      404 | 410)
        problem="no plain text with this number ($code)"
        return 0 ;;
      401 | 403) fail "$mirror refuses downloads from this address ($code).
  Gutenberg blocks addresses that download too much: wait a day, and do not lower --pause.
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
