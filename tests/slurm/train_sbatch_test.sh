#!/usr/bin/env bash
# slurm/train.sbatch under a real Slurm: saves at the early signal, is requeued, and the run is bit for bit the same as one
# without interruption; cancelled jobs stay cancelled; a job that makes no step is not restarted forever.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

train=$root/slurm/train.sbatch
steps=1500

# ranks_of RUN: prints the ids of the processes that train in it.
ranks_of() {
  local process
  for process in /proc/[0-9]*; do
    if [ "$(cat "$process/comm")" = charrnn_train ] &&
      grep -qzxF "run.output=$1" "$process/cmdline"; then
      echo "${process#/proc/}"
    fi
  done 2>/dev/null
}

# equal_runs RUN RUN: compares every loss, and every tensor of the last checkpoint bit for bit.
equal_runs() {
  "$python" - "$1" "$2" "$steps" <<'PYTHON' || fail "$2 is not the same run as $1"
import json, sys
from safetensors.numpy import load_file
a, b, steps = sys.argv[1], sys.argv[2], int(sys.argv[3])
def losses(run):
    lines = [json.loads(line) for line in open(f"{run}/metrics.jsonl", encoding="utf-8")]
    return [(line["step"], line["loss_nats"]) for line in lines if line["kind"] == "train"]
assert [step for step, _ in losses(a)] == list(range(1, steps + 1)), "every step is there once"
assert losses(a) == losses(b), "losses differ"
first, second = (load_file(f"{run}/checkpoints/step-{steps:09d}.safetensors") for run in (a, b))
assert first.keys() == second.keys() and len(first) > 5
for name, tensor in first.items():
    assert tensor.tobytes() == second[name].tobytes(), name
PYTHON
}

"$CHARRNN_BIN/charrnn_preprocess" config.yaml >preprocess.log 2>&1 || fail "$(cat preprocess.log)"

# submit_train RUN [SBATCH-OPTION...]
submit_train() {
  local run=$1
  shift
  submit --ntasks=2 --time=5 "$@" "$train" config.yaml --set "run.output=$scratch/$run" --set train.steps="$steps"
}

echo "-- without interruption"
job=$(submit_train whole)
wait_for_job "$job" 60
equal "state: $(output_of "$job")" COMPLETED "$(job_field "$job" JobState)"
contains "output" "+ srun --mpi=pmix" "$(output_of "$job")"
contains "output" "ranks     2 (mpi)" "$(output_of "$job")"

echo "-- the early signal of Slurm itself"
# Time limits are in minutes and checked every half minute: the signal comes within 30 s of the start. Meanwhile the ranks
# are stopped, so that the run does not finish before it, however fast the machine.
job=$(submit_train signalled --time=1 --signal=B:USR1@50)
asked() { [[ $(output_of "$job") = *"asked to save"* ]]; }
asked_or_trains() { asked || has_made_steps "$scratch/signalled" 20; }
await 60 asked_or_trains || fail "the run does not start: $(output_of "$job")"
mapfile -t ranks < <(ranks_of "$scratch/signalled")
equal "ranks: $(output_of "$job")" 2 "${#ranks[@]}"
kill -STOP "${ranks[@]}"
await 80 asked || fail "no early signal: $(output_of "$job")"
kill -CONT "${ranks[@]}" 2>/dev/null || true
wait_for_job "$job" 120
equal "state: $(output_of "$job")" COMPLETED "$(job_field "$job" JobState)"
[ "$(job_field "$job" Restarts)" -ge 1 ] || fail "not requeued: $(output_of "$job")"
for text in "stopped on request (SIGUSR1)" "saved (step-" "requeued" "start 2" "resuming "; do
  contains "output" "$text" "$(output_of "$job")"
done
equal_runs whole signalled

echo "-- asked to save by hand at once, under mpirun"
job=$(CHARRNN_LAUNCHER=run submit_train by_hand)
await 60 job_speaks "$job" || fail "job $job does not start"
scancel -b -s USR1 "$job"
wait_for_job "$job" 90
equal "state: $(output_of "$job")" COMPLETED "$(job_field "$job" JobState)"
equal "restarts: $(output_of "$job")" 1 "$(job_field "$job" Restarts)"
contains "output" "launch/run" "$(output_of "$job")"
equal_runs whole by_hand

echo "-- asked to save, but with requeueing disabled"
job=$(steps=1000000 submit_train no_requeue)
await 60 has_made_steps "$scratch/no_requeue" 20 || fail "the run does not start: $(output_of "$job")"
scontrol update JobId="$job" Requeue=0
scancel -b -s USR1 "$job"
wait_for_job "$job" 60
equal "state: $(output_of "$job")" "FAILED 75:0" "$(job_field "$job" JobState) $(job_field "$job" ExitCode)"
contains "output" "could not be requeued" "$(output_of "$job")"
[ -e no_requeue/checkpoints/latest ] || fail "not saved: $(output_of "$job")"

