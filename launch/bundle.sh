#!/usr/bin/env bash
# Makes one archive to unpack and use on Linux machines (x86-64) that have PyTorch. It holds the tools, the modules for
# GPUs, OpenMPI, other libraries, launch/run, configs and small texts, and needs neither root nor a network there.
# LibTorch, CUDA, NCCL and the C and C++ libraries are those of the machine.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)

torch=''
tests=''
folder=''
output=''

usage="usage: launch/bundle.sh [--torch VERSION] [--tests] [--output FILE] [--no-build FOLDER]
  --torch VERSION    PyTorch of the machines where the bundle will run (default: the version in launch/pins.sh). Theirs
                     must have the same first two numbers, CUDA runtime and NCCL
  --tests            include what launch/gpu_check.sh runs
  --output FILE      archive to write (default: charrnn-bundle.tar.gz in build/release, or in build/torch-VERSION)
  --no-build FOLDER  use this build folder as it is, without installing or building anything
On the other machine: tar -xzf charrnn-bundle.tar.gz; . ./charrnn-bundle/env.sh; charrnn_train ... (docs/cluster.md)."

fail() { printf '%s\n' "bundle: $*" >&2; exit 2; }
run() { printf '+ %s\n' "$*"; "$@"; }

while [ $# -gt 0 ]; do
  case $1 in
    --torch) torch=${2:-}; [ -n "$torch" ] || fail "--torch needs a version"; shift ;;
    --tests) tests=1 ;;
    --output) output=${2:-}; [ -n "$output" ] || fail "--output needs a file"; shift ;;
    --no-build) folder=${2:-}; [ -n "$folder" ] || fail "--no-build needs a build folder"; shift ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) fail "unknown argument '$1'"$'\n'"$usage" ;;
  esac
  shift
done
# shellcheck source=launch/pins.sh
if [ "torch==$torch" = "$(. "$root/launch/pins.sh" && echo "${core_wheels[0]}")" ]; then torch=''; fi
if [ -n "$output" ]; then output=$(realpath -m "$output"); fi
if [ -n "$folder" ]; then
  build=$(realpath "$folder")
else
  build=$root/build/${torch:+torch-}${torch:-release}
  bash "$root/launch/build.sh" "$([ -n "$tests" ] && echo --gpu-tests || echo --tools)" ${torch:+--torch "$torch"}
fi
output=${output:-$build/charrnn-bundle.tar.gz}
[ -x "$build/bin/charrnn_train" ] || fail "no tools in $build/bin: build them first, or leave out --no-build"
libtorch=$(cat "$build/libtorch_root")
cd "$root"

work=$(mktemp -d "${TMPDIR:-/tmp}/charrnn-bundle.XXXXXX")
trap 'rm -rf "$work"' EXIT
bundle=$work/charrnn-bundle
prefix=$(ompi_info --path prefix --parsable | cut -d: -f3)
plugins=$(ompi_info --path pkglibdir --parsable | cut -d: -f3)
[ "${plugins#"$prefix/"}" != "$plugins" ] || fail "OpenMPI's plugins in $plugins are outside its prefix $prefix"
bundle_plugins=${plugins#"$prefix/"}
mkdir -p "$bundle"/{bin,launch,lib/pmix,etc,share} "$bundle/$bundle_plugins"

# ---- programs and libraries

cp "$build"/bin/charrnn_{preprocess,train,eval,sample,inspect,bench} "$bundle/bin/"
cp "$(readlink -f "$(command -v orterun)")" "$(readlink -f "$(command -v orted)")" "$bundle/bin/"
ln -s orterun "$bundle/bin/mpirun"
for module in "$build"/lib/libcharrnn_*.so; do
  if [ -e "$module" ]; then cp "$module" "$bundle/lib/"; fi
done
if [ -n "$tests" ]; then
  cp "$build"/bin/{gpu_kernels_test,gpu_training_test,comm_ranks_test,comm_failures} "$bundle/bin/"
  if [ -e "$build/lib/libkernel_counter.so" ]; then cp "$build/lib/libkernel_counter.so" "$bundle/lib/"; fi
  stand_in=$build/tests/cuda_stand_in
  if [ -e "$build/lib/libcuda_stand_in.so" ]; then
    mkdir -p "$bundle/lib/stand_in"
    cp "$build/lib/libcuda_stand_in.so" "$stand_in"/driver/*.so* "$bundle/lib/stand_in/"
    sed -e 's|^folder=.*|folder=$(cd "$(dirname "$0")/../lib/stand_in" \&\& pwd)|' \
      -e 's|^\(exec .*LD_PRELOAD=\)[^ ]*|\1$folder/libcuda_stand_in.so|' \
      "$stand_in/with_stand_in" >"$bundle/bin/with_stand_in"
    chmod 755 "$bundle/bin/with_stand_in"
  fi
fi

# Ranks of a bundle communicate by TCP and shared memory. Plugins for InfiniBand and similar networks are left out: they
# need the machine's own libraries (NCCL finds those by itself). Plugins for OpenSHMEM are not needed.
for plugin in "$plugins"/mca_*.so; do
  case ${plugin##*/mca_} in atomic_* | memheap_* | scoll_* | spml_* | sshmem_*) continue ;; esac
  needed=$(ldd "$plugin")
  if grep -qE 'lib(ibverbs|rdmacm|ucp|uct|fabric|psm_infinipath|psm2|psm3|oshmem)[.]|not found' <<<"$needed"; then continue; fi
  cp "$plugin" "$bundle/$bundle_plugins/"
