#!/usr/bin/env bash
# Installs what charrnn needs to be built and run: Debian packages, and a virtual environment with the pinned wheels in
# the user's cache folder. What is installed already is left alone. launch/pins.sh lists packages and versions.
set -euo pipefail
exec </dev/null  # a loop that reads a list keeps its lines
launch=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)

usage="usage: launch/install.sh [--gpu] [--tests] [--clang] [--torch VERSION]
  (no option)      what is needed to build, and to run on CPUs: 1.6 GB of wheels
  --gpu            also CUDA's libraries, to run on GPUs: 5.5 GB in total
  --tests          also what the tests need, including CUDA's libraries
  --clang          also clang, for the presets clang and tsan and for launch/fuzz.sh
  --torch VERSION  also another version of torch to build against, one of those in launch/pins.sh: 1.6 GB"

say() { printf '%s\n' "install: $*"; }
fail() { printf '%s\n' "install: $*" >&2; exit 1; }
run() { printf '+ %s\n' "$*"; "$@"; }

with_full='' with_tests='' with_clang='' torch=''
while [ $# -gt 0 ]; do
  case $1 in
    --gpu) with_full=1 ;;
    --tests) with_full=1 with_tests=1 ;;
    --clang) with_clang=1 ;;
    --torch) torch=${2:-}; [ -n "$torch" ] || { echo "install: --torch needs a version"$'\n'"$usage" >&2; exit 2; }; shift ;;
    -h | --help) echo "$usage"; exit 0 ;;
    *) echo "install: unknown argument '$1'"$'\n'"$usage" >&2; exit 2 ;;
  esac
  shift
done

export LC_ALL=C.UTF-8 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
unset PYTHONPATH PYTHONHOME  # the user's would leak into the virtual environment
[ -n "${HOME:-}" ] || fail "HOME is not set, and the wheels go to the user's cache folder: export HOME=/your/home"

# ---- Debian packages

install_packages() {
  local wanted=("$@") missing=() package sudo=()
  if ! command -v dpkg-query >/dev/null; then
    say "not a Debian system: install the equivalents of these packages yourself: ${wanted[*]}"
    return
  fi
  local installed
  installed=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "${wanted[@]}" 2>/dev/null) || true
  for package in "${wanted[@]}"; do
    grep -qxF "installed $package" <<<"$installed" || missing+=("$package")
  done
  if [ ${#missing[@]} = 0 ]; then
    say "Debian packages: all ${#wanted[@]} are installed"
    return
  fi

  say "Debian packages missing: ${missing[*]}"
  local by_hand="apt-get update && apt-get install --no-install-recommends ${missing[*]}"
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "packages need root, and sudo is not installed. Ask an administrator to run this, then start again:"$'\n'"  $by_hand"
    sudo=(sudo)
  fi
  # env, because sudo drops the caller's variables. noninteractive, because nobody can answer questions in CI.
  local as_root=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8)
  local failed="could not install the packages (the reason is above). By hand, as root:"$'\n'"  $by_hand"
  # An earlier installation may have been cut short between unpacking and configuring.
  run "${as_root[@]}" dpkg --configure -a || fail "$failed"
  local attempt
  for attempt in 1 2 3 4 5; do  # update, unlike install, cannot wait for another apt by itself
    if run "${as_root[@]}" apt-get -qq update; then break; fi
    [ "$attempt" -lt 5 ] || fail "$failed"
    sleep 10
  done
  # The tests start Slurm's and munge's daemons themselves: keep the packages from starting services.
  local policy=/usr/sbin/policy-rc.d
  if [[ " ${missing[*]} " =~ \ (munge|slurmd|slurmctld)\  ]] && [ ! -e "$policy" ]; then
    "${as_root[@]}" sh -c "printf '#!/bin/sh\nexit 101\n' >$policy && chmod 755 $policy" || fail "$failed"
    remove_policy=("${as_root[@]}" rm -f "$policy")
    trap '"${remove_policy[@]}"' EXIT
  fi
  run "${as_root[@]}" apt-get -qq -o DPkg::Lock::Timeout=600 -o Dpkg::Use-Pty=0 install --no-install-recommends -y \
    "${missing[@]}" || fail "$failed"
  if [ -n "${remove_policy[*]-}" ]; then
    "${remove_policy[@]}"
    trap - EXIT
  fi
}

# ---- wheels

# Runs in the background. Ends when this script ends, whatever the reason.
show_progress() {
  local seconds=0
  while sleep 1 >/dev/null 2>&1 && kill -0 $$; do
    seconds=$((seconds + 1))
    if [ $((seconds % 15)) = 0 ]; then du -sm "$charrnn_venv" | awk '{ print "    " $1 " MB so far" }'; fi
  done 2>/dev/null
}