echo "-- cancelled"
for launcher in srun run; do
  job=$(CHARRNN_LAUNCHER=$launcher steps=1000000 submit_train "cancelled_$launcher")
  await 60 has_made_steps "$scratch/cancelled_$launcher" 20 || fail "the run does not start: $(output_of "$job")"
  scancel "$job"
  wait_for_job "$job" 60
  sleep 5  # a requeued job would be back by now
  equal "state with $launcher: $(output_of "$job")" CANCELLED "$(job_field "$job" JobState)"
  equal "restarts with $launcher" 0 "$(job_field "$job" Restarts)"
  contains "output with $launcher" "Slurm is ending the job" "$(output_of "$job")"
  equal "ranks left with $launcher" "" "$(ranks_of "$scratch/cancelled_$launcher")"
  [ -e "cancelled_$launcher/checkpoints/latest" ] || fail "$launcher: not saved: $(output_of "$job")"
done

echo "-- a run that makes no step"
mkdir stand_in idle_run
cat >stand_in/charrnn_train <<'PYTHON'
#!/usr/bin/env python3
import os, signal, sys
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGUSR2])
with open(os.environ["CHARRNN_LAUNCH_FILE"], "w") as file:
    print(os.path.abspath("idle_run"), file=file)
while True:
    signal.pause()
PYTHON
chmod +x stand_in/charrnn_train
job=$(CHARRNN_BIN=$scratch/stand_in submit --ntasks=2 --time=5 "$train" config.yaml)
await 60 job_speaks "$job" || fail "job $job does not start"
scancel -b -s USR1 "$job"
wait_for_job "$job" 60
equal "state: $(output_of "$job")" FAILED "$(job_field "$job" JobState)"
equal "code: $(output_of "$job")" 75:0 "$(job_field "$job" ExitCode)"
contains "output" "no step was made since this start" "$(output_of "$job")"

echo "-- a rank that srun kills while it exits, after all have saved"
mkdir -p late_run/checkpoints late
cat >late/charrnn_train <<'PYTHON'
#!/usr/bin/env python3
import os, pathlib, signal, sys, time
if "SLURM_RESTART_COUNT" in os.environ:
    sys.exit(0)
def leave(*_):
    if os.environ["PMIX_RANK"] == "1":
        time.sleep(60)
    pathlib.Path("late_run/checkpoints/step-000000007.safetensors").touch()
    os.symlink("step-000000007.safetensors", "late_run/checkpoints/latest")
    pathlib.Path(os.environ["CHARRNN_LAUNCH_FILE"] + ".steps").write_text("7\n")
    pathlib.Path(os.environ["CHARRNN_LAUNCH_FILE"] + ".saved").touch()
    sys.exit(75)
signal.signal(signal.SIGUSR1, leave)
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1, signal.SIGUSR2])
if os.environ["PMIX_RANK"] == "0":
    pathlib.Path(os.environ["CHARRNN_LAUNCH_FILE"]).write_text(os.path.abspath("late_run"))
while True:
    signal.pause()
PYTHON
chmod +x late/charrnn_train
job=$(CHARRNN_BIN=$scratch/late CHARRNN_LAUNCHER=srun submit --ntasks=2 --time=5 "$train" config.yaml)
await 60 job_speaks "$job" || fail "job $job does not start"
sleep 1  # until both ranks listen
scancel -b -s USR1 "$job"
wait_for_job "$job" 60
equal "state: $(output_of "$job")" COMPLETED "$(job_field "$job" JobState)"
equal "restarts: $(output_of "$job")" 1 "$(job_field "$job" Restarts)"

echo "-- wrong input"
job=$(CHARRNN_ROOT=$scratch submit --ntasks=1 --time=5 "$train" config.yaml)
wait_for_job "$job" 30
equal "code in a wrong folder" 2:0 "$(job_field "$job" ExitCode)"
contains "message in a wrong folder" "export CHARRNN_ROOT" "$(output_of "$job")"

status=0
srun --mpi=none -n2 "$CHARRNN_BIN/charrnn_train" config.yaml >output 2>&1 || status=$?
equal "srun without PMIx: $(cat output)" 2 "$status"
contains "srun without PMIx" "--mpi=pmix" "$(cat output)"

equal "files that remain in the submission folder" "" "$(find "$scratch" -maxdepth 1 -name '.charrnn-job*')"
