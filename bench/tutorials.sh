#!/usr/bin/env bash
# Runs the recipes of configs/tutorials and prints the published result of each, the result here, times, and those of
# PyTorch. docs/tutorials.md describes what the recipes teach.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build=1
arguments=()

usage="usage: bench/tutorials.sh [--quick] [--only NAME]... [--write] [--no-build]
  (no option)  run all recipes, a little over an hour on two cores, and write the tables to docs/tutorials.md, unless
               files differ from the commit
  --quick      run each with a short budget, three to four minutes in total, to show that they run
  --only NAME  run only this recipe: d2l, tang, andersen, hello, karpathy or exercises; repeatable
  --write      write the tables to docs/tutorials.md, even with --quick; with --only, that recipe's rows. Refused if
               files differ from the commit
  --no-build   use the programs that are already built
Corpora and runs are in corpora/tutorials and runs/tutorials; an earlier run of the same name is removed. PyTorch's column
needs launch/install.sh --tests.
Exit codes: 0 all ran, and all targets were reached (not checked with --quick), 1 something failed or a target
was missed, 2 a mistake in the command line."

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --no-build) build='' ;;
    --quick | --write) arguments+=("$1") ;;
    --only)
      case ${2:-} in
        d2l | tang | andersen | hello | karpathy | exercises) arguments+=(--only "$2") ;;
        *) echo "tutorials: --only: expected one of the recipes, found '${2:-}'"$'\n'"$usage" >&2; exit 2 ;;
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
