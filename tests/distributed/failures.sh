# shellcheck shell=bash disable=SC2154
# For tests of how ranks end: source this file, call expect..., then finish.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
output=$folder/output
failures=0

complain() {
  echo "FAILED: $*"
  sed 's/^/  | /' "$output"
  failures=$((failures + 1))
}

# expect CODE COMMAND...: runs it for at most 20 s.
expect() {
  local code=$1 found=0
  shift
  echo "+ $*"
  timeout 20 "$@" >"$output" 2>&1 || found=$?
  [ "$found" = "$code" ] || complain "expected exit code $code, found $found: $*"
}
# expect_within SECONDS CODE COMMAND...
expect_within() {
  local seconds=$1 began
  shift
  began=$(date +%s%N)
  expect "$@"
  [ $((($(date +%s%N) - began) / 1000000)) -lt $((seconds * 1000)) ] || complain "expected an end within $seconds s"
}
expect_text() { grep -qF -- "$1" "$output" || complain "expected '$1' in the output"; }
expect_count() {
  local found
  found=$(grep -cF -- "$2" "$output" || true)
  [ "$found" = "$1" ] || complain "expected '$2' $1 times, found it $found times"
}
expect_first_error() {
  [[ "$(grep -m1 -a '^error' "$output")" == *"$1"* ]] || complain "expected '$1' in the first line with an error"
}
# expect_report KIND RANK PATTERN...: KIND-rank-RANK.txt is in the run's folder, and each pattern matches a whole line of it.
expect_report() {
  local file=$folder/run/$1-rank-$2.txt pattern
  if [ ! -e "$file" ]; then
    complain "expected the report ${file##*/}, found $(ls "$folder/run" 2>&1)"
    return
  fi
  shift 2
  for pattern in "rank [0-9]+ of [0-9]+" "$@"; do
    grep -qEx -- "$pattern" "$file" || { cat "$file"; complain "expected '$pattern' in ${file##*/}"; }
  done
}
ranks() { echo "$mpiexec" --oversubscribe --bind-to none -np "$1"; }

finish() {
  [ "$failures" = 0 ] || { echo "$failures failures"; exit 1; }
  echo "all as expected"
}
