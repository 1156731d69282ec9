# shellcheck shell=bash disable=SC2154
# Shared by the batch scripts: the tools on the PATH, the launcher, and a training run that is requeued after Slurm's early
# signal. They source it from the repository ($root), because Slurm runs a copy of the batch script.
set -euo pipefail

name=${SLURM_JOB_NAME:-charrnn}
mpi=${CHARRNN_SRUN_MPI:-pmix}              # srun's plugin that connects the ranks
straggler_seconds=30                       # srun ends ranks that outlive the first by this much
state=$PWD/.charrnn-job-${SLURM_JOB_ID:-0} # in the submission folder, which all nodes of a job can reach

say() { printf '%s\n' "$name: $*" >&2 || true; }  # continue if the disk of the log is full
fail() { say "$*"; exit 2; }

[ -n "${SLURM_JOB_ID:-}" ] || fail "expected to run in a Slurm job, found no SLURM_JOB_ID: submit it with sbatch"
# shellcheck source=launch/env.sh
. "$root/launch/env.sh"
if [ -n "${CHARRNN_BIN:-}" ]; then PATH=$CHARRNN_BIN:$PATH; fi

# find_tool NAME: sets `tool` to its whole path, which the other nodes need.
find_tool() {
  tool=$(command -v "$1") || fail "no tool '$1' on the PATH or in $root/build/release/bin: run" \
    "$root/launch/build.sh --tools, or export CHARRNN_BIN=FOLDER"
}

# choose_launcher: sets the array `launcher` to srun if it has PMIx, otherwise to mpirun inside the allocation.
choose_launcher() {
  local kind=${CHARRNN_LAUNCHER:-} found
  if [ -z "$kind" ]; then
    found=$(srun --mpi=list 2>&1 </dev/null) || true
    if [[ $found =~ (^|[[:space:]])$mpi($|[[:space:]_]) ]]; then kind=srun; else kind=run; fi
  fi
  case $kind in
    srun)
      # Without these, srun waits forever after a rank has died.
      launcher=(srun "--mpi=$mpi" --kill-on-bad-exit=1 "--wait=$straggler_seconds")
      # srun does not inherit it from sbatch.
      if [ -n "${SLURM_CPUS_PER_TASK:-}" ]; then launcher+=("--cpus-per-task=$SLURM_CPUS_PER_TASK"); fi ;;
    run) launcher=("$root/launch/run") ;;
    *) fail "CHARRNN_LAUNCHER: expected srun or run, found '$kind'" ;;
  esac
}

# ---- training

told_to_end='' passed_on=''
# Prints the name of the run's last checkpoint. On file systems without links, `latest` is a file with that name in it.
latest() {
  local link
  link=$(cat "$CHARRNN_LAUNCH_FILE")/checkpoints/latest
  readlink "$link" 2>/dev/null || head -c 100 "$link" 2>/dev/null | grep -a -m 1 '^step-[0-9]*\.safetensors$' || true
}

# Passes on Slurm's early signal, or scancel -b -s USR1. Not before rank 0 has written its run's path: then all ranks listen.
pass_on_save() {
  if [ -n "$save_requested" ] && [ -z "$passed_on" ] && [ -s "$CHARRNN_LAUNCH_FILE" ]; then
    passed_on=1
    kill -USR1 "$launcher_id" 2>/dev/null || true
  fi
}

# Runs the launcher in the background and waits for it: while a shell waits for a command in the foreground, it does not
# run traps, so the signal would be too late. Sets $code.
launch_and_wait() {
  printf '+ %s\n' "$*" >&2 || true
  "$@" </dev/null &
  launcher_id=$!
  while kill -0 "$launcher_id" 2>/dev/null; do
    if [ -s "$CHARRNN_LAUNCH_FILE" ]; then
      pass_on_save
      wait "$launcher_id" || true
    else
      sleep 0.2
    fi
  done
  code=0
  wait "$launcher_id" || code=$?
}

# Prints the last checkpoint if this start made a step; rank 0 writes the number of steps.
saved_since_start() {
  local steps
  steps=$(cat "$CHARRNN_LAUNCH_FILE.steps" 2>/dev/null) || return 0
  if [ "$steps" != 0 ]; then latest; fi
}

meaning() {
  case $1 in
    0) echo "finished" ;;
    1) echo "an error: see the message above" ;;
    2) echo "a mistake in the command line, the config or the input: fix it and submit again" ;;
    3) echo "the run diverged: lower train.optimizer.learning_rate or train.clip_norm" ;;
    4) echo "a rank or the network was lost: submit again to continue from the last checkpoint" ;;
    75) echo "saved: submit again to continue from there" ;;
    137 | 143) echo "a rank was killed, often for lack of memory (request more with --mem): submit again to continue" \
      "from the last checkpoint" ;;
    *) echo "see the messages above" ;;
  esac
}

# train ARGUMENTS of charrnn_train: runs it, requeues the job if it saved on request, and exits.
train() {
  local id=${SLURM_ARRAY_JOB_ID:+${SLURM_ARRAY_JOB_ID}_$SLURM_ARRAY_TASK_ID} saved code=0
  id=${id:-$SLURM_JOB_ID}  # in one task of an array, SLURM_JOB_ID is the array's id
  trap 'save_requested=1; say "asked to save"; pass_on_save' USR1
  # The job was cancelled, preempted, or is out of time. If this shell exited, Slurm would kill the ranks at once instead of
  # after KillWait.
  trap 'told_to_end=1; say "Slurm is ending the job: the ranks have KillWait seconds to save"' TERM
  find_tool charrnn_train
  choose_launcher

  rm -rf "$state"
  mkdir "$state" || fail "cannot write to $PWD, through which the ranks of this job find each other: submit from another folder"
  trap 'rm -rf "$state"' EXIT
  export CHARRNN_LAUNCH_FILE=$state/run_folder
  say "job $id on ${SLURM_JOB_NODELIST:-?}, start $((${SLURM_RESTART_COUNT:-0} + 1))"

  # Blocked signals wait until the ranks have loaded and unblock them.
  local held=()
  if env --block-signal=USR1 true 2>/dev/null; then held=(env --block-signal=USR1 --block-signal=USR2); fi
  if [ "${launcher[0]}" != srun ]; then held=(); fi  # launch/run blocks them itself
  launch_and_wait "${launcher[@]}" "${held[@]}" "$tool" "$@"

  if [ "$code" = 0 ]; then exit 0; fi
  # If all ranks saved and exited with 75, srun may have killed (143, 137) one that took a little longer than the first.
  if [[ $code =~ ^(137|143)$ ]] && [ -e "$CHARRNN_LAUNCH_FILE.saved" ]; then code=75; fi
  if [ "$code" != 75 ]; then
    say "not requeued, code $code: $(meaning "$code")"
  elif [ -n "$told_to_end" ]; then
    say "not requeued, because Slurm ended the job (scancel, time limit or preemption). $(meaning 75)"
  else
    trap '' TERM  # requeueing sends TERM to this job
    saved=$(saved_since_start)
    if [ -z "$saved" ]; then
      say "not requeued: no step was made since this start, and another start would make none either. Use a longer" \
        "--time, or a --signal nearer to the end"
    elif scontrol requeue "$id"; then
      say "saved ($saved), requeued"
      exit 0
    else
      say "could not be requeued (the reason is above). The run was $(meaning 75)"
    fi
  fi
  exit "$code"
}
