#!/usr/bin/env bash
# A slow start of MPI: it has its own time limit, and prints what it may be waiting for.
# shellcheck disable=SC2046  # the words of `ranks` are meant
program=$1
mpiexec=$2
slow_start=$3
. "$(dirname "${BASH_SOURCE[0]}")/failures.sh"

slow() { echo env "LD_PRELOAD=$slow_start" "CHARRNN_TEST_START_SECONDS=$1"; }

# Longer than comm.timeout_seconds (1.5 s), and longer than the 5 s before the message.
expect 0 $(ranks 2) $(slow 6) "$program" nothing
expect_text "2 ranks, mpi"
expect_count 1 "the start of MPI is taking long ("
expect_count 1 "name of this host, $(hostname),"
expect 0 $(ranks 2) $(slow 2) "$program" nothing
expect_count 0 "is taking long"

# Longer than its limit of 1 s and the 2 s of grace.
expect 4 $(ranks 2) $(slow 15) "$program" short-start
expect_text "the start of MPI (operation 1, step 0) has hung for"
finish
