#!/usr/bin/env bash
# From a bare Debian 12 to text that your own model wrote: installs, builds, preprocesses, trains for a few minutes,
# evaluates and samples. Interrupted and started again, it continues.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

config=configs/quickstart.yaml
seconds=180
default_seconds=$seconds
ranks=2
sample_length=600

usage="usage: launch/quickstart.sh [CORPUS.txt] [--seconds N] [--gpu] [--fresh]
  CORPUS.txt   text to train on, in UTF-8 (default data/tiny_shakespeare/input.txt)
  --seconds N  training time in seconds (default $seconds)
  --gpu        train on the GPUs of this machine; downloads CUDA's libraries, 5.5 GB in total
  --fresh      start again; an earlier run of the same name is renamed, not deleted
The folder of the run is runs/quickstart, or runs/NAME for a file NAME.txt; --seconds N adds -Ns."

say() { printf '\n%s\n' "== $*"; }
fail() { printf '%s\n' "quickstart: $*" >&2; exit 2; }
run() { printf '+ %s\n' "$*"; "$@"; }
yaml_string() { local text=${1//\\/\\\\}; text=${text//\"/\\\"}; printf '"%s"' "${text//$'\n'/\\n}"; }

corpus='' gpu='' fresh=''
while [ $# -gt 0 ]; do
  case $1 in
    --seconds) seconds=${2:-}; shift ;;
    --seconds=*) seconds=${1#*=} ;;
    --gpu) gpu=1 ;;
    --fresh) fresh=1 ;;
    -h | --help) echo "$usage"; exit 0 ;;
    -*) fail "unknown argument '$1'"$'\n'"$usage" ;;
    *) [ -z "$corpus" ] || fail "expected one text, found '$corpus' and '$1'"$'\n'"$usage"; corpus=$1 ;;
  esac
  shift || break
done
[[ $seconds =~ ^[1-9][0-9]*$ ]] || fail "--seconds needs a number above 0, found '$seconds'"

# Names of the corpus and the run, and settings that differ from the config file.
overrides=()
again=launch/quickstart.sh
prefix=$'\n\nROMEO:\n'  # how a speech begins in the text
if [ -n "$corpus" ]; then
  [ -f "$corpus" ] || fail "no file '$corpus' (working folder $PWD)"
  [ -r "$corpus" ] && [ -s "$corpus" ] || fail "'$corpus' is empty or cannot be read"
  corpus=$(realpath "$corpus")
  name=$(basename "$corpus")
  name=${name%.txt}
  name=${name//[[:space:]]/_}
  case $name in quickstart | tiny_shakespeare) name=$name-own ;; esac  # names of the default run and corpus
  corpus_name=$name
  again+=" $(printf %q "$corpus")"
  # The prefix is the beginning of the first line: its characters are certainly in the vocabulary.
  prefix=$(LC_ALL=C.UTF-8 grep -a -m 1 '[[:alnum:]]' "$corpus" | tr -d '\r' || true)
  prefix=${prefix#$'\xef\xbb\xbf'}
  prefix=$(LC_ALL=C.UTF-8 bash -c 'echo "${1:0:12}"' _ "$prefix")
  # Begin a new line: text rarely begins in the middle of one.
  if [ "$(wc -l <"$corpus")" -gt 1 ]; then prefix=$'\n'$prefix; fi
  overrides+=(--set "corpus.sources=[$(yaml_string "$corpus")]" --set "corpus.output=$(yaml_string "corpora/$name")"
    --set "sample.prefixes=[$(yaml_string "$prefix")]")
else
  name=quickstart corpus_name=tiny_shakespeare
  corpus=$root/data/tiny_shakespeare/input.txt
fi
if [ "$seconds" != "$default_seconds" ]; then
  name=$name-${seconds}s
  again+=" --seconds $seconds"
fi
run_folder=runs/$name
overrides+=(--set "run.output=$(yaml_string "$run_folder")")

cd "$root"
say "Installing what is missing"
bash launch/install.sh ${gpu:+--gpu}

say "Building the tools"
bash launch/build.sh --tools
# shellcheck source=launch/env.sh
. launch/env.sh

processors=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
gpus=$(nvidia-smi -L 2>/dev/null | grep -c '^GPU') || true
if [ -n "$gpu" ] && [ "$gpus" -gt 0 ]; then
  ranks=1  # at most one per GPU, and a power of two, so that each gets the same number of lanes
  while [ $((ranks * 2)) -le "$gpus" ]; do ranks=$((ranks * 2)); done
else
  if [ -n "$gpu" ]; then echo "quickstart: found no GPU (nvidia-smi -L lists none): training on the CPU"; fi
  if [ "$gpus" -gt 0 ]; then echo "quickstart: this machine has a GPU; to train on it, add --gpu"; fi
  overrides+=(--set run.device=cpu)
  if [ "$processors" -lt "$ranks" ]; then ranks=$processors; fi
fi

say "Preprocessing $corpus"
source_file=corpora/$corpus_name.source  # what corpora/NAME was made from
source=$(sha256sum <"$corpus"; sha256sum <"$config")
if [ -e "corpora/$corpus_name/manifest.json" ] && [ "$(cat "$source_file" 2>/dev/null)" = "$source" ]; then
  echo "corpora/$corpus_name already exists"
else
  run charrnn_preprocess "$config" "${overrides[@]}"
  echo "$source" >"$source_file"
fi

if [ -n "$fresh" ] && [ -e "$run_folder" ]; then
  run mv "$run_folder" "$run_folder.$(date +%Y%m%d-%H%M%S)"
fi
if [ -e "$run_folder" ]; then
  say "Continuing $run_folder (to start again: --fresh)"
else
  say "Training for about $seconds seconds with $ranks rank(s) in $run_folder; Ctrl-C saves and stops"
fi
status=0
run launch/run -np "$ranks" charrnn_train "$config" --fit-seconds "$seconds" "${overrides[@]}" || status=$?
case $status in
  0) ;;
  75) say "Stopped and saved. To continue: $again"; exit 75 ;;
  2) echo "quickstart: if $run_folder was made from another text or config, start again: $again --fresh" >&2; exit 2 ;;
  *) echo "quickstart: training ended with code $status (the reason is above)" >&2; exit "$status" ;;
esac

say "How well it predicts text that it has not seen"
run charrnn_eval "$run_folder"

say "What it writes"
run charrnn_sample "$run_folder" --prefix "$prefix" --length "$sample_length"

cat <<NEXT

== What to try next
  . launch/env.sh                       the tools on your PATH
  charrnn_sample $(printf %q "$run_folder") --prefix $(printf %q "$prefix") --temperature 0.5
                                        more predictable text; above 1, more varied
  launch/quickstart.sh YOUR.txt         train on your own text (UTF-8), the longer the better
  $again --fresh
                                        start again; the present run is renamed, not deleted
  launch/quickstart.sh --seconds 900    a longer run, in runs/quickstart-900s
To continue training that was interrupted, give the same command again.
README.md explains the numbers, and how to train larger models on more ranks.
NEXT
