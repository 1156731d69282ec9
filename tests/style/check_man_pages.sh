#!/usr/bin/env bash
# The man pages are there, have their sections, list every option of --help, and neither groff nor mandoc has a warning.
# usage: check_man_pages.sh FOLDER-OF-PAGES TOOL...
set -euo pipefail

folder=$1
shift
failed=0
problem() {
  printf '%s\n' "$*" >&2
  failed=1
}

for program in groff mandoc; do
  command -v "$program" >/dev/null || { echo "$program is missing: launch/install.sh --tests installs it" >&2; exit 1; }
done
for tool in "$@"; do
  name=$(basename "$tool")
  page=$folder/$name.1
  [ -s "$page" ] || { problem "there is no $page: build the target man_pages"; continue; }
  warnings=$(groff -ww -Tutf8 -man -z "$page" 2>&1)
  [ -z "$warnings" ] || problem "groff about $page: $warnings"
  # help2man writes a month and a year, which is not mandoc's form of a date.
  warnings=$(mandoc -Tlint -Wwarning "$page" 2>&1 | grep -v 'cannot parse date' || true)
  [ -z "$warnings" ] || problem "mandoc about $page: $warnings"
  text=$(mandoc -Tutf8 -O width=400 "$page" | sed 's|.\x08||g')
  for part in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' 'SEE ALSO'; do
    grep -q "^$part\$" <<<"$text" || problem "$page has no section $part"
  done
  options=$("$tool" --help | grep -o -- '^  \(-[a-zA-Z], \)\?--[a-z-]*' | grep -o -- '--[a-z-]*')
  [ -n "$options" ] || problem "$tool --help lists no options"
  for option in $options; do
    grep -q -- "$option\b" <<<"$text" || problem "$page lacks $option"
  done
done
[ "$failed" = 0 ] && echo "$# man pages are as they should be"
exit "$failed"
