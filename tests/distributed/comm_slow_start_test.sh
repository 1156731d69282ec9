#!/usr/bin/env bash
# A start of MPI that is slower than ranks may be later on: it has its own limit, and prints what it may wait for.
# shellcheck disable=SC2046  # the words of `ranks` are meant
program=$1
mpiexec=$2
slow_start=$3
. "$(dirname "${BASH_SOURCE[0]}")/failures.sh"

slow() { echo env "LD_PRELOAD=$slow_start" "CHARRNN_TEST_START_SECONDS=$1"; }

# Longer than comm.timeout_seconds (1.5 s), and than what a start takes silently (5 s).
expect 0 $(ranks 2) $(slow 6) "$program" nothing
expect_text "2 ranks, mpi"
expect_count 1 "the start of MPI takes long ("
expect_count 1 "name of this host, $(hostname),"
expect 0 $(ranks 2) $(slow 2) "$program" nothing
expect_count 0 "takes long"

# Longer than it may take: the limit of 1 s and 2 s of grace.
expect 4 $(ranks 2) $(slow 15) "$program" short-start
expect_text "the start of MPI (operation 1, step 0) has hung for"
finish