# install_wheels SET GIGABYTES WHEEL...: the marker SET.done is written last, so an interrupted set is installed again.
install_wheels() {
  local set=$1 gigabytes=$2; shift 2
  if [ -e "$charrnn_venv/$set.done" ]; then
    say "wheels ($set): all $# are installed"
    return
  fi
  local free
  free=$(df --output=avail -BG "$charrnn_cache" | tail -n 1 | tr -dc 0-9)
  # Twice, because pip keeps the downloaded files as well as the unpacked ones.
  [ "$free" -ge $((2 * gigabytes)) ] ||
    fail "the wheels need about $((2 * gigabytes)) GB, $charrnn_cache has $free GB free: make room, or set XDG_CACHE_HOME"
  if [ "$set" = core ]; then
    run "$python" -m venv --clear "$charrnn_venv" ||
      fail "could not create the virtual environment (the reason is above): is the package python3-venv installed?"
  fi
  say "wheels ($set): downloading and unpacking $# wheels, about $gigabytes GB unpacked"
  local temporary=$charrnn_venv/tmp progress
  rm -rf "$temporary"
  mkdir "$temporary"  # not /tmp, which may be small
  show_progress 9>&- &
  progress=$!
  # --ignore-installed: a wheel that an interrupted pip left half unpacked is installed again.
  printf '+ pip install --no-deps %s\n' "$*"
  local status=0
  TMPDIR=$temporary "$charrnn_venv/bin/python" -m pip install --quiet --no-deps --ignore-installed "$@" || status=$?
  kill "$progress"
  wait "$progress" 2>/dev/null || true
  rm -rf "$temporary"
  [ $status = 0 ] || fail "pip failed (the reason is above). Start this again to continue; downloaded files are kept." \
    "If you need a proxy or your own certificates, set PIP_PROXY, PIP_CERT or PIP_INDEX_URL."
  touch "$charrnn_venv/$set.done"
}

# install_torch VERSION: unpacks its wheels into a folder of headers and libraries. They are for Python 3.12, which most
# machines with that version have; the Python here need not be able to import them.
install_torch() {
  local version=$1 folder=$charrnn_cache/torch-$1 number platforms=(--platform manylinux2014_x86_64 --platform any)
  local -n torch_wheels=torch_${version//[^0-9A-Za-z]/_}_wheels
  if [ "$(cat "$folder/wheels.done" 2>/dev/null)" = "${torch_wheels[*]}" ]; then
    say "torch $version: all ${#torch_wheels[@]} wheels are installed"
    return
  fi
  for number in {14..40}; do platforms+=(--platform "manylinux_2_${number}_x86_64"); done
  say "torch $version: downloading and unpacking ${#torch_wheels[@]} wheels to $folder, about 2 GB unpacked"
  rm -rf "$folder"
  mkdir -p "$folder/tmp"  # not /tmp, which may be small
  printf '+ pip install --no-deps --target %s %s\n' "$folder" "${torch_wheels[*]}"
  TMPDIR=$folder/tmp "$charrnn_venv/bin/python" -m pip install --quiet --no-deps --only-binary=:all: --python-version 3.12 \
    "${platforms[@]}" --target "$folder" "${torch_wheels[@]}" || fail "pip failed (the reason is above)"
  rm -rf "$folder/tmp"
  echo "${torch_wheels[*]}" >"$folder/wheels.done"
}

# shellcheck source=launch/pins.sh
. "$launch/pins.sh"
if [ -n "$torch" ] && ! declare -p "torch_${torch//[^0-9A-Za-z]/_}_wheels" >/dev/null 2>&1; then
  known=$(compgen -v torch_ | sed -n 's/^torch_\(.*\)_wheels$/\1/p' | tr '_\n' '. ')
  fail "launch/pins.sh has no wheels of torch $torch, only those of ${core_wheels[0]#torch==} (without --torch) and ${known% }:" \
    "add a list for it"
fi
mkdir -p "$charrnn_cache" || fail "cannot write to $charrnn_cache: set XDG_CACHE_HOME to a folder that you can write to"
exec 9>"$charrnn_cache/install.lock"
flock -n 9 || { say "waiting for another launch/install.sh to finish"; flock 9; }

if [ -n "$with_tests" ]; then apt_packages+=("${apt_test_packages[@]}"); fi
if [ -n "$with_clang" ]; then apt_packages+=("${apt_clang_packages[@]}"); fi
install_packages "${apt_packages[@]}"
# Read again now that Python is installed: the virtual environment's name depends on its version.
# shellcheck source=launch/pins.sh
. "$launch/pins.sh"

own_libtorch=${LIBTORCH_ROOT:-}
case $own_libtorch in "$charrnn_cache"/*) own_libtorch='' ;; esac
if [ -n "$own_libtorch" ] && [ -z "$with_full$torch" ]; then
  say "LIBTORCH_ROOT is set to $own_libtorch: no wheels needed"
else
  install_wheels core 2 "${core_wheels[@]}"
  if [ -n "$with_full" ]; then install_wheels full 4 "${full_wheels[@]}"; fi
  if [ -n "$with_tests" ]; then install_wheels tests 1 "${test_wheels[@]}"; fi
fi
if [ -n "$torch" ]; then install_torch "$torch"; fi
