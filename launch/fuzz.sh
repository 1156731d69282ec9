#!/usr/bin/env bash
# Fuzzes decoding and cleaning: builds tests/fuzz with clang's libFuzzer and the address and undefined-behaviour
# sanitizers, and starts it with the inputs in tests/fuzz/corpus. Inputs that fail are written to build/fuzz/found.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

seconds=60
longest_input=4096 # bytes
timeout_seconds=20 # for one input; more than that is a bug
memory_mb=3000
folder=$root/build/fuzz

usage="usage: launch/fuzz.sh [SECONDS]
  SECONDS  time to fuzz (default $seconds); the inputs in tests/fuzz/corpus are run in any case
Installs clang if it is missing. build/fuzz/clean_fuzz FILE runs an input that failed again; with -minimize_crash=1
-runs=10000 it looks for a smaller one. Add such an input to tests/fuzz/corpus, which every test run replays.
Exit codes: 0 nothing found, 1 an input failed, 2 a mistake in the command line."

run() { printf '+ %s\n' "$*"; "$@"; }

for argument in "$@"; do
  case $argument in
    -h | --help) echo "$usage"; exit 0 ;;
    *)
      [[ $argument =~ ^[1-9][0-9]*$ ]] || { echo "fuzz: unknown argument '$argument'"$'\n'"$usage" >&2; exit 2; }
      seconds=$argument ;;
  esac
done

cd "$root"
bash launch/install.sh --clang

# Compile only what the target needs: the rest is not built with clang here.
sources=(tests/fuzz/clean_fuzz.cpp src/charrnn/core/hash.cpp)
for source in src/charrnn/text/*.cpp src/charrnn/text/*/*.cpp; do
  case $source in */sources.cpp | */vocabulary.cpp) ;; *) sources+=("$source") ;; esac
done
libraries=(-licui18n -licuuc -licudata -ltbb -lz -lzstd -lsimdjson -lxxhash)
flags=(-std=c++20 -O1 -g -fno-omit-frame-pointer -D_GLIBCXX_ASSERTIONS -Isrc -Itests
  "-fsanitize=address,undefined,fuzzer" -fno-sanitize-recover=undefined)
compiler=(clang++)
if command -v ccache >/dev/null; then compiler=(ccache clang++); fi
mkdir -p "$folder/found" "$folder/corpus"
objects=()
for source in "${sources[@]}"; do objects+=("$folder/$(basename "$source").o"); done
export folder
printf '+ %s %s -c FILES\n' "${compiler[*]}" "${flags[*]}"
printf '%s\0' "${sources[@]}" | xargs -0 -P "$(nproc)" -I {} \
  bash -c 'source=$1; shift; "$@" -c "$source" -o "$folder/$(basename "$source").o"' _ {} "${compiler[@]}" "${flags[@]}"
printf '+ clang++ OBJECTS -o %s %s\n' "$folder/clean_fuzz" "${libraries[*]}"
clang++ "${flags[@]}" "${objects[@]}" -o "$folder/clean_fuzz" "${libraries[@]}"

status=0
run "$folder/clean_fuzz" -max_total_time="$seconds" -max_len=$longest_input -timeout=$timeout_seconds \
  -rss_limit_mb=$memory_mb -artifact_prefix="$folder/found/" -print_final_stats=1 \
  "$folder/corpus" tests/fuzz/corpus || status=$?
if [ $status != 0 ]; then
  echo "fuzz: an input failed (see above): $(find "$folder/found" -type f -newer "$folder/clean_fuzz" | head -n 1)" >&2
  exit 1
fi
