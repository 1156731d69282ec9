#!/usr/bin/env bash
# Each tool once, with a look for leaks at its end: charrnn_train alone and with two ranks.
# usage: leaks_test.sh BIN MPIEXEC
# shellcheck source=tests/launch/common.sh
. "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"

bin=$1
mpiexec=$2
export ASAN_OPTIONS=detect_leaks=1:fast_unwind_on_malloc=0  # whole stacks, by which leaks.supp knows OpenMPI's leaks
export LSAN_OPTIONS=suppressions=$root/tests/sanitizers/leaks.supp:print_suppressions=0
export OMPI_ALLOW_RUN_AS_ROOT=1 OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 OMP_NUM_THREADS=2

cd "$scratch"
cat >config.yaml <<CONFIG
corpus: {sources: [$root/data/time_machine/timemachine.txt], output: corpus, split: {by: tail, valid: 0.05, test: 0}}
model: {input: embedding, embedding_size: 5, hidden_size: 7, layers: 2, dropout: 0.1}
train: {batch_size: 4, sequence_length: 11, steps: 4, optimizer: {name: adam, learning_rate: 0.01}}
evaluate: {every: 2, lanes: 5}
sample: {every: 2, prefixes: ["The "], length: 9}
run: {output: run, device: cpu}
CONFIG
two_ranks=("$mpiexec" --oversubscribe --bind-to none -np 2)
for command in "$bin/charrnn_preprocess config.yaml" "$bin/charrnn_train config.yaml" "$bin/charrnn_eval run" \
  "$bin/charrnn_sample run" "$bin/charrnn_inspect run" "${two_ranks[*]} $bin/charrnn_train config.yaml --set run.output=two"; do
  status=0
  $command >output 2>&1 || status=$?
  equal "$command: $(tail -n 40 output)" 0 "$status"
done
