#!/usr/bin/env bash
# launch/install.sh with stand-ins for dpkg-query, apt-get, sudo and id: what it calls when, and what it prints.
. "$(dirname "${BASH_SOURCE[0]}")/common.sh"

cd "$scratch"
export XDG_CACHE_HOME=$scratch/cache calls=$scratch/calls
unset LIBTORCH_ROOT
stand_in() { mkdir -p bin; printf '#!/bin/bash\n%s\n' "$2" >"bin/$1"; chmod +x "bin/$1"; }
everything_installed='for p in "$@"; do echo "installed $p"; done'
for name in apt-get dpkg sudo; do stand_in "$name" 'echo "${0##*/} $*" >>"$calls"'; done
install() {
  : >"$calls"
  status=0
  output=$(PATH=$scratch/bin:$PATH bash "$root/launch/install.sh" "$@" 2>&1) || status=$?
}

# Everything installed: nothing is called, and neither the network nor the wheels are touched.
venv=$(. "$root/launch/pins.sh" && echo "$charrnn_venv")
mkdir -p "$venv"
touch "$venv"/{core,full,tests}.done
stand_in dpkg-query "$everything_installed"
for options in "" --gpu --tests --clang; do
  install $options
  equal "install.sh $options, all there: $output" 0 "$status"
  equal "calls, all there" "" "$(cat "$calls")"
done

# Another version of torch: only those in pins.sh.
torch_folder=$XDG_CACHE_HOME/charrnn/torch-2.11.0
mkdir -p "$torch_folder"
(. "$root/launch/pins.sh" && echo "${torch_2_11_0_wheels[*]}") >"$torch_folder/wheels.done"
install --torch 2.11.0
equal "install.sh --torch, all there: $output" 0 "$status"
contains "install.sh --torch, all there" "torch 2.11.0: all 6 wheels are installed" "$output"
install --torch 1.13.1
equal "install.sh --torch 1.13.1" 1 "$status"
contains "install.sh --torch 1.13.1" "launch/pins.sh has no wheels of torch 1.13.1, only those of 2.15.0 (without --torch) and 2.11.0" \
  "$output"

# One package missing, as root, with and without --tests.
stand_in dpkg-query "$everything_installed | grep -v -e ' cmake$' -e ' hdf5-tools$'"
stand_in id 'echo 0'
install
equal "root: $output" 0 "$status"
contains "root" "Debian packages missing: cmake"$'\n' "$output"
contains "root, calls" "--no-install-recommends -y cmake"$'\n' "$(cat "$calls")"$'\n'
install --tests
contains "root, --tests" "--no-install-recommends -y cmake hdf5-tools"$'\n' "$(cat "$calls")"$'\n'

# As an ordinary user: through sudo; without it, the command for an administrator.
stand_in id 'echo 1000'
install
equal "ordinary user" 0 "$status"
contains "ordinary user, calls" "sudo env DEBIAN_FRONTEND=noninteractive" "$(cat "$calls")"
rm bin/sudo
for tool in bash cat cut df dirname flock grep mkdir readlink sha256sum tail tr; do
  ln -s "$(type -P "$tool")" bin/
done
: >"$calls"
status=0
output=$(PATH=$scratch/bin bash "$root/launch/install.sh" 2>&1) || status=$?
equal "no sudo: $output" 1 "$status"
contains "no sudo" "apt-get install --no-install-recommends cmake" "$output"
equal "no sudo, calls" "" "$(cat "$calls")"

# apt-get fails: the command to run by hand, and a code that stops the caller.
stand_in id 'echo 0'
stand_in apt-get 'if [[ "$*" = *install* ]]; then echo "E: no such mirror" >&2; exit 100; fi'
install
equal "apt-get fails" 1 "$status"
contains "apt-get fails" "By hand, as root" "$output"

# A second one waits for the first.
stand_in dpkg-query "$everything_installed"
(exec 9>"$XDG_CACHE_HOME/charrnn/install.lock"; flock 9; sleep 1; touch first-done) &
sleep 0.3
install
wait
[ -e first-done ] || fail "did not wait for the lock"
contains "two at once" "waiting for another" "$output"
