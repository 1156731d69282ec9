# shellcheck shell=bash disable=SC2154
# A temporary Slurm on this machine, for the tests in this folder: one node with two cores and the host's name, without
# systemd, cgroups or database, for any user. Source it after tests/launch/common.sh, then call start_lab; stop_lab is
# called at exit in any case.

lab=''  # its folder: configuration, keys, logs, spool
lab_kill_wait=10  # seconds from TERM to KILL
lab_packages="slurmctld slurmd slurm-client slurm-wlm-basic-plugins munge libpmix2"

lab_configuration() {  # NODE PORT PORT
  local user
  user=$(id -un)
  # cred_expire: a requeued job waits this many seconds and one more. The default is 120 s, also for values below 5.
  cat <<CONF
ClusterName=lab
SlurmctldHost=$1(127.0.0.1)
SlurmUser=$user
SlurmdUser=$user
SlurmctldPort=$2
AuthType=auth/munge
AuthInfo=socket=$lab/munge/socket,cred_expire=5
CredType=cred/munge
StateSaveLocation=$lab/state
SlurmdSpoolDir=$lab/spool
TmpFS=$lab/tmp
SlurmctldPidFile=$lab/slurmctld.own.pid
SlurmdPidFile=$lab/slurmd.own.pid
SlurmctldLogFile=$lab/slurmctld.log
SlurmdLogFile=$lab/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
JobAcctGatherType=jobacct_gather/none
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/none
MailProg=/bin/true
MpiDefault=none
SwitchType=switch/none
ReturnToService=2
SlurmdParameters=config_overrides
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0
KillWait=$lab_kill_wait
NodeName=$1 NodeHostname=$1 NodeAddr=127.0.0.1 Port=$3 CPUs=2 CoresPerSocket=2 RealMemory=1000
PartitionName=main Nodes=$1 Default=YES MaxTime=INFINITE State=UP
CONF
}

await() {  # SECONDS COMMAND...: until the command succeeds
  local end=$((SECONDS + $1))
  shift
  until "$@"; do
    [ $SECONDS -lt $end ] || return 1
    sleep 0.1
  done
}

lab_start_daemon() {  # NAME COMMAND...
  local name=$1
  shift
  setsid "$@" </dev/null >"$lab/$name.out" 2>&1 &
  echo $! >"$lab/$name.pid"
}

lab_is_idle() { [ "$(sinfo -h -t idle -o %D 2>/dev/null)" = 1 ]; }

start_lab() {
  local command ports
  unset "${!SLURM_@}"  # this test may run in a Slurm job itself
  PATH=$PATH:/usr/sbin:/sbin
  for command in munged slurmctld slurmd srun sbatch; do
    command -v "$command" >/dev/null || fail "$command is not installed: run launch/install.sh --tests ($lab_packages)"
  done
  trap 'stop_lab; rm -rf "$scratch"' EXIT
  trap 'exit 143' INT TERM HUP
  # A short path without blanks: it holds a socket, and Slurm's configuration has no quotes.
  lab=$(mktemp -d /tmp/charrnn-slurm.XXXXXX)
  chmod 755 "$lab"
  mkdir -m 755 "$lab"/{munge,state,spool,tmp}
  head -c 1024 /dev/urandom >"$lab/munge/key"
  chmod 600 "$lab/munge/key"
  ports=$(python3 -c 'import socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
print(*(s.getsockname()[1] for s in sockets))')
  # shellcheck disable=SC2086  # two words
  lab_configuration "$(hostname -s)" $ports >"$lab/slurm.conf"
  # Nothing uses cgroups, but slurmd loads one of the plugins; v1 needs no mount.
  echo "CgroupPlugin=cgroup/v1" >"$lab/cgroup.conf"
  export SLURM_CONF=$lab/slurm.conf
  # Stops it if this test is killed with KILL, as ctest does after a timeout.
  setsid --fork bash -c '. "$1"; lab=$2; while kill -0 "$3"; do sleep 1; done; stop_lab' guard \
    "$root/tests/slurm/lab.sh" "$lab" $$ </dev/null >/dev/null 2>&1

  lab_start_daemon munged munged --foreground --force --key-file="$lab/munge/key" --socket="$lab/munge/socket" \
    --pid-file="$lab/munge/munged.pid" --log-file="$lab/munge/log" --seed-file="$lab/munge/seed"
  await 10 test -S "$lab/munge/socket" || fail "munged does not start: $(cat "$lab/munged.out" "$lab/munge/log")"
  lab_start_daemon slurmctld slurmctld -D -i -f "$lab/slurm.conf"
  lab_start_daemon slurmd slurmd -D -f "$lab/slurm.conf"
  await 30 lab_is_idle || fail "the node does not become idle: $(tail -n 5 "$lab"/*.out "$lab"/slurm*.log)"
}

lab_has_no_jobs() { [ -z "$(squeue -h 2>/dev/null)" ]; }

# Prints the ids of processes of this lab's jobs, and of slurmstepd, that outlived the daemons.
lab_leftovers() {
  local process
  for process in /proc/[0-9]*; do
    if [ "${process#/proc/}" = $$ ] || [ "${process#/proc/}" = "$BASHPID" ]; then continue; fi
    grep -qzxF "SLURM_CONF=$lab/slurm.conf" "$process/environ" || continue
    if [ "$(cat "$process/comm")" = slurmstepd ] || grep -qz '^SLURM_JOB_ID=' "$process/environ"; then
      echo "${process#/proc/}"
    fi
  done 2>/dev/null
}

stop_lab() {
  local name process
  [ -d "$lab" ] || return 0
  if [ -e "$lab/slurmctld.pid" ]; then
    scancel --user="$(id -un)" >/dev/null 2>&1 || true
    await 20 lab_has_no_jobs || true
  fi
  for name in slurmd slurmctld munged; do
    process=$(cat "$lab/$name.pid" 2>/dev/null) || continue
    kill -TERM "$process" 2>/dev/null || continue
    await 10 lab_daemon_is_gone "$process" || kill -KILL "$process" 2>/dev/null || true
    wait "$process" 2>/dev/null || true
  done
  for process in $(lab_leftovers); do kill -KILL "$process" 2>/dev/null || true; done
  rm -rf "$lab"
}
lab_daemon_is_gone() { [ ! -e "/proc/$1" ] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null; }

# ---- jobs

submit() { sbatch --parsable "$@"; }  # prints the job's number
job_field() { scontrol show job -o "$1" | tr ' ' '\n' | sed -n "s/^$2=//p" | head -n 1; }  # JOB FIELD
job_has_ended() {
  case $(job_field "$1" JobState) in
    COMPLETED | FAILED | CANCELLED | TIMEOUT | NODE_FAIL | OUT_OF_MEMORY) ;;
    *) false ;;
  esac
}
wait_for_job() {  # JOB SECONDS
  await "$2" job_has_ended "$1" || fail "job $1 does not end within $2 s: $(scontrol show job "$1")"
}
