#!/usr/bin/env bash
# A bundle, unpacked by an ordinary user on a Debian 12 with only Python and a PyTorch mounted read-only, without a
# network: trains on two ranks, samples, and refuses a PyTorch of another version.
# Usage: bundle_test.sh BUILD-FOLDER PYTHON
. "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../launch/empty_root.sh"
build=$1
site_python=$2

empty_root
bash "$root/launch/bundle.sh" --no-build "$build" --tests --output "$scratch/bundle.tar.gz" >"$scratch/output" 2>&1 ||
  fail "launch/bundle.sh: $(cat "$scratch/output")"
cat "$scratch/output"
[ "$(stat -c %s "$scratch/bundle.tar.gz")" -lt 50000000 ] || fail "expected a bundle below 50 MB: $(tail -n 1 "$scratch/output")"

# ---- commands of the user of the bundle

cat >"$scratch/user.sh" <<'USER'
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
contains() { case $3 in *"$2"*) ;; *) fail "$1: expected '$2' in:"$'\n'"$3" ;; esac; }
cd "$HOME"
[ "$(id -u)" = 1000 ] || fail "expected an ordinary user"
tar -xzf bundle.tar.gz
first_path=$PATH

echo "-- PyTorch of another version: one line, status 2, nothing set"
refused() {  # WHAT PART ENVIRONMENT...
  local what=$1 part=$2 status=0 message
  shift 2
  message=$(env "$@" bash -c '. ./charrnn-bundle/env.sh
    status=$?
    echo "status $status PATH $PATH ${OPAL_PREFIX-unset}"' 2>&1) || true
  echo "$message" | head -n 1
  contains "$what" "$part" "$message"
  contains "$what" "status 2 PATH $first_path unset" "$message"
  [ "$(wc -l <<<"$message")" = 2 ] || fail "$what: expected one line and the status, found: $message"
  env "$@" ./charrnn-bundle/env.sh true 2>/dev/null || status=$?
  [ "$status" = 2 ] || fail "$what: expected status 2 of env.sh COMMAND, found $status"
}
mkdir -p other/torch
touch other/torch/__init__.py
printf "__version__ = '2.9.1+cu128'\ncuda: Optional[str] = '12.8'\n" >other/torch/version.py
refused "another torch" "found 2.9.1+cu128" "PYTHONPATH=$HOME/other"
printf '#!/bin/sh\nexec /usr/bin/python3 -I -S "$@"\n' >without_torch
chmod 755 without_torch
refused "no torch" "no PyTorch in" "CHARRNN_PYTHON=$HOME/without_torch"
refused "no Python" "no Python 'nowhere'" CHARRNN_PYTHON=nowhere
cp charrnn-bundle/manifest manifest
for name in cuda_runtime nccl; do
  sed -i "s/^$name=.*/$name=1/" charrnn-bundle/manifest
  refused "another $name" "$(sed -n "s/^$name=//p" manifest)" "PATH=$PATH"
  cp manifest charrnn-bundle/manifest
done
rm charrnn-bundle/manifest
refused "no manifest" "unpack the bundle again" "PATH=$PATH"
cp manifest charrnn-bundle/manifest
status=0
message=$(./charrnn-bundle/env.sh no_such_tool 2>&1) || status=$?
contains "env.sh COMMAND" "no command 'no_such_tool'" "$message"
[ "$status" = 2 ] || fail "env.sh no_such_tool: expected status 2, found $status"

echo "-- the tools"
contains "env.sh COMMAND" "$(sed -n 's/^commit=//p' manifest)" "$(./charrnn-bundle/env.sh charrnn_train --version)"
ln -s /usr/bin/python3 mine
. ./charrnn-bundle/env.sh --python ./mine
case $CHARRNN_PYTHON in /*) ;; *) fail "expected the whole path of Python, found $CHARRNN_PYTHON" ;; esac
[ -z "$(compgen -A function _charrnn || true)$(compgen -v _charrnn || true)" ] || fail "env.sh does not unset its functions and variables"
before=$PATH
. ./charrnn-bundle/env.sh
[ "$PATH" = "$before" ] || fail "PATH, the second time: $PATH"
libraries=$LD_LIBRARY_PATH
PATH=/other/bin:$PATH LD_LIBRARY_PATH=/other/lib:$LD_LIBRARY_PATH
. ./charrnn-bundle/env.sh
[ "$PATH" = "${before%%:/usr/bin*}:/other/bin:/usr/bin:/bin" ] || fail "PATH, with another folder first: $PATH"
[ "$LD_LIBRARY_PATH" = "$libraries:/other/lib" ] || fail "LD_LIBRARY_PATH, with another folder first: $LD_LIBRARY_PATH"
cd charrnn-bundle
small=(--set model.hidden_size=64 --set train.log_every=10 --set sample.every=0 --set evaluate.every=0)
charrnn_preprocess configs/quickstart.yaml >output 2>&1 || fail "preprocess: $(cat output)"
run -np 2 charrnn_train configs/quickstart.yaml --max-steps 20 "${small[@]}" >output 2>&1 || fail "train: $(cat output)"
contains "ranks" "2 (mpi)" "$(cat output)"
grep '^step' output
text=$(charrnn_sample runs/quickstart --prefix "The " -n 100)
contains "sample" "The " "$text"

echo "-- the GPU check"
status=0
launch/gpu_check.sh >output 2>&1 || status=$?
[ "$status" = 2 ] || fail "gpu_check.sh: expected code 2, found $status: $(cat output)"
contains "gpu_check.sh" "no GPU here" "$(cat output)"
cat output
USER

site=$("$site_python" -c 'import sysconfig; print(sysconfig.get_paths()["purelib"])')
version=$(basename "$(find "$empty/usr/lib" -maxdepth 1 -name 'python3.*' | sort -V | tail -n 1)")
unshare --mount --net --pid --fork --kill-child --propagation private bash -euc '
  empty=$1 site=$2 packages=$1/usr/local/lib/$3/dist-packages scratch=$4
  ip link set lo up
  mkdir -p "$packages"
  mount --bind "$site" "$packages"
  mount -o remount,bind,ro "$packages"
  mount -t proc proc "$empty/proc"
  mount --rbind /sys "$empty/sys"
  mount --rbind /dev "$empty/dev"
  mount -t tmpfs -o mode=1777 tmpfs "$empty/tmp"
  mount -t tmpfs -o uid=1000,gid=1000,mode=700 tmpfs "$empty/home/user"
  cp "$scratch/bundle.tar.gz" "$scratch/user.sh" "$empty/home/user/"
  exec chroot --userspec=1000:1000 "$empty" env -i HOME=/home/user PATH=/usr/bin:/bin bash /home/user/user.sh
' _ "$empty" "$site" "$version" "$scratch" </dev/null || fail "in the empty root file system (the reason is above)"
