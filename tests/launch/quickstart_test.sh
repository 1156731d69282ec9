#!/usr/bin/env bash
# launch/quickstart.sh with stand-ins for installing, building and the tools: names, paths, exit codes, a second start.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"
command -v mpirun >/dev/null || { echo "mpirun is not installed"; exit 77; }

set -m  # background commands may then be interrupted, as in a terminal
copy="$scratch/a clone"
mkdir -p "$copy/build/release/bin" "$copy/data/tiny_shakespeare" "$scratch/elsewhere/my texts"
cp -r "$root/launch" "$root/configs" "$copy/"
echo "First Citizen:" >"$copy/data/tiny_shakespeare/input.txt"
echo "exit 0" >"$copy/launch/install.sh"
echo "exit 0" >"$copy/launch/build.sh"
export LIBTORCH_ROOT=/opt/libtorch calls=$scratch/calls training=$scratch/training
unset SLURM_JOB_ID XDG_CACHE_HOME
HOME=$scratch
PATH=/usr/bin:/bin

# Each tool logs its arguments; preprocess and train create the files that quickstart.sh looks for; train runs the script
# $training.
tool() { printf '#!/bin/bash\n%s\n' "$2" >"$copy/build/release/bin/$1"; chmod +x "$copy/build/release/bin/$1"; }
note='echo "${0##*/} $*" >>"$calls"; value() { sed -E "s/.*$1=\[?\"?([^]\"]*).*/\1/" <<<"$args"; }; args="$*"'
tool charrnn_preprocess "$note
case \$args in *corpus.output=*) output=\$(value corpus.output) ;; *) output=corpora/tiny_shakespeare ;; esac
mkdir -p \"\$output\"; touch \"\$output/manifest.json\""
tool charrnn_train "[ \$OMPI_COMM_WORLD_RANK = 0 ] || exec sleep 0
$note
mkdir -p \"\$(value run.output)\"
exec bash \"\$training\""
tool charrnn_eval "$note"
tool charrnn_sample "$note"
echo "exit 0" >"$training"

cd "$scratch/elsewhere"
start() {
  : >"$calls"
  status=0
  output=$(bash "$copy/launch/quickstart.sh" "$@" 2>&1 </dev/null) || status=$?
}
called() {  # TOOL ARGUMENTS: it was called with these, perhaps among others
  grep -F -- "$2" "$calls" | grep -q "^$1 " || fail "no '$1 ... $2' among"$'\n'"$(cat "$calls")"$'\n'"$output"
}

# The default run, started twice; the second start preprocesses nothing.
start
equal "default: $output" 0 "$status"
called charrnn_preprocess configs/quickstart.yaml
called charrnn_train 'configs/quickstart.yaml --fit-seconds 180'
called charrnn_train 'run.output="runs/quickstart"'
called charrnn_eval runs/quickstart
called charrnn_sample 'runs/quickstart --prefix'
contains "default, what next" "launch/quickstart.sh --fresh" "$output"
start
equal "second time: $output" 0 "$status"
contains "second time" "corpora/tiny_shakespeare already exists" "$output"
equal "second time, preprocessing" 0 "$(grep -c '^charrnn_preprocess' "$calls" || true)"
contains "second time" "Continuing runs/quickstart" "$output"
start --fresh
contains "--fresh" "+ mv runs/quickstart runs/quickstart.2" "$output"

# The user's own text, from the working folder, with blanks, a byte-order mark and quotes; another time.
printf '\xef\xbb\xbf\n\n"Él" said: the \\\r\nmore' >"my texts/my own.txt"
start "my texts/my own.txt" --seconds 7
equal "own text: $output" 0 "$status"
called charrnn_preprocess "corpus.sources=[\"$scratch/elsewhere/my texts/my own.txt\"]"
called charrnn_preprocess 'corpus.output="corpora/my_own"'
called charrnn_train '--fit-seconds 7'
called charrnn_train 'run.output="runs/my_own-7s"'
called charrnn_train 'sample.prefixes=["\n\"Él\" said: t"]'
called charrnn_eval runs/my_own-7s
called charrnn_sample 'runs/my_own-7s --prefix'
contains "own text, again" "my\\ texts/my\\ own.txt --seconds 7" "$output"
cp "my texts/my own.txt" quickstart.txt
start quickstart.txt
called charrnn_train 'run.output="runs/quickstart-own"'

# Errors, and their exit codes.
for arguments in no_such.txt --seconds "--seconds 0" --no-such-option "quickstart.txt quickstart.txt" /dev/null; do
  # shellcheck disable=SC2086  # several arguments
  start $arguments
  equal "quickstart.sh $arguments: $output" 2 "$status"
done
for code in 2 3 4; do
  echo "exit $code" >"$training"
  start
  equal "training ends with $code: $output" "$code" "$status"
done
# Like charrnn_train, it starts with USR1 blocked and unblocks it when it can save.
cat >"$training" <<'RANK'
exec /usr/bin/python3 -c '
import os, signal, sys, time
signal.signal(signal.SIGUSR1, lambda *_: sys.exit(75))
signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
open(os.environ["CHARRNN_LAUNCH_FILE"], "w").write(os.getcwd() + "\n")
open("training-now", "w").close()
while True: time.sleep(0.1)'
RANK
: >"$calls"
bash "$copy/launch/quickstart.sh" >output 2>&1 &
quickstart=$!
until [ -e "$copy/training-now" ]; do sleep 0.1; done
kill -INT -- "-$quickstart"  # as Ctrl-C does: to the whole group
status=0
wait "$quickstart" || status=$?
equal "Ctrl-C: $(cat output)" 75 "$status"
contains "Ctrl-C" "To continue: launch/quickstart.sh" "$(cat output)"
