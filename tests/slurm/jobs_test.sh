#!/usr/bin/env bash
# slurm/preprocess.sbatch, evaluate.sbatch and sweep.sbatch under a real Slurm.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

array_has_ended() { [ -z "$(squeue -h -j "$1" 2>/dev/null)" ]; }
wait_for_array() {  # JOB SECONDS
  await "$2" array_has_ended "$1" || fail "array $1 does not end within $2 s: $(squeue)"
}
state_of() { job_field "$1_$2" JobState; }  # JOB TASK

echo "-- preprocess"
job=$(submit --cpus-per-task=2 --time=5 "$root/slurm/preprocess.sbatch" config.yaml --set corpus.shard_size=7000)
wait_for_job "$job" 60
equal "state: $(output_of "$job")" COMPLETED "$(job_field "$job" JobState)"
contains "command" "charrnn_preprocess --threads 2 config.yaml" "$(output_of "$job")"
[ -e corpus/manifest.json ] || fail "no corpus: $(output_of "$job")"

echo "-- sweep"
cat >settings.txt <<'SETTINGS'
# Lines that begin with # and empty ones do not count.

train.optimizer.learning_rate=0.01 model.hidden_size=8
  train.optimizer.learning_rate=0.002   "sample.prefixes=[The end, It]"
SETTINGS
job=$(submit --array=0-2 --ntasks=1 --time=5 "$root/slurm/sweep.sbatch" config.yaml settings.txt \
  --set train.steps=40 --set checkpoint.every=10)
wait_for_array "$job" 60
for task in 0 1 2; do equal "task $task: $(output_of "${job}_$task")" COMPLETED "$(state_of "$job" $task)"; done
contains "a task beyond the last line" "nothing to do for task 2" "$(output_of "${job}_2")"
first=run/train.optimizer.learning_rate=0.01,model.hidden_size=8
second=run/train.optimizer.learning_rate=0.002,sample.prefixes=_The_end,_It_
for folder in "$first" "$second"; do
  [ -e "$folder/checkpoints/step-000000040.safetensors" ] || fail "no run in $folder: $(find run)"
done
contains "settings of line 0" "hidden_size: 8" "$(cat "$first/config.yaml")"
contains "settings of line 1" "learning_rate: 0.002" "$(cat "$second/config.yaml")"

echo "-- only the task of a sweep that was asked to save is requeued"
echo "train.optimizer.learning_rate=0.003" >>settings.txt
third=run/train.optimizer.learning_rate=0.003
job=$(submit --array=1-2 --ntasks=1 --time=5 "$root/slurm/sweep.sbatch" config.yaml settings.txt --set train.steps=4000)
await 60 has_made_steps "$third" 20 || fail "task 2 does not start: $(output_of "${job}_2")"
scancel -b -s USR1 "${job}_2"
wait_for_array "$job" 90
equal "restarts of task 1: $(output_of "${job}_1")" 0 "$(job_field "${job}_1" Restarts)"
equal "restarts of task 2: $(output_of "${job}_2")" 1 "$(job_field "${job}_2" Restarts)"
equal "state of task 2: $(output_of "${job}_2")" COMPLETED "$(state_of "$job" 2)"
[ -e "$third/checkpoints/step-000004000.safetensors" ] || fail "task 2 did not finish: $(output_of "${job}_2")"

echo "-- evaluate"
count=$(find "$first/checkpoints" -name 'step-*.safetensors' -not -type l | wc -l)
[ "$count" -ge 2 ] || fail "expected several checkpoints, found $count"
job=$(submit --array=0-"$count" --ntasks=1 --time=5 "$root/slurm/evaluate.sbatch" "$first" --split valid)
wait_for_array "$job" 90
for task in $(seq 0 "$count"); do
  equal "task $task: $(output_of "${job}_$task")" COMPLETED "$(state_of "$job" "$task")"
done
contains "a task beyond the last checkpoint" "nothing to do for task $count" "$(output_of "${job}_$count")"
equal "results" "$count" "$(find "$first/evaluations" -type f | wc -l)"
for checkpoint in "$first"/checkpoints/step-*; do
  step=$(basename "$checkpoint" .safetensors)
  result=$first/evaluations/$step.json
  "$python" - "$result" "${step#step-}" <<'PYTHON' || fail "$(cat "$result")"
import json, sys
result = json.load(open(sys.argv[1], encoding="utf-8"))
assert result["step"] == int(sys.argv[2]) and result["split"] == "valid" and 0 < result["loss_nats"] < 10
PYTHON
done
equal "files that remain in the submission folder" "" "$(find "$scratch" -maxdepth 1 -name '.charrnn-job*')"
