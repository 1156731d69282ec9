# shellcheck shell=bash disable=SC2154,SC2034,SC2054
# Hosts h1, h2, h3 on this machine, for the tests in this folder: network namespaces, each with its own host name and
# interface eth0, connected only to each other, by a switch in one more namespace. Source it after
# tests/launch/common.sh, then call make_hosts; remove_hosts is called at exit in any case.

hosts=(h1 h2 h3)
# Names of the namespaces: charrnn123-h1, ..., charrnn123-switch.
export CHARRNN_TEST_NET=${CHARRNN_TEST_NET:-charrnn$$}
PATH=$PATH:/usr/sbin:/sbin:$root/tests/network

skip() { echo "SKIPPED: $*"; exit 77; }
in_net() { ip -n "$CHARRNN_TEST_NET-$1" "${@:2}"; }  # HOST IP-ARGUMENTS...

make_hosts() {
  local host number=0 reason
  command -v ip >/dev/null || fail "ip is not installed: run launch/install.sh --tests (package iproute2)"
  [ "$(id -u)" = 0 ] || skip "only root can create network namespaces"
  trap 'remove_hosts; rm -rf "$scratch"' EXIT
  trap 'exit 143' INT TERM HUP
  # Removes them if this test is killed with KILL, as ctest does after a timeout.
  setsid --fork bash -c '
    root=$1
    . "$root/tests/network/hosts.sh"
    while kill -0 "$2"; do sleep 1; done
    remove_hosts' guard "$root" $$ </dev/null >/dev/null 2>&1
  reason=$(ip netns add "$CHARRNN_TEST_NET-switch" 2>&1 && ip netns exec "$CHARRNN_TEST_NET-switch" true 2>&1 &&
    in_net switch link add br0 type bridge 2>&1) || skip "no network namespaces here: $reason"
  in_net switch link set br0 up
  for host in "${hosts[@]}"; do
    number=$((number + 1))
    ip netns add "$CHARRNN_TEST_NET-$host"
    in_net "$host" link set lo up
    in_net "$host" link add eth0 type veth peer name "port-$host" netns "$CHARRNN_TEST_NET-switch"
    in_net switch link set "port-$host" master br0 up
    in_net "$host" addr add "10.77.0.$number/24" dev eth0
    in_net "$host" link set eth0 up
  done
}

processes_on() { ip netns pids "$CHARRNN_TEST_NET-$1"; }  # HOST
cut_link() { in_net switch link set "port-$1" down; }     # HOST
mend_link() {  # HOST
  local host
  in_net switch link set "port-$1" up
  # The kernel takes up to a second to notice, and caches which neighbours were out of reach.
  until in_net switch link show "port-$1" | grep -q "state UP" && in_net "$1" link show eth0 | grep -q "state UP"; do
    sleep 0.1
  done
  for host in "${hosts[@]}"; do in_net "$host" neigh flush all; done
}

remove_hosts() {
  local host process
  for host in "${hosts[@]}" switch; do
    [ -e "/run/netns/$CHARRNN_TEST_NET-$host" ] || continue
    for process in $(processes_on "$host"); do kill -KILL "$process" 2>/dev/null || true; done
    ip netns del "$CHARRNN_TEST_NET-$host" || true
  done
}

# The options that mpirun needs to reach them, in addition to their names. It finds charrnn_on_host on the PATH.
host_options=(--mca plm_rsh_agent charrnn_on_host --mca pml ob1 --mca btl self,vader,tcp
  --mca btl_tcp_if_include eth0 --mca oob_tcp_if_include eth0)
