# shellcheck shell=bash disable=SC2034
# Shared by the Slurm tests: starts the lab and writes a config for a small corpus. CHARRNN_BIN is the folder of the tools.
# shellcheck source=tests/launch/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
# shellcheck source=tests/slurm/lab.sh
. "$root/tests/slurm/lab.sh"

: "${CHARRNN_BIN:?the folder of the tools, such as build/release/bin}"
python=${CHARRNN_PYTHON:-python3}
unset CHARRNN_LAUNCH_FILE CHARRNN_LAUNCHER CHARRNN_ROOT
export CHARRNN_BIN CHARRNN_ROOT=$root
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # those of OpenMPI; tests/sanitizers looks for ours
export OMPI_MCA_odls_base_sigkill_timeout=3          # mpirun's own wait must fit into the lab's KillWait, twice
export OMPI_MCA_mpi_yield_when_idle=1                # the cores may be shared with other tests

start_lab
cd "$scratch"
cat >config.yaml <<CONFIG
corpus:
  sources: [$root/data/time_machine/timemachine.txt]
  output: $scratch/corpus
  split: {by: tail, valid: 0.05, test: 0}
  shard_size: 6000
model: {input: embedding, embedding_size: 12, hidden_size: 96, layers: 1, dropout: 0.1}
train:
  batch_size: 12
  sequence_length: 20
  steps: 1500
  optimizer: {name: adam, learning_rate: 0.01}
  log_every: 1
evaluate: {every: 0, lanes: 5}
sample: {every: 0}
checkpoint: {every: 100000}
run: {output: $scratch/run, seed: 3, device: cpu, threads: 1}
CONFIG

has_made_steps() {  # RUN STEPS
  local made
  made=$(grep -cs '"kind":"train"' "$1/metrics.jsonl") && [ "$made" -ge "$2" ]
}
output_of() { cat "$scratch"/*-"$1".out 2>/dev/null || true; }  # JOB
job_speaks() { [ -n "$(output_of "$1")" ]; }  # JOB: whether its script runs
