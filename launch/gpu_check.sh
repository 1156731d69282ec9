#!/usr/bin/env bash
# On a machine with GPUs: installs, builds, runs the tests that need real hardware (ctest label gpu: kernels against the
# CPU, exact restart, memory estimate, NCCL), and writes a report.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

preset=release
report=$root/docs/gpu-report.md

usage="usage: launch/gpu_check.sh [--report FILE]
  --report FILE  where the report goes ($report)"

fail() { printf '%s\n' "gpu_check: $*" >&2; exit 2; }
run() { printf '+ %s\n' "$*"; "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --report) report=${2:-}; shift 2 || fail "--report wants a file" ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'"$'\n'"$usage" ;;
  esac
done

gpus=$(nvidia-smi -L 2>/dev/null | grep '^GPU' | sed 's/ (UUID.*//') || true
[ -n "$gpus" ] || fail "no GPU here: nvidia-smi -L lists none. On a machine without one, launch/test.sh runs all other tests"

cd "$root"
run bash launch/install.sh --gpu --tests
run bash launch/build.sh "$preset"
# shellcheck source=launch/env.sh
. launch/env.sh
results=$root/build/$preset/gpu.txt
status=0
run ctest --preset "$preset" -L gpu --output-on-failure --no-tests=error -j 1 --verbose >"$results" 2>&1 || status=$?
grep -E '^ *[0-9]+/[0-9]+ Test' "$results" || true

{
  echo "# GPU report"
  echo
  echo "- commit $(git describe --always --dirty 2>/dev/null || echo unknown), $(date -u +%Y-%m-%d)"
  echo "- GPUs: $(sort <<<"${gpus//GPU [0-9]*: /}" | uniq -c | sed 's/^ *//' | paste -sd ', ' -)"
  echo "- driver $(nvidia-smi --query-gpu=driver_version --format=csv,noheader | head -n 1)"
  echo "- command: launch/gpu_check.sh (ctest -L gpu), exit code $status"
  echo
  echo '```'
  grep -E '^ *[0-9]+/[0-9]+ Test|memory: estimated|skipped: it needs|SKIPPED|tests passed' "$results" || true
  echo '```'
} >"$report.tmp"
mv "$report.tmp" "$report"
echo "gpu_check: report in $report, all output in $results"
exit "$status"
