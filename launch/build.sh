#!/usr/bin/env bash
# Installs what is missing, configures and builds in build/PRESET.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

preset=release
tools_only=''
memory_per_job_mib=2048  # a file that includes all of LibTorch takes over 1 GB to compile

usage="usage: launch/build.sh [--tools] [PRESET]
  PRESET     $preset (default), debug, asan, tsan: see CMakePresets.json
  --tools    only what users run, without the tests"

run() { printf '+ %s\n' "$*"; "$@"; }

for argument in "$@"; do
  case $argument in
    --tools) tools_only=1 ;;
    -h | --help) echo "$usage"; exit 0 ;;
    -*) echo "build: unknown argument '$argument'"$'\n'"$usage" >&2; exit 2 ;;
    *) preset=$argument ;;
  esac
done

cd "$root"
bash launch/install.sh
# shellcheck source=launch/env.sh
. launch/env.sh

# As many jobs as cores and memory allow; in a container its own limit counts.
memory_mib=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
if [ "$limit" != max ] && [ $((limit / 1048576)) -lt "$memory_mib" ]; then memory_mib=$((limit / 1048576)); fi
jobs=$((memory_mib / memory_per_job_mib))
cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
if [ "$jobs" -gt "$cores" ]; then jobs=$cores; fi
if [ "$jobs" -lt 1 ]; then jobs=1; fi

# CMake remembers where it found LibTorch: another one needs a fresh start. Otherwise ninja configures by itself.
folder=build/$preset
testing=$([ -n "$tools_only" ] && echo OFF || echo ON)
configured_with=$(cat "$folder/libtorch_root" 2>/dev/null || true)
if [ ! -e "$folder/build.ninja" ] || [ "$configured_with" != "$LIBTORCH_ROOT" ]; then
  rm -f "$folder/libtorch_root"
  run cmake --preset "$preset" --fresh -DBUILD_TESTING="$testing"
  echo "$LIBTORCH_ROOT" >"$folder/libtorch_root"
elif [ "$testing" = ON ] && ! grep -q '^BUILD_TESTING:[A-Z]*=ON$' "$folder/CMakeCache.txt"; then
  run cmake --preset "$preset" -DBUILD_TESTING=ON
fi

target=$([ -n "$tools_only" ] && echo tools || echo all)
run cmake --build --preset "$preset" --target "$target" -j "$jobs"
