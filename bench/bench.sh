#!/usr/bin/env bash
# Measures charrnn and PyTorch in turns on the same cores: training, sampling, ranks; and trains on tiny Shakespeare. Writes
# the tables of docs/benchmarks.md and docs/scaling.md.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

build=1
arguments=()

usage="usage: bench/bench.sh [--only PATTERN]... [--rounds N] [--quick] [--write] [--device cuda] [--no-build]
  (no option)     measure everything, about half an hour on two otherwise idle cores, and write the tables to docs/,
                  unless files differ from the commit, which the tables report
  --only PATTERN  measure only cases whose name matches: lstm-512, lstm-wide, lstm-deep, lstm-1024, rnn, chinese, sample,
                  ranks, shakespeare, or 'lstm*'; repeatable. The rows of other cases are kept
  --device cuda   measure the cases for a GPU instead, in tf32, bf16 and fp16: gpu-small, gpu-512, gpu-1024,
                  gpu-gutenberg, gpu-chinese, gpu-d2l
  --rounds N      rounds, in each of which all programs are measured in turn (default 5)
  --quick         one short round, to show that everything runs; it does not measure how fast
  --write         write the tables to docs/, even with --quick; refused if files differ from the commit
  --no-build      use the programs that are already built
Exit codes: 0 all results were right and all targets reached (targets are not checked with --quick), 1 a result was
wrong or a target missed, 2 a mistake in the command line."

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
      [[ ${2:-} =~ ^(cpu|cuda)$ ]] || fail "--device: expected cpu or cuda, found '${2:-}'"
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
