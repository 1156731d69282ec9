#!/usr/bin/env bash
# The Debian package, made by cpack and installed on a Debian 12 that has only Python by the commands of
# launch/apptainer.def (without its GPU part; Apptainer itself is not in Debian): the tools train on two ranks, sample,
# and load the packaged LibTorch; after its removal nothing is left.
# Usage: deb_test.sh BUILD-FOLDER
. "$(dirname "${BASH_SOURCE[0]}")/../launch/common.sh"
. "$(dirname "${BASH_SOURCE[0]}")/../launch/empty_root.sh"
build=$1

empty_root
# Packing with xz takes minutes; that it works is CPack's affair.
(cd "$build" && cpack -D CPACK_DEBIAN_COMPRESSION_TYPE=none -B "$scratch/packages") >"$scratch/cpack" 2>&1 ||
  fail "cpack: $(cat "$scratch/cpack")"
mapfile -t packages < <(find "$scratch/packages" -maxdepth 1 -name '*.deb')
equal "packages" 1 "${#packages[@]}"
dpkg-deb --info "${packages[0]}"
contents=$(dpkg-deb --contents "${packages[0]}")
if grep -vE '^[-dlrwx]+ root/root ' <<<"$contents"; then fail "expected only files of root in the package"; fi

# section NAME: of the recipe, as Apptainer would run it.
section() {
  awk -v "name=%$1" '/^%/ { inside = $1 == name; next } inside' "$root/launch/apptainer.def" | sed 's/{{ gpu }}/no/'
}
{ echo "set -euo pipefail"; section post; } >"$scratch/post.sh"
section environment >"$scratch/environment.sh"
section test >"$scratch/test.sh"
for name in post environment test; do [ -s "$scratch/$name.sh" ] || fail "no section $name in launch/apptainer.def"; done

cat >"$scratch/user.sh" <<'USER'
set -euo pipefail
fail() { echo "FAILED: $*" >&2; exit 1; }
. /opt/environment.sh
bash /opt/test.sh >output 2>&1 || fail "the test of the recipe: $(cat output)"
tail -n 3 output
libraries=$(ldd /usr/bin/charrnn_train)
if grep -E 'not found|/opt/' <<<"$libraries"; then fail "charrnn_train does not find all libraries in the package"; fi
grep -q '=> /usr/bin/../lib/charrnn/libtorch_cpu.so' <<<"$libraries" || fail "expected the packaged LibTorch: $libraries"
for tool in preprocess train eval sample inspect; do
  charrnn_$tool --help >/dev/null
  [ -s "/usr/share/man/man1/charrnn_$tool.1.gz" ] || fail "no man page of charrnn_$tool"
done
cp -r /usr/share/charrnn .
cd charrnn
charrnn_preprocess configs/quickstart.yaml >output 2>&1 || fail "preprocess: $(cat output)"
launch/run -np 2 charrnn_train configs/quickstart.yaml --max-steps 20 --set model.hidden_size=64 --set train.log_every=10 \
  --set sample.every=0 --set evaluate.every=0 >output 2>&1 || fail "train: $(cat output)"
grep -q '2 (mpi)' output || fail "expected two ranks: $(cat output)"
grep '^step' output
case $(charrnn_sample runs/quickstart --prefix "The " -n 100) in "The "*) ;; *) fail "expected a text that begins with the prefix" ;; esac
USER

cp "${packages[0]}" /etc/resolv.conf "$scratch/"
unshare --mount --pid --fork --kill-child --propagation private bash -euc '
  empty=$1 scratch=$2 new=$3 pins=$4
  mount -t tmpfs tmpfs "$new"
  mkdir "$new/upper" "$new/work" "$new/root"
  mount -t overlay -o "lowerdir=$empty,upperdir=$new/upper,workdir=$new/work" overlay "$new/root"
  cd "$new/root"
  mount -t proc proc proc
  mount --rbind /dev dev
  mount -t tmpfs -o mode=1777 tmpfs tmp
  cp "$scratch/resolv.conf" etc/resolv.conf
  cp /etc/apt/apt.conf.d/*proxy* etc/apt/apt.conf.d/ 2>/dev/null || true
  cp "$scratch"/*.deb "$scratch"/*.sh "$pins" opt/
  chown 1000:1000 home/user
  root_command() { chroot . env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"; }
  root_command apt-get -qq update >/dev/null || { echo "skipped: the package mirror cannot be reached"; exit 77; }
  root_command bash /opt/post.sh >"$scratch/installed" 2>&1 || { tail -n 30 "$scratch/installed"; exit 1; }
  chroot --userspec=1000:1000 . env -i HOME=/home/user PATH=/usr/bin:/bin sh -c "cd && exec bash /opt/user.sh"
  root_command apt-get -qq purge -y charrnn >/dev/null 2>&1
  left=$(find usr etc -path "*charrnn*" -not -path "*/dpkg/*")
  [ -z "$left" ] || { echo "left after its removal: $left"; exit 1; }
' _ "$empty" "$scratch" "$(mktemp -d "$scratch/new.XXXXXX")" "$root/launch/pins.sh" </dev/null || {
  code=$?
  [ "$code" = 77 ] && exit 77
  fail "in the empty root (the reason is above)"
}
