#!/usr/bin/env bash
# launch/run with small scripts as ranks: codes, signals, more ranks than cores, a run whose network is gone.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v mpirun >/dev/null || { echo "mpirun is not installed"; exit 77; }

set -m  # background commands may then be interrupted, as in a terminal
cd "$scratch"
# Not shared with the other tests, which start runs at the same time.
TMPDIR=$(mktemp -d "${TMPDIR:-/tmp}/charrnn-test.XXXXXX")
export TMPDIR
trap 'rm -rf "$scratch" "$TMPDIR"' EXIT
unset SLURM_JOB_ID CHARRNN_LAUNCH_FILE
export scratch CHARRNN_ABORT_GRACE_SECONDS=2

# leaves.sh CODE TEXT: writes its rank and TEXT, then exits. saves.sh: exits with 75 at USR1. stubborn.sh: never exits.
cat >leaves.sh <<'RANK'
#!/bin/bash
echo "$OMPI_COMM_WORLD_RANK of $OMPI_COMM_WORLD_SIZE: $2" >"$scratch/said.$OMPI_COMM_WORLD_RANK"
exit "$1"
RANK
cat >saves.sh <<'RANK'
#!/bin/bash
trap 'touch "$scratch/saved.$OMPI_COMM_WORLD_RANK"; exit 75' USR1
touch "$scratch/ready.$OMPI_COMM_WORLD_RANK"
while :; do sleep 0.1; done
RANK
cat >stubborn.sh <<'RANK'
#!/bin/bash
trap '' USR1 TERM INT
if [ "$OMPI_COMM_WORLD_RANK" = 0 ]; then
  echo "of this launch" >"$CHARRNN_LAUNCH_FILE.start"
  echo "$scratch/runs/here" >"$CHARRNN_LAUNCH_FILE"
