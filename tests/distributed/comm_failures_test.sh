#!/usr/bin/env bash
# How ranks end when something goes wrong: exit code, message and report within seconds.
# Usage: comm_failures_test.sh PROGRAM MPIEXEC
# shellcheck disable=SC1091,SC2034,SC2046,SC2154  # ranks prints several words; failures.sh sets folder and output
. "$(dirname "$0")/failures.sh"
program=$1
mpiexec=$2
# The last rank fails, in step 31.
sum="all_reduce_sum of 4000 bytes (operation [0-9]+, step 31)"
lost="all_reduce_sum bytes 4000 step 31 awaited began -[0-9.]+"

expect 0 $(ranks 2) "$program" nothing
expect_text "2 ranks, mpi"
expect 75 $(ranks 2) "$program" saved

# A rank that is away or stopped: the deadline is 1.5 s. The message about it is printed once, and every rank that can
# writes a report.
for way in stay-away stopped; do
  rm -rf "$folder/run"
  expect_within 9 4 $(ranks 3) "$program" $way "$folder/run"
  expect_count 1 "did not reach"
  grep -qE "^error \(rank 0\): rank 2 \(host $(hostname)\) did not reach ${sum//[()]/\\&} within" "$output" ||
    complain "expected rank 2 in the message"
  expect_report abort-report 0 "cause rank 2 \(host .*\) did not reach .*" "operation [0-9]+ $lost" \
    "operation [0-9]+ all_reduce_sum bytes 4000 step 30 done began -[0-9.]+ ended -[0-9.]+"
  expect_report abort-report 1 "operation [0-9]+ $lost"
done

# The next start writes the folder of its reports to the launch file, and renames the old reports.
CHARRNN_LAUNCH_FILE=$folder/launch expect 0 $(ranks 2) "$program" nothing "$folder/run"
[ "$(cat "$folder/launch")" = "$folder/run" ] || complain "expected the report folder in the launch file"
[ ! -e "$folder/run/abort-report-rank-0.txt" ] || complain "the old report is still there"
[ -e "$folder/run/earlier-abort-report-rank-0.txt" ] || complain "the old report is gone"

# A killed rank: mpirun notices it and ends the others, which write their last operations.
rm -rf "$folder/run"
expect_within 9 137 $(ranks 3) "$program" killed "$folder/run"
for rank in 0 1; do expect_report last-operations $rank "operation [0-9]+ $lost"; done
[ ! -e "$folder/run/abort-report-rank-0.txt" ] || complain "expected no abort report after a rank was killed"

# Two in a sum, one in a barrier.
rm -rf "$folder/run"
expect_within 9 4 $(ranks 3) "$program" other-way "$folder/run"
expect_count 1 "the ranks made different calls"
expect_text "rank 2 (host $(hostname)) did not reach all_reduce_sum of 4000 bytes"
expect_text "but called barrier (operation "
expect_report abort-report 2 "cause ranks 0 \(host .*\), 1 \(host .*\) did not reach barrier \(operation .*" \
  "operation [0-9]+ barrier bytes 0 step 31 awaited began -[0-9.]+"

# An error on one rank ends all ranks, and the message has its number.
rm -rf "$folder/run"
expect 3 $(ranks 3) "$program" error "$folder/run"
expect_count 1 "error (rank 2): the loss is gone"
expect_report last-operations 2 "cause the loss is gone"
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

# A GPU is requested, but missing.
CUDA_VISIBLE_DEVICES='' expect 2 $(ranks 2) "$program" nothing '' cuda
expect_count 1 "run.device is cuda"

# Slurm started two processes that would not be connected. Variables of the batch script itself do not count.
expect 2 env -u PMIX_RANK SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 "$program" nothing
expect_text "srun --mpi=pmix"
expect 2 env SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=1 "$program" nothing
expect_count 0 "srun"
# The same for other launchers, with or without MPI.
for launcher in OMPI_COMM_WORLD_SIZE=2,OMPI_COMM_WORLD_RANK=0 PMI_SIZE=2,PMI_RANK=0 PALS_SIZE=2,PALS_RANKID=0 \
  MV2_COMM_WORLD_SIZE=2,MV2_COMM_WORLD_RANK=0 FLUX_JOB_SIZE=2,FLUX_TASK_RANK=0 WORLD_SIZE=2,RANK=0 \
  JSM_NAMESPACE_SIZE=2,JSM_NAMESPACE_RANK=0; do
  expect 2 env ${launcher/,/ } "$program" nothing
  expect_text "expected to be rank 0 of 2"
  expect_text "unset ${launcher%%=*}"
done
expect 0 env WORLD_SIZE=8 "$program" nothing  # exported for another program
expect 0 $(ranks 2) env WORLD_SIZE=8 RANK=0 "$program" nothing
expect_text "2 ranks, mpi"
expect 0 $(ranks 1) env SLURM_STEP_NUM_TASKS=2 SLURM_PROCID=0 "$program" nothing  # mpirun within a step
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
if [ "$(nproc)" -lt 5 ]; then
  expect 0 $(ranks $(($(nproc) + 1))) "$program" nothing
  expect_text "$(($(nproc) + 1)) ranks share $(nproc) core"
fi

finish
