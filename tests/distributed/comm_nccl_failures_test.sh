#!/usr/bin/env bash
# How ranks on GPUs end when NCCL or a GPU fails, with the stand-in (tests/cuda_stand_in): exit code, message and report
# within seconds. comm_failures makes two sums per step: NCCL's operations 1 and 2 in step 30, 3 and 4 in step 31. The
# deadline is 1.5 s.
# Usage: comm_nccl_failures_test.sh PROGRAM MPIEXEC WITH_STAND_IN
# shellcheck disable=SC1091,SC2034,SC2046,SC2154  # ranks prints several words; failures.sh sets folder and output
. "$(dirname "$0")/failures.sh"
program=$1
mpiexec=$2
with_stand_in=$3
host="host $(hostname)"

# goes_wrong SECONDS CODE RANKS FAULT [WAY]
goes_wrong() {
  rm -rf "$folder/run"
  export CHARRNN_STAND_IN_FAULT=$4
  echo "fault: $4"
  expect_within "$1" "$2" $(ranks "$3") "$with_stand_in" "$program" "${5:-nothing}" "$folder/run" cuda
}
reports_of() {
  local rank
  for rank in "$@"; do expect_report abort-report "$rank" "operation [0-9]+ .* bytes [0-9]+ step [0-9]+ (done|awaited) .*"; done
}

for ranks in 2 3; do
  goes_wrong 9 0 $ranks ""
  expect_text "$ranks ranks, nccl, devices alike"
  expect_count 0 "error"
done

# A GPU hangs in work before a sum; right after one, while the others continue; after the last, while they exit.
goes_wrong 9 4 3 "" gpu-hangs
expect_count 1 "did not reach"
expect_text "the GPU of rank 2 ($host) did not reach all_reduce_sum of 4000 bytes (operation "
expect_text ", step 31) within comm.timeout_seconds (1.5 s)"
reports_of 0 1 2
goes_wrong 9 4 3 "hang rank=1 operation=2"
expect_text "the GPU of rank 1 ($host) did not reach"
expect_count 0 "different calls"
reports_of 0 1 2
expect_report abort-report 0 "cause the GPU of rank 1 .* did not reach all_reduce_sum of 4000 bytes .*step 31.*"
expect_report abort-report 1 "cause the GPU of rank 1 .* did not reach the end of its work .*step 30.*"
goes_wrong 9 4 2 "hang rank=1 operation=4"
expect_first_error "(rank 1): the GPU of rank 1 ($host) did not reach the end of its work"
reports_of 0 1

# All reached an operation that does not end. Its name is exact: the sum of 80 bytes comes after that of 4000.
goes_wrong 9 4 3 "never-ends operation=3"
expect_count 1 "all ranks reached all_reduce_sum of 4000 bytes"
expect_text ", step 31), and it did not end"
reports_of 0 1 2
goes_wrong 9 4 2 "never-ends operation=4"
expect_count 1 "all ranks reached all_reduce_sum of 80 bytes"
reports_of 0 1
# It ends on the other ranks, not on rank 1.
goes_wrong 9 4 3 "never-ends rank=1 operation=3"
expect_first_error "(rank 1): all_reduce_sum of 4000 bytes"
expect_text "did not end on this rank within"
expect_report abort-report 0 "cause rank 1 .* did not reach all_reduce_sum of 80 bytes .* still waiting in all_reduce_sum .*"

# Late, and in time; too late.
goes_wrong 9 0 2 "late rank=1 operation=3 seconds=1"
expect_text "2 ranks, nccl"
goes_wrong 9 4 2 "late rank=1 operation=3 seconds=8"
expect_text "all_reduce_sum of 4000 bytes"

# A call that should only queue does not return: the others report that rank, and the watchdog ends the process.
goes_wrong 9 4 2 "queue-hangs rank=1 operation=3"
expect_text "rank 1 ($host) did not reach all_reduce_sum of 4000 bytes"
reports_of 0 1
goes_wrong 9 4 2 "queue-hangs operation=3"
expect_text "all_reduce_sum of 4000 bytes (operation "
expect_text ", step 31) has hung for"
reports_of 0 1