fi
echo $$ >"$scratch/ready.$OMPI_COMM_WORLD_RANK"
while :; do sleep 0.1; done
RANK
chmod +x ./*.sh

launch() { status=0; "$root/launch/run" "$@" >output 2>&1 || status=$?; }
# begin TOOL: 2 ranks in the background, both running when it returns.
begin() {
  rm -f ready.* saved.*
  "$root/launch/run" -np 2 "$@" >output 2>&1 &
  run=$!
  local tenths=0
  until [ -e ready.0 ] && [ -e ready.1 ]; do
    sleep 0.1
    tenths=$((tenths + 1))
    [ $tenths -lt 200 ] || fail "ranks did not start: $(cat output)"
  done
}
finish() { status=0; wait "$run" || status=$?; }
seconds_since() { echo $((SECONDS - $1)); }

# Exit codes and arguments are passed on unchanged.
for code in 0 2 3 75; do
  launch -np 2 ./leaves.sh "$code" "two  words"
  equal "code: $(cat output)" "$code" "$status"
  equal "rank 1" "1 of 2: two  words" "$(cat said.1)"
done
rm said.*
launch -np 4 ./leaves.sh 0 four
equal "ranks with -np 4: $(cat output)" 4 "$(cat said.* | grep -c ' of 4: four')"
rm said.*
echo "localhost slots=3" >hosts
launch --hostfile hosts --mca mpi_show_mca_params none -- ./leaves.sh 0 slots
equal "ranks of a host file: $(cat output)" 3 "$(cat said.* | grep -c ' of 3: slots')"
# A loop keeps the lines that it reads; a tool that reads standard input receives it.
cat >reads.sh <<'RANK'
#!/bin/bash
if [ "$OMPI_COMM_WORLD_RANK" = 0 ]; then cat >"$scratch/taken"; fi
RANK
chmod +x reads.sh
mkdir reading
cp reads.sh reading/charrnn_preprocess
cp reads.sh reading/charrnn_train
loops=0
while read -r line; do
  launch -np 1 reading/charrnn_train "$line"
  equal "training in a loop: $(cat output)" 0:0 "$status:$(wc -c <taken)"
  loops=$((loops + 1))
done < <(printf '%s\n' a b c)
equal "lines of a loop" 3 "$loops"
echo 'corpus: {sources: ["-"]}' >reads.yaml
launch -np 1 reading/charrnn_preprocess reads.yaml < <(echo text)
equal "input of a tool that reads it: $(cat output)" text "$(cat taken)"
launch -np 1 reading/charrnn_preprocess hosts < <(echo text)
equal "input of a tool that reads files" "" "$(cat taken)"
# Standard error has no reader, or is on a full disk.
status=0
"$root/launch/run" -np 1 ./leaves.sh 3 pipe 2> >(exec true) || status=$?
equal "standard error without a reader" 3 "$status"
status=0
"$root/launch/run" -np 1 ./leaves.sh 3 full 2>/dev/full || status=$?
equal "standard error on a full disk" 3 "$status"
launch -np 2 ./leaves.sh 0 "no input" <&-
equal "standard input closed: $(cat output)" 0 "$status"
# OMP_NUM_THREADS limits threads, and must not be taken for the number of processors.
launch -np 2 ./leaves.sh 0 threads
command_line=$(grep '^+' output)
OMP_NUM_THREADS=1 launch -np 2 ./leaves.sh 0 threads
equal "with OMP_NUM_THREADS=1" "$command_line" "$(grep '^+' output)"

# Options in any order; -- ends mpirun's options. Variables that other hosts need are passed on.
launch --mca mpi_show_mca_params none -np 2 --report-bindings -- ./leaves.sh 0 order
equal "options in another order: $(cat output)" "1 of 2: order" "$(cat said.1)"
contains "the whole path of the tool" "$scratch/./leaves.sh 0 order" "$(grep '^+' output)"
rm said.*
launch -np 2 --report-bindings ./leaves.sh 0 unknown
equal "an option of mpirun without --: $(cat output)" 2 "$status"
contains "what to write" "write -- before the tool" "$(cat output)"
NCCL_DEBUG=WARN launch --host localhost:2 ./leaves.sh 0 hosts
equal "ranks of --host: $(cat output)" 2 "$(cat said.* | grep -c ' of 2: hosts')"
contains "variables for other hosts" "-x NCCL_DEBUG" "$(grep '^+' output)"
rm said.*

# --cores binds each rank to its own cores.
cores=$(lscpu -p=Core,Socket 2>/dev/null | grep -v '^#' | sort -u | wc -l) || cores=0
if [ "$cores" -ge 2 ] && [ "$(env -u OMP_NUM_THREADS nproc)" -ge 2 ]; then
  cat >bound.sh <<'RANK'
#!/bin/bash
grep Cpus_allowed_list /proc/self/status >"$scratch/bound.$OMPI_COMM_WORLD_RANK"
RANK
  chmod +x bound.sh
  launch -np 2 --cores 1 ./bound.sh
  equal "--cores 1: $(cat output)" 0 "$status"
  [ "$(cat bound.0)" != "$(cat bound.1)" ] || fail "--cores 1: both ranks on $(cat bound.0)"
  launch -np 2 --cores "$cores" ./bound.sh
  equal "--cores with too few" 2 "$status"
  contains "--cores with too few" "expected $((2 * cores)) cores" "$(cat output)"
fi

# Wrong usage: exit code 2.
for arguments in "-np" "-np two charrnn_train" "-np 2" "-np 2 no_such_tool" "--cores 0 bash" "--bind-to" \
  "--hostfile no_such_file bash"; do
  # shellcheck disable=SC2086  # several arguments
  launch $arguments
  equal "launch/run $arguments: $(cat output)" 2 "$status"
done

# The first signal of any of these kinds gives all ranks time to save.
for signal in USR1 TERM INT HUP; do
  begin ./saves.sh
  kill -s "$signal" "$run"
  finish
  equal "$signal: $(cat output)" 75 "$status"
  [ -e saved.0 ] && [ -e saved.1 ] || fail "$signal: a rank did not receive USR1"
done

# USR1 would end a charrnn_train that is still being loaded: the signal stays blocked until it is ready.
mkdir loading
cat >loading/charrnn_train <<'RANK'
#!/usr/bin/env python3
import os, pathlib, signal, sys, time
rank = os.environ["OMPI_COMM_WORLD_RANK"]
pathlib.Path(f"ready.{rank}").touch()
time.sleep(1.5)
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGUSR2])
if rank == "0":
    pathlib.Path(os.environ["CHARRNN_LAUNCH_FILE"]).write_text("runs/here")
signal.pause()
RANK
chmod +x loading/charrnn_train
begin loading/charrnn_train
kill -USR1 "$run"
finish
equal "USR1 to ranks that are being loaded: $(cat output)" 75 "$status"
"$root/launch/run" -np 2 loading/charrnn_train >output 2>&1 &
run=$!
# Wait until the process is launch/run, no longer a copy of this shell, and its trap for USR1 is set.
until grep -qzx "$root/launch/run" "/proc/$run/cmdline" &&
  grep -qs "SigCgt.*[2367abef][0-9a-f][0-9a-f]$" "/proc/$run/status"; do sleep 0.01; done
kill -USR1 "$run"
finish
equal "USR1 to an mpirun that is being started: $(cat output)" 75 "$status"

# A killed rank.
cat >killed.sh <<'RANK'
#!/bin/bash
if [ "$OMPI_COMM_WORLD_RANK" = 1 ]; then kill -KILL $$; fi
sleep 60
RANK
chmod +x killed.sh
launch -np 2 ./killed.sh
equal "killed: $(cat output)" 137 "$status"
contains "killed" "a rank was killed" "$(cat output)"

# The second TERM ends ranks that ignore signals.
begin ./stubborn.sh
start=$SECONDS
kill -TERM "$run"
sleep 0.5
kill -TERM "$run"
finish
[ "$status" != 0 ] && [ "$(seconds_since "$start")" -lt 10 ] ||
  fail "second TERM: code $status, $(seconds_since "$start") s"

# An abort report of an earlier launch is ignored; one of this launch ends it and its ranks.
mkdir -p runs/here
echo "start of another launch" >runs/here/abort-report-old.txt
begin ./stubborn.sh
start=$SECONDS
sleep 3
kill -0 "$run" 2>/dev/null || fail "ended by an old abort report: $(cat output)"
echo "start of this launch" >runs/here/abort-report-new.txt
touch -d yesterday runs/here/abort-report-new.txt  # times must not matter: clocks and file systems differ
finish
equal "abort report: $(cat output)" 4 "$status"
[ "$(seconds_since "$start")" -lt 15 ] || fail "abort report: took $(seconds_since "$start") s"
contains "abort report" "abort-report-new.txt" "$(cat output)"
sleep 0.5
for rank in ready.*; do  # gone, or a zombie
  state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$(cat "$rank")/status" 2>/dev/null || true)
  [ "${state:-Z}" = Z ] || fail "a rank outlived the launch"
done
equal "left in TMPDIR" "" "$(find "$TMPDIR" -maxdepth 1 -name 'charrnn-run.*')"
