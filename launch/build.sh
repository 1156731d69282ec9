#!/usr/bin/env bash
# Installs what is missing, then configures and builds in build/PRESET; with --torch in build/torch-VERSION.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

preset=release
target=all
torch=''
memory_per_job_mib=2048  # a file that includes all of LibTorch takes over 1 GB to compile

usage="usage: launch/build.sh [--tools | --gpu-tests] [--torch VERSION] [PRESET]
  PRESET           $preset (default), debug, clang, asan, tsan: see CMakePresets.json
  --tools          build only the tools, without the tests
  --gpu-tests      build the tools and only the tests that launch/gpu_check.sh runs
  --torch VERSION  build against this version of torch instead of the default, in build/torch-VERSION;
                   launch/pins.sh lists the versions"

run() { printf '+ %s\n' "$*"; "$@"; }

wrong() { echo "build: $*"$'\n'"$usage" >&2; exit 2; }
while [ $# -gt 0 ]; do
  case $1 in
    --tools) target=tools ;;
    --gpu-tests) target=gpu_tests ;;
    --torch) torch=${2:-}; [ -n "$torch" ] || wrong "--torch needs a version"; shift ;;
    -h | --help) echo "$usage"; exit 0 ;;
    -*) wrong "unknown argument '$1'" ;;
    *) preset=$1 ;;
  esac
  shift
done

cd "$root"
case $preset in clang | tsan) compiler=--clang ;; *) compiler='' ;; esac
bash launch/install.sh ${compiler:+"$compiler"} ${torch:+--torch "$torch"}
# shellcheck source=launch/env.sh
. launch/env.sh
folder=build/$preset
if [ -n "$torch" ]; then
  folder=build/torch-$torch
  # shellcheck source=launch/pins.sh
  . launch/pins.sh
  export LIBTORCH_ROOT=$charrnn_cache/torch-$torch/torch
fi

if [ "$preset" = tsan ]; then
  export TBB_ROOT
  TBB_ROOT=${TBB_ROOT:-$(bash launch/tsan_tbb.sh)}
fi

# As many jobs as cores and memory allow; in a container, its memory limit counts too.
memory_mib=$(awk '/^MemAvailable/ { print int($2 / 1024) }' /proc/meminfo)
limit=$(cat /sys/fs/cgroup/memory.max 2>/dev/null || echo max)
if [ "$limit" != max ] && [ $((limit / 1048576)) -lt "$memory_mib" ]; then memory_mib=$((limit / 1048576)); fi
jobs=$((memory_mib / memory_per_job_mib))
cores=$(env -u OMP_NUM_THREADS -u OMP_THREAD_LIMIT nproc)
if [ "$jobs" -gt "$cores" ]; then jobs=$cores; fi
if [ "$jobs" -lt 1 ]; then jobs=1; fi

# CMake caches the path of LibTorch, so another LibTorch needs --fresh. Otherwise ninja reruns CMake itself.
testing=$([ "$target" = tools ] && echo OFF || echo ON)
configured_with=$(cat "$folder/libtorch_root" 2>/dev/null || true)
if [ ! -e "$folder/build.ninja" ] || [ "$configured_with" != "$LIBTORCH_ROOT" ]; then
  rm -f "$folder/libtorch_root"
  run cmake --preset "$preset" -B "$folder" --fresh -DBUILD_TESTING="$testing"
  echo "$LIBTORCH_ROOT" >"$folder/libtorch_root"
elif [ "$testing" = ON ] && ! grep -q '^BUILD_TESTING:[A-Z]*=ON$' "$folder/CMakeCache.txt"; then
  run cmake --preset "$preset" -B "$folder" -DBUILD_TESTING=ON
fi

run cmake --build "$folder" --target "$target" -j "$jobs"
