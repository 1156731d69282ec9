#!/usr/bin/env bash
# How ranks end when something goes wrong: exit code, message, report, and within seconds.
# Usage: comm_failures_test.sh PROGRAM MPIEXEC
set -euo pipefail
program=$1
mpiexec=$2
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
output=$folder/output
failures=0

complain() {
  echo "FAILED: $*"
  sed 's/^/  | /' "$output"
  failures=$((failures + 1))
}

# expect CODE COMMAND...: runs it, at most 20 s.
expect() {
  local code=$1 found=0
  shift
  echo "+ $*"
  timeout 20 "$@" >"$output" 2>&1 || found=$?
  [ "$found" = "$code" ] || complain "expected exit code $code, found $found: $*"
}
expect_text() { grep -qF -- "$1" "$output" || complain "expected '$1' in the output"; }
expect_count() {
  local found
  found=$(grep -cF -- "$2" "$output" || true)
  [ "$found" = "$1" ] || complain "expected '$2' $1 times, found it $found times"
}
ranks() { echo "$mpiexec" --oversubscribe --bind-to none -np "$1"; }

expect 0 $(ranks 2) "$program" nothing
expect_text "2 ranks, mpi"
expect 75 $(ranks 2) "$program" saved

# A rank that stays away.
expect 4 $(ranks 2) "$program" stay-away "$folder/run"
expect_text "all_reduce_sum of 4000 bytes"
expect_text "step 31"
expect_text "rank 0 of 2"
for line in "operation all_reduce_sum" "step 31" "bytes 4000"; do
  grep -qx "$line" "$folder/run/abort-report-rank-0.txt" || complain "expected '$line' in the abort report"
done

# The next start tells where its reports would be, and moves the old one away.
CHARRNN_LAUNCH_FILE=$folder/launch expect 0 $(ranks 2) "$program" nothing "$folder/run"
[ "$(cat "$folder/launch")" = "$folder/run" ] || complain "expected the report folder in the launch file"
[ ! -e "$folder/run/abort-report-rank-0.txt" ] || complain "the old report is still there"
[ -e "$folder/run/earlier-abort-report-rank-0.txt" ] || complain "the old report is gone"

# A rank that fails alone ends all, and is named.
expect 3 $(ranks 3) "$program" error
expect_count 1 "error (rank 2): the loss is gone"
expect 1 $(ranks 3) "$program" exception
expect_count 1 "error (rank 2): beyond the end"

# An error that all agree on is printed once.
expect 2 $(ranks 3) "$program" usage-error-of-all
expect_count 1 "misspelt key (all 3 ranks)"
expect_count 1 "misspelt key"
expect 2 $(ranks 3) "$program" usage-error-of-last
expect_count 1 "misspelt key (rank 2)"
expect 2 "$program" usage-error-of-all
expect_count 1 "error: misspelt key"

# A GPU that is wanted and not there.
CUDA_VISIBLE_DEVICES='' expect 2 $(ranks 2) "$program" wants-gpu
expect_count 1 "run.device is cuda"

# Slurm started two, and nothing would join them; a batch script's own variables mean nothing.
expect 2 env -u PMIX_RANK SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 "$program" nothing
expect_text "srun --mpi=pmix"
expect 2 env SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=1 "$program" nothing
expect_count 0 "srun"
expect 0 env SLURM_NTASKS=2 "$program" nothing
expect_text "1 ranks, solo"
expect 0 env SLURM_STEP_NUM_TASKS=1 "$program" nothing

# mpirun binds one rank to one core.
if [ "$(nproc)" -gt 1 ]; then
  expect 0 "$mpiexec" --bind-to core -np 1 "$program" nothing
  expect_text "is bound to 1 of $(nproc) cores"
  expect 0 $(ranks 1) "$program" nothing
  expect_count 0 "cores"
fi

[ "$failures" = 0 ] || { echo "$failures failures"; exit 1; }
echo "all as expected"
