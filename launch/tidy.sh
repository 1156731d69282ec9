#!/usr/bin/env bash
# Runs clang-tidy with the checks of .clang-tidy over all C++ files. Those that include LibTorch take about ten seconds each. A
# clean file is read again only after a change.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

usage="usage: launch/tidy.sh [FILE...]
  FILE  read only these files; default: every file that the preset release compiles, including tests"

for argument in "$@"; do
  case $argument in
    -h | --help) echo "$usage"; exit 0 ;;
    -*) echo "tidy: unknown argument '$argument'"$'\n'"$usage" >&2; exit 2 ;;
  esac
done
run() { printf '+ %s\n' "$*"; "$@"; }

files=()
for argument in "$@"; do files+=("$(realpath "$argument")"); done
cd "$root"
bash launch/install.sh --tests
# shellcheck source=launch/env.sh
. launch/env.sh
run cmake --preset release  # compile_commands.json
run python3 tests/style/check_tidy.py --all build/release "${files[@]}"
