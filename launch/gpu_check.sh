#!/usr/bin/env bash
# Checks charrnn on a GPU and writes a report: numbers, exact restart, memory, NCCL, speed compared with PyTorch. In the
# repository it first installs and builds what is missing; in a bundle (launch/bundle.sh --tests) it uses the bundle's files.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

deadline=525  # seconds for all parts
least=10      # seconds; a part is skipped if less time is left
most_log_bytes=2500000
# Part, time limit in seconds, log, title; the most important first.
parts="
versions      60  correct   Versions and libraries
curve         70  correct   Sixty steps of configs/quickstart.yaml, compared with the CPU
kernels       70  correct   Kernels, compared with the CPU
restart      130  training  Restart, bit for bit
memory        60  training  Memory, compared with --dry-run
devices       50  training  CPU to GPU and back
evaluation    45  training  Evaluation, compared with the CPU
usr1          40  training  USR1
nccl1         40  ranks     NCCL with one rank
nccl2        140  ranks     NCCL with two ranks
speed        230  speed     Speed, compared with PyTorch
cudnn         60  kernels   cuDNN's algorithms
step_kernels  80  kernels   The kernels of one step
"

device=cuda
report=''
logs=''
build=''
only=''

usage="usage: launch/gpu_check.sh [--report FILE] [--logs FOLDER] [--device cpu] [--only PART] [--no-build FOLDER]
  --report FILE      report to write (default docs/gpu-report.md; in a bundle and for a rehearsal report.md next to the
                     logs). A report in docs is refused while files differ from the commit that it states
  --logs FOLDER      folder for the logs, at most seven files (default build/gpu_check; in a bundle gpu_check in the
                     working folder)
  --device cpu       rehearse the check without a GPU: the same parts with small models, NCCL replaced by a stand-in
  --only PART        run only this part: $(awk 'NF { printf "%s%s", comma, $1; comma = ", " }' <<<"$parts")
  --no-build FOLDER  in the repository: use this build folder as it is, without installing or building anything
It takes nine minutes at most. Exit codes: 0 all parts passed or were skipped for lack of something they need, 1 a part
failed or no time was left for it, 2 no GPU here, or a mistake in the command line."

fail() { printf '%s\n' "gpu_check: $*" >&2; exit 2; }
run() { printf '+ %s\n' "$*"; "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --report) report=${2:-}; [ -n "$report" ] || fail "--report needs a file"; shift ;;
    --logs) logs=${2:-}; [ -n "$logs" ] || fail "--logs needs a folder"; shift ;;
    --device) device=${2:-}; [[ $device =~ ^(cuda|cpu)$ ]] || fail "--device: expected cuda or cpu, found '$device'"; shift ;;
    --only)
      only=${2:-}
      grep -q "^$only " <<<"$parts" || fail "--only: expected one of the parts, found '$only'"$'\n'"$usage"
      shift ;;
    --no-build) build=${2:-}; [ -d "$build" ] || fail "--no-build: expected a build folder, found '$build'"; shift ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'"$'\n'"$usage" ;;
  esac
  shift
done

if [ "$device" = cuda ]; then
  gpus=$(nvidia-smi -L 2>/dev/null | grep '^GPU' | sed 's/ (UUID.*//') || true
  [ -n "$gpus" ] || fail "no GPU here (nvidia-smi -L lists none); --device cpu rehearses the check without one"
fi

