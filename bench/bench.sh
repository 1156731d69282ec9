#!/usr/bin/env bash
# Measures charrnn and PyTorch in turns on the same cores: training, sampling, ranks; and trains tiny Shakespeare. The
# tables of docs/benchmarks.md and docs/scaling.md come from here.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build=1
arguments=()

usage="usage: bench/bench.sh [--only PATTERN]... [--rounds N] [--quick] [--write] [--device cuda] [--no-build]
  (nothing)       all of it, about half an hour on two cores that do nothing else; the tables also go to docs/,
                  unless files differ from the commit, which the tables report
  --only PATTERN  the cases whose name matches: lstm-512, lstm-wide, lstm-deep, lstm-1024, rnn, chinese, sample, ranks,
                  shakespeare, or 'lstm*'; repeatable. The rows of others stay
  --device cuda   the cases for a GPU instead, in tf32, bf16 and fp16: gpu-small, gpu-512, gpu-1024, gpu-gutenberg,
                  gpu-chinese, gpu-d2l
  --rounds N      how often each is measured, in turns (5)
  --quick         one short round: shows that all of it runs, not how fast
  --write         also with --quick: put the tables into docs/; refused if files differ from the commit
  --no-build      take the programs that are there
Exit codes: 0 every answer was right and every mark reached (not judged with --quick), 1 something was not, 2 a mistake
in the command line."

fail() { echo "bench: $*"$'\n'"$usage" >&2; exit 2; }

while [ $# -gt 0 ]; do
  case $1 in
    -h | --help) echo "$usage"; exit 0 ;;
    --no-build) build='' ;;
    --quick | --write) arguments+=("$1") ;;
    --only)
      [ -n "${2:-}" ] || fail "--only needs a pattern"
      arguments+=(--only "$2")
      shift ;;
    --device)
      [[ ${2:-} =~ ^(cpu|cuda)$ ]] || fail "--device wants cpu or cuda, found '${2:-}'"
      arguments+=(--device "$2")
      shift ;;
    --rounds)
      [[ ${2:-} =~ ^[1-9][0-9]{0,3}$ ]] || fail "--rounds needs a number above 0, found '${2:-}'"
      arguments+=(--rounds "$2")
      shift ;;
    *) fail "unknown argument '$1'" ;;
  esac
  shift
done

cd "$root"
if [ -n "$build" ]; then
  bash launch/install.sh --tests  # PyTorch in Python
  bash launch/build.sh --tools
fi
# shellcheck source=launch/env.sh
. launch/env.sh
export PYTHONDONTWRITEBYTECODE=1
exec python3 bench/bench.py "${arguments[@]}"
