# shellcheck shell=bash disable=SC2154
# A Debian 12 that has only Python, unpacked once into the user's cache folder. Sourced after common.sh; sets `empty`, its root.
# Skips the test (code 77) if it cannot be made or entered.
skip() { echo "skipped: $*"; exit 77; }

empty_root() {
  local release=${CHARRNN_TEST_DEBIAN:-bookworm} mirror
  [ "$(id -u)" = 0 ] || skip "only root can create an empty root file system"
  command -v debootstrap >/dev/null || skip "debootstrap is not installed: launch/install.sh --tests"
  unshare --mount --net --pid --fork true 2>"$scratch/reason" || skip "no namespaces here: $(cat "$scratch/reason")"
  # shellcheck source=launch/pins.sh
  . "$root/launch/pins.sh"
  empty=$charrnn_cache/root-$release
  exec 8>"$charrnn_cache/root.lock"
  flock 8
  if [ ! -e "$empty/usr/bin/python3" ]; then
    rm -rf "$empty" "$empty.part"
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(CODENAME) $(COMPONENT)' 2>/dev/null |
      awk '$2 !~ /-/ && $3 == "main" { print $1; exit }') || true
    debootstrap --variant=minbase --include=python3 "$release" "$empty.part" ${mirror:+"$mirror"} >"$scratch/debootstrap" 2>&1 ||
      fail "debootstrap: $(tail -n 5 "$scratch/debootstrap")"
    mkdir -p "$empty.part/home/user"
    mv "$empty.part" "$empty"
  fi
  flock -u 8
}