# NCCL itself reports an error: that rank prints it, and prints first.
goes_wrong 9 4 2 "async-error rank=1 operation=3"
expect_first_error "(rank 1): NCCL failed in all_reduce_sum of 4000 bytes (operation "
expect_text "step 31) on $(hostname): remote process exited or there was a network error (stand-in: async-error)"
reports_of 0 1
# Then ncclCommAbort hangs: it has 5 s.
goes_wrong 12 4 2 "async-error operation=3; abort-hangs"
expect_first_error "NCCL failed in all_reduce_sum of 4000 bytes"
reports_of 0 1

# The start.
goes_wrong 9 4 2 "init-fails rank=1"
expect_first_error "(rank 1): NCCL failed in the start of NCCL"
expect_text "unhandled system error (stand-in: init-fails)"
reports_of 0 1
goes_wrong 9 4 3 "init-hangs rank=1"
expect_count 1 "all ranks reached the start of NCCL"
reports_of 0 1 2
goes_wrong 9 1 2 "version rank=1"
expect_count 1 "expected NCCL "
expect_text "(rank 1)"

# The end.
goes_wrong 9 4 2 "finalize-hangs rank=1"
expect_first_error "(rank 1): the GPU of rank 1 ($host) did not reach the end of NCCL"

# Ranks that make different calls, one of them without NCCL.
goes_wrong 9 4 3 "" other-way
expect_count 1 "the ranks made different calls"
goes_wrong 9 4 3 "" stay-away
expect_count 1 "did not reach"
expect_text "rank 2 ($host) did not reach all_reduce_sum of 4000 bytes"
goes_wrong 9 137 3 "" killed
expect_report last-operations 0 "operation [0-9]+ all_reduce_sum bytes 4000 step 31 awaited began -[0-9.]+"

# One rank on a GPU that hangs, without NCCL: alone, and under mpirun.
rm -rf "$folder/run"
expect 0 "$with_stand_in" "$program" nothing "$folder/run" cuda
expect_text "1 ranks, solo, devices alike"
expect_text "cuda:0 (Fake GPU, GPU-"
expect_within 9 4 "$with_stand_in" "$program" gpu-hangs "$folder/run" cuda
expect_text "the end of the GPU's work (operation "
expect_text ", step 31) has hung for"
expect_report abort-report 0 "operation [0-9]+ the end of the GPU's work bytes 0 step 31 awaited began -[0-9.]+"
goes_wrong 9 4 1 "" gpu-hangs
expect_text "the GPU of rank 0 ($host) did not reach the end of the GPU's work (operation "
reports_of 0

# GPUs of different kinds.
FAKE_CUDA_KINDS="Fake A 9.0,Fake B 9.0" goes_wrong 9 0 3 ""
expect_text "3 ranks, nccl, devices differ"
expect_text "cuda:1 (Fake B, GPU-"

# More ranks than GPUs: refused with their numbers, before NCCL starts. For tests they may share a GPU if NCCL believes
# that they are on two hosts.
FAKE_CUDA_GPUS=1 goes_wrong 9 2 2 ""
expect_text "found ranks 0 and 1 of $(hostname) on the same one"
share=(env FAKE_CUDA_GPUS=1 CHARRNN_SHARE_GPU=1 "$with_stand_in")
# shellcheck disable=SC2016  # mpirun's variable
expect 0 $(ranks 2) "${share[@]}" sh -c 'NCCL_HOSTID=$OMPI_COMM_WORLD_RANK exec "$@"' sh "$program" nothing '' cuda
expect_text "2 ranks, nccl, devices alike"
expect_count 2 "shared by ranks: CHARRNN_SHARE_GPU"
expect 4 $(ranks 2) "${share[@]}" "$program" nothing '' cuda
expect_text "stand-in: ranks 0 and 1 have the same GPU"

# A driver that is too old, or a GPU that LibTorch has no kernels for: refused before training starts.
export CHARRNN_STAND_IN_FAULT=''
for misfit in "FAKE_CUDA_VERSION=12040 supports CUDA 12.4" "FAKE_CUDA_KINDS=Fake 3.7 has compute capability 3.7"; do
  setting=${misfit%% supports*}
  setting=${setting%% has*}
  expect 2 env "$setting" "$with_stand_in" "$program" nothing "$folder/run" cuda
  expect_count 1 "${misfit#"$setting" }"
  expect_count 1 "run.device is cuda, but on $(hostname) no GPU can be used"
  expect 0 env "$setting" "$with_stand_in" "$program" nothing "$folder/run" auto
  expect_count 1 "found a GPU that is not used"
  expect_text "1 ranks, solo"
done

finish