done
cp -r /etc/openmpi "$bundle/etc/"
cp -r "$prefix/share/openmpi" "$bundle/share/"
pmix=$(ldd "$plugins"/mca_pmix_ext*.so | awk '$1 ~ /^libpmix[.]so/ { print $3; exit }')
if [ -n "$pmix" ]; then cp "$(dirname "$(readlink -f "$pmix")")"/pmix/*.so "$bundle/lib/pmix/"; fi

# The libraries that these programs link, directly or not, except PyTorch's and those of C and C++, which PyTorch needs too.
site=$(dirname "$libtorch")
of_the_machine='/(ld-linux|lib(c|m|dl|pthread|rt|resolv|util|anl|nsl|stdc\+\+|gcc_s)[.]so|'
of_the_machine+='lib(gomp|torch|c10|nccl|nv|cu(da|pti|blas|dnn|fft|rand|solver|sparse))[^/]*[.]so)'
elf_files() { find "$bundle" -type f \( -path '*/bin/*' -o -name '*.so*' \) -not -name with_stand_in | sort; }
mapfile -t programs < <(elf_files | grep -v /stand_in/)
{ ldd "${programs[@]}" || true; } | awk '$2 == "=>" && $3 ~ /^\// { print $3 }' | sort -u | grep -vE "$of_the_machine" | grep -vF "$site/" |
  while read -r library; do
    [ -e "$bundle/lib/${library##*/}" ] || cp -L "$library" "$bundle/lib/"
  done

# The RPATH is relative to the program or library and is searched before LD_LIBRARY_PATH.
mapfile -t programs < <(elf_files)
strip --strip-unneeded "${programs[@]}"
for program in "${programs[@]}"; do
  to_lib=$(realpath -m --relative-to="$(dirname "$program")" "$bundle/lib")
  case $program in
    */lib/stand_in/*) patchelf --remove-rpath "$program" ;;
    *) patchelf --force-rpath --set-rpath "\$ORIGIN/$to_lib" "$program" ;;
  esac
done

# ---- scripts, configs, texts

cp launch/bundle_env.sh "$bundle/env.sh"
cp launch/run "$bundle/launch/"
chmod 755 "$bundle/env.sh" "$bundle/launch/run"
cat >"$bundle/launch/env.sh" <<'ENV'
# shellcheck shell=bash
# . launch/env.sh, as in the repository.
. "$(dirname "${BASH_SOURCE[0]}")/../env.sh"
ENV
cp -r configs data docs slurm README.md "$bundle/"
rm -rf "$bundle/data/gutenberg"
if [ -n "$tests" ]; then
  cp launch/gpu_check.sh "$bundle/launch/"
  chmod 755 "$bundle/launch/gpu_check.sh"
  mkdir -p "$bundle/tests/gpu" "$bundle/bench/reference"
  cp tests/gpu/*.py "$bundle/tests/gpu/"
  cp bench/reference/model_speed.py "$bundle/bench/reference/"
fi

# ---- manifest

# defined NAME FILE: prints the number that a #define sets.
defined() { sed -nE "s/^#define +$1 +([0-9]+).*/\\1/p" "$2" 2>/dev/null | head -n 1; }
header=$libtorch/include/torch/headeronly/version.h
torch_version=$(sed -n "s/^__version__ = '\(.*\)'/\1/p" "$libtorch/version.py" 2>/dev/null || true)
torch_version=${torch_version:-$(defined TORCH_VERSION_MAJOR "$header").$(defined TORCH_VERSION_MINOR "$header").$(
  defined TORCH_VERSION_PATCH "$header")}
glibc=$(objdump -T "${programs[@]}" 2>/dev/null | grep -o 'GLIBC_[0-9.]*' | sort -uV | tail -n 1)
commit=$("$build/bin/charrnn_train" --version | sed 's/.*(\(.*\)).*/\1/')
seconds=$(git log -1 --format=%ct 2>/dev/null || date +%s)
has_modules=$(compgen -G "$bundle/lib/libcharrnn_nccl.so" || true)
cat >"$bundle/manifest" <<MANIFEST
commit=$commit
date=$(date -u -d "@$seconds" +%Y-%m-%d)
torch=$torch_version
cuda_runtime=${has_modules:+$(defined CUDART_VERSION "$site/nvidia/cu13/include/cuda_runtime_api.h")}
nccl=${has_modules:+$(defined NCCL_VERSION_CODE "$site/nvidia/nccl/include/nccl.h")}
glibc=${glibc#GLIBC_}
openmpi=$bundle_plugins
tests=${tests:-0}
MANIFEST

mkdir -p "$(dirname "$output")"
find "$bundle" -name __pycache__ -prune -exec rm -rf {} +
tar -C "$work" --sort=name --mtime="@$seconds" --owner=0 --group=0 --numeric-owner --mode=go=rX,u+rw -cf - charrnn-bundle |
  gzip -n >"$output.part"
mv "$output.part" "$output"
cat "$bundle/manifest"
echo "bundle: $output, $(($(stat -c %s "$output") / 1000000)) MB, $(du -sm "$bundle" | cut -f1) MB unpacked"
