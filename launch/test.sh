#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line counts them: "N passed, N failed, N skipped".
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

preset=release
build_only=''
ctest_arguments=()

usage="usage: launch/test.sh [--build-only] [PRESET] [-- CTEST-ARGUMENTS...]
  PRESET        $preset (default), debug, clang, asan, tsan: see CMakePresets.json
  --build-only  install and build, but run no test
  example       launch/test.sh -- -R resume"

run() { printf '+ %s\n' "$*"; "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --build-only) build_only=1 ;;
    -h | --help) echo "$usage"; exit 0 ;;
    --) shift; ctest_arguments=("$@"); break ;;
    -*) echo "test: unknown argument '$1'"$'\n'"$usage" >&2; exit 2 ;;
    *) preset=$1 ;;
  esac
  shift
done

cd "$root"
exec </dev/null  # CI may close standard input, and no test may wait for it
bash launch/install.sh --tests
bash launch/build.sh "$preset"
if [ -n "$build_only" ]; then exit 0; fi

# shellcheck source=launch/env.sh
. launch/env.sh
cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
results=$root/build/$preset/ctest.xml
rm -f "$results"
status=0
run ctest --preset "$preset" --output-on-failure --no-tests=error -j "$cores" --output-junit "$results" \
  "${ctest_arguments[@]}" || status=$?
[ -s "$results" ] || { echo "test: ctest ended with code $status without writing $results" >&2; exit 1; }

count() { grep -o -m 1 "$1=\"[0-9]*\"" "$results" | head -n 1 | tr -dc 0-9; }
failed=$(count failures)
skipped=$(($(count skipped) + $(count disabled)))
echo "$(($(count tests) - failed - skipped)) passed, $failed failed, $skipped skipped"
exit "$status"
