#!/usr/bin/env bash
# Ranks on three hosts: the same losses as on one host, and a link that is cut during a run.
. "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
# shellcheck source=tests/network/hosts.sh
. "$root/tests/network/hosts.sh"

: "${CHARRNN_BIN:?the folder of the tools, such as build/release/bin}"
python=${CHARRNN_PYTHON:-python3}
timeout_seconds=10
steps=2000
unset "${!SLURM_@}" CHARRNN_LAUNCH_FILE
export ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_leaks=0  # those of OpenMPI; tests/sanitizers looks for ours
export OMPI_MCA_mpi_yield_when_idle=1                # the hosts share cores, but mpirun does not know

make_hosts
cd "$scratch"
printf '%s slots=1\n' "${hosts[@]}" >hosts
cat >config.yaml <<CONFIG
corpus:
  sources: [$root/data/time_machine/timemachine.txt]
  output: $scratch/corpus
  split: {by: tail, valid: 0.05, test: 0}
  shard_size: 6000
model: {input: embedding, embedding_size: 12, hidden_size: 48, layers: 1, dropout: 0.1}
train:
  batch_size: 12
  sequence_length: 20
  steps: 30
  optimizer: {name: adam, learning_rate: 0.01}
  log_every: 1
evaluate: {every: 0, lanes: 5}
sample: {every: 0}
checkpoint: {every: 20}
run: {output: $scratch/run, seed: 3, device: cpu, threads: 1}
CONFIG
"$CHARRNN_BIN/charrnn_preprocess" config.yaml >preprocess.log 2>&1 || fail "$(cat preprocess.log)"

on_h1() { ip netns exec "$CHARRNN_TEST_NET-h1" unshare --uts sh -c 'hostname h1 && exec "$@"' sh "$@"; }
# train_on_hosts RUN STEPS: trains with launch/run, started on h1.
train_on_hosts() {
  on_h1 "$root/launch/run" --hostfile hosts "${host_options[@]}" -- "$CHARRNN_BIN/charrnn_train" config.yaml \
    --set "run.output=$scratch/$1" --set train.steps="$2" --set comm.timeout_seconds="$timeout_seconds"
}
steps_made() {  # RUN
  local made
  made=$(grep -cs '"kind":"train"' "$scratch/$1/metrics.jsonl") || true
  echo "${made:-0}"
}

echo "-- one host and three"
"$root/launch/run" -np 3 "$CHARRNN_BIN/charrnn_train" config.yaml --set "run.output=$scratch/one_host" >output 2>&1 ||
  fail "3 ranks on one host: $(cat output)"
train_on_hosts three_hosts 30 >output 2>&1 || fail "3 ranks on 3 hosts: $(cat output)"
"$python" - one_host three_hosts <<'PYTHON' || fail "the losses on 3 hosts differ from those on one"
import json, sys
def losses(run):
    lines = [json.loads(line) for line in open(f"{run}/metrics.jsonl", encoding="utf-8")]
    return [line["loss_nats"] for line in lines if line["kind"] == "train"]
one, three = map(losses, sys.argv[1:])
assert len(one) == 30, len(one)
for step, (a, b) in enumerate(zip(one, three, strict=True), 1):
    assert abs(a - b) < 1e-5 * a, (step, a, b)
PYTHON
for host in h1 h2 h3; do  # 30 steps exchange several megabytes
  sent=$(in_net "$host" -s -j link show eth0 | sed -n 's/.*"tx":{"bytes":\([0-9]*\).*/\1/p')
  [ "$sent" -gt 100000 ] || fail "$host sent only $sent bytes: its rank ran on another host"
done

echo "-- a link is cut"
train_on_hosts cut "$steps" >output 2>&1 &
run=$!
for _ in $(seq 600); do
  [ "$(steps_made cut)" -lt 100 ] || break
  kill -0 "$run" 2>/dev/null || fail "the run does not start: $(cat output)"
  sleep 0.1
done
start=$SECONDS
cut_link h3
status=0
wait "$run" || status=$?
[ "$(steps_made cut)" -lt "$steps" ] || fail "the run was over before the link was cut"
# Ranks and daemons of mpirun on all hosts, including the one that cannot be reached.
left() { for host in "${hosts[@]}"; do processes_on "$host"; done; }
while [ -n "$(left)" ] && [ $((SECONDS - start)) -lt 60 ]; do sleep 0.2; done
seconds=$((SECONDS - start))
equal "code: $(cat output)" 4 "$status"
[ "$seconds" -le $((timeout_seconds + 15)) ] ||
  fail "the processes of the lost run took $seconds s to end: $(cat output; left | xargs -r ps -f -p)"
contains "output" "host h3" "$(cat output)"

echo "-- the run continues after the link is restored"
mend_link h3
checkpoint=$(readlink cut/checkpoints/latest)
number=$((10#$(tr -dc 0-9 <<<"$checkpoint")))
train_on_hosts cut "$steps" >output 2>&1 || fail "the second start: $(cat output)"
contains "second start" "from step $number" "$(tr -d , <output)"
equal "steps of the whole run" "$steps" "$(steps_made cut)"
