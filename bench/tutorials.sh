#!/usr/bin/env bash
# Runs the recipes of configs/tutorials and prints what each published and what it reaches here, with times, and PyTorch
# beside it. docs/tutorials.md says what they teach.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build=1
arguments=()

usage="usage: bench/tutorials.sh [--quick] [--only NAME]... [--write] [--no-build]
  (nothing)    all recipes as they stand, a little over an hour on two cores; the tables also go to
               docs/tutorials.md, unless files differ from the commit
  --quick      each with a short budget, three to four minutes in all: shows that they run, not what they reach
  --only NAME  one of d2l, tang, andersen, hello, karpathy, exercises; repeatable
  --write      also with --quick: put the tables into docs/tutorials.md; with --only, that recipe's rows. Refused if files differ
               from the commit
  --no-build   take the programs that are there
Corpora and runs lie in corpora/tutorials and runs/tutorials; an earlier run of the same name is removed. PyTorch's column
needs launch/install.sh --tests.
Exit codes: 0 all ran and what ran in full reached its mark, 1 something did not, 2 a mistake in the command line."

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --no-build) build='' ;;
    --quick | --write) arguments+=("$1") ;;
    --only)
      case ${2:-} in
        d2l | tang | andersen | hello | karpathy | exercises) arguments+=(--only "$2") ;;
        *) echo "tutorials: --only needs one of the recipes, found '${2:-}'"$'\n'"$usage" >&2; exit 2 ;;
      esac
      shift ;;
    *) echo "tutorials: unknown argument '$1'"$'\n'"$usage" >&2; exit 2 ;;
  esac
  shift
done

cd "$root"
if [ -n "$build" ]; then bash launch/build.sh --tools; fi
# shellcheck source=launch/env.sh
. launch/env.sh
export PYTHONDONTWRITEBYTECODE=1
exec python3 bench/tutorials.py "${arguments[@]}"