# A page of docs reports a commit, and this takes minutes: refused at once.
if [ ! -e "$root/manifest" ]; then
  default_report=$root/docs/gpu-report.md
  if [ "$device" = cpu ]; then default_report=${logs:-$root/build/gpu_check}/report.md; fi
  changed=$(git -C "$root" status --porcelain --untracked-files=no -- . ':!docs' 2>/dev/null |
    cut -c4- | paste -sd ' ') || true
  case $(realpath -m "${report:-$default_report}") in
    "$root"/docs/*)
      [ -z "$changed" ] || fail "expected a checkout without changes, found changes of $changed: commit or stash them, or set --report" ;;
  esac
fi

if [ -e "$root/manifest" ]; then
  [ -d "$root/tests/gpu" ] || fail "this bundle has no tests: make one with launch/bundle.sh --tests"
  # shellcheck source=launch/env.sh
  . "$root/launch/env.sh" || exit 2
  python=$CHARRNN_PYTHON
  CHARRNN_BIN=$root/bin
  commit=$(sed -n 's/^commit=//p' "$root/manifest")
  logs=${logs:-gpu_check}
  report=${report:-$logs/report.md}
else
  if [ -z "$build" ]; then
    run bash "$root/launch/install.sh" --gpu --tests
    run bash "$root/launch/build.sh" --gpu-tests
    build=$root/build/release
  fi
  # shellcheck source=launch/env.sh
  . "$root/launch/env.sh"
  python=$(command -v python3)
  CHARRNN_BIN=$(cd "$build/bin" && pwd)
  commit=$(git -C "$root" describe --always --dirty 2>/dev/null || echo unknown)
  logs=${logs:-$root/build/gpu_check}
  report=${report:-$default_report}
fi
export CHARRNN_BIN PYTHONDONTWRITEBYTECODE=1
unset "${!CHARRNN_STAND_IN_@}"
mkdir -p "$logs" "$(dirname "$report")"
rm -f "$logs"/{correct,training,ranks,speed,kernels}.log "$logs/speed.jsonl"
work=$(mktemp -d "${TMPDIR:-/tmp}/charrnn-gpu-check.XXXXXX")
trap 'rm -rf "$work"' EXIT

say() { printf '%s\n' "$*" | tee -a "$report"; }
: >"$report"
say "# GPU report"
say ""
say "- commit $commit, $(date -u +%Y-%m-%d)"
if [ "$device" = cuda ]; then
  say "- GPUs: $(cut -d: -f2- <<<"$gpus" | sort | uniq -c | awk '{ $1 = $1 " x"; print }' | paste -sd ', ' -)"
else
  say "- a rehearsal on the CPU: it shows that the check works, but nothing about a GPU"
fi

SECONDS=0
summary=()
status=0
while read -r part limit log title <&3; do
  if [ -z "$part" ] || { [ -n "$only" ] && [ "$part" != "$only" ]; }; then continue; fi
  left=$((deadline - SECONDS))
  say ""
  say "## $title"
  say ""
  begin=$SECONDS
  if [ "$left" -lt "$least" ]; then
    say "Skipped: $left of $deadline s are left."
    summary+=("| $title | skipped, no time left | |")
    status=1
    continue
  fi
  if [ "$left" -lt "$limit" ]; then limit=$left; fi
  code=0
  printf '== %s\n' "$title" >>"$logs/$log.log"
  # The part stops by itself before the limit; timeout ends one that hangs.
  timeout -k 3 "$limit" "$python" "$root/tests/gpu/gpu_parts.py" "$part" --work "$work/files" --device "$device" \
    --seconds "$((limit - 4))" 2>>"$logs/$log.log" </dev/null | tee -a "$report" || code=$?
  case $code in
    0) result=ok ;;
    77) result=skipped ;;
    124 | 137) result="**FAILED**: did not end within $limit s"; status=1 ;;
    *) result="**FAILED**"; status=1 ;;
  esac
  say ""
  say "$result, $((SECONDS - begin)) s"
  summary+=("| $title | $result | $((SECONDS - begin)) |")
done 3<<<"$parts"

if [ -e "$work/files/speed.jsonl" ]; then cp "$work/files/speed.jsonl" "$logs/"; fi
for log in "$logs"/*.log; do
  if [ "$(stat -c %s "$log")" -gt "$most_log_bytes" ]; then
    head -c $((most_log_bytes / 2)) "$log" >"$log.part"
    printf '\n... left out ...\n' >>"$log.part"
    tail -c $((most_log_bytes / 2)) "$log" >>"$log.part"
    mv "$log.part" "$log"
  fi
done
say ""
say "## Summary"
say ""
say "| part | result | seconds |"
say "| --- | --- | --- |"
for line in "${summary[@]}"; do say "$line"; done
say ""
say "$SECONDS s in total, exit code $status."
echo "gpu_check: report in $report, output of the commands in $logs"
exit "$status"
