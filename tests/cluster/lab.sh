#!/usr/bin/env bash
# A throw-away Slurm cluster on one host: no systemd, loopback only, everything it writes under LAB_DIR (a short path: a socket lies there).
#   lab.sh start | stop | kill-node n1 | start-node n1
# Every node declares CPUs, memory and GPUs that need not exist. Where `unshare` is allowed it has process, mount and host-name
# spaces of its own, so that it can be lost with all its jobs.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
D=${LAB_DIR:?}
NODES=2; CPUS=8; MEM=12000; GPUS=2; PORT=${LAB_PORT:-27017}
export SLURM_CONF=$D/slurm.conf PATH=$PATH:/usr/sbin:/sbin
HOST=$(hostname -s 2>/dev/null || cat /proc/sys/kernel/hostname); ME=$(id -un)

say() { printf 'lab: %s\n' "$*" >&2; }
die() { say "$*"; exit 1; }
# ours NAME PIDFILE: prints the pid if that process lives (a zombie, which a lazy
# pid 1 may leave for a while, has no command line) and is still called NAME
ours() {
  local p; [ -s "$2" ] || return 1
  p=$(cat "$2")
  [ "$(cat "/proc/$p/comm" 2>/dev/null)" = "$1" ] && grep -qa . "/proc/$p/cmdline" && echo "$p"
}

# stop_pids NAME SECONDS PIDFILE...: TERM them all, wait up to SECONDS, then KILL
stop_pids() {
  local name=$1 end=$((SECONDS + $2)) f p left=() l; shift 2
  for f in "$@"; do
    p=$(ours "$name" "$f") && kill "$p" 2>/dev/null && left+=("$p")
    rm -f "$f"
  done
  while [ ${#left[@]} -gt 0 ] && [ $SECONDS -lt $end ]; do
    sleep 0.1
    l=(); for p in "${left[@]}"; do kill -0 "$p" 2>/dev/null && l+=("$p"); done
    left=("${l[@]}")
  done
  for p in "${left[@]}"; do kill -9 "$p" 2>/dev/null || true; done
}

wait_for() { # wait_for SECONDS WHAT CMD...   (wall clock: clients retry by themselves)
  local end=$((SECONDS + $1)) what=$2 f; shift 2
  until timeout 5 "$@" >/dev/null 2>&1; do
    if [ $SECONDS -ge $end ]; then
      say "gave up waiting for $what"
      for f in "$D"/log/*; do echo "== $f"; tail -n 10 "$f"; done >&2
      return 1
    fi
    sleep 0.1
  done
}
IDLE='[ "$(sinfo -h -N -p test -t idle -o %N | sort -u | wc -l)" = "$0" ]'

ns() { # may each node have namespaces of its own?
  unshare --pid --fork --mount-proc --uts true 2>/dev/null
}

write_conf() {
  local i h c real
  { sed -e "s|@D@|$D|g" -e "s|@HOST@|$HOST|g" -e "s|@ME@|$ME|g" \
        -e "s|@PORT@|$PORT|g" "$here/slurm.conf.in"
    echo "ProctrackType=proctrack/linuxproc"; echo "TaskPlugin=task/none"
    echo "JobAcctGatherType=jobacct_gather/linux"
    echo "JobAcctGatherParams=OverMemoryKill"
    for i in $(seq "$NODES"); do
      [ "$1" = 1 ] && h=n$i || h=$HOST
      echo "NodeName=n$i NodeHostname=$h NodeAddr=127.0.0.$((10 + i)) Port=$((PORT + i))" \
           "CPUs=$CPUS RealMemory=$MEM Gres=gpu:$GPUS State=UNKNOWN"
    done
    echo "PartitionName=test Nodes=n[1-$NODES] Default=YES MaxTime=60 DefaultTime=10 State=UP"
    echo "PartitionName=gpu  Nodes=n[1-$NODES] Default=NO  MaxTime=60 DefaultTime=10 State=UP"
  } >"$D/slurm.conf"
  { cat /etc/hosts; for i in $(seq "$NODES"); do echo "127.0.0.$((10 + i)) n$i"; done; } >"$D/hosts"
  # fake GPUs: a character device (not a plain file) makes Slurm set
  # CUDA_VISIBLE_DEVICES; one name for each
  echo "AutoDetect=off" >"$D/gres.conf"
  for i in $(seq 0 $((GPUS - 1))); do
    ln -sfn /dev/null "$D/dev/gpu$i"; echo "Name=gpu File=$D/dev/gpu$i" >>"$D/gres.conf"
  done
  # snakemake-executor-plugin-slurm-jobstep drops every SLURM_* variable,
  # SLURM_CONF too, before its inner srun: so wrap the commands themselves
  for c in srun sbatch salloc scancel squeue sinfo scontrol sacct sacctmgr sstat sshare; do
    real=$(PATH=${PATH//$D\/bin:/} command -v "$c") || continue
    printf '#!/bin/sh\nSLURM_CONF=%s exec %s "$@"\n' "$D/slurm.conf" "$real" >"$D/bin/$c"
    chmod +x "$D/bin/$c"
  done
}

start() {
  local i n=0
  [ ${#D} -le 90 ] || die "LAB_DIR is too long for a socket path"
  ! ours slurmctld "$D/slurmctld.pid" >/dev/null || die "already running in $D"
  stop 2>/dev/null               # whatever a killed run left behind
  rm -rf "$D/state" "$D/spool"
  mkdir -p "$D"/{munge,state,spool,log,dev,bin}
  chmod 755 "$D" "$D/munge" "$D/spool"; chmod 700 "$D/state"
  ! ns || n=1
  write_conf $n
  if ! ours munged "$D/munge/munged.pid" >/dev/null; then
    rm -f "$D"/munge/*
    (umask 077; head -c 128 /dev/urandom >"$D/munge/key")
    munged --force --num-threads=2 --socket="$D/munge/sock" --key-file="$D/munge/key" \
      --pid-file="$D/munge/munged.pid" --log-file="$D/log/munged.log" \
      --seed-file="$D/munge/seed" </dev/null >>"$D/log/munged.out" 2>&1
  fi
  wait_for 5 munged munge -n -S "$D/munge/sock"
  slurmctld -f "$SLURM_CONF" </dev/null >>"$D/log/slurmctld.out" 2>&1
  wait_for 15 slurmctld sh -c 'scontrol ping | grep -q "is UP"'
  for i in $(seq "$NODES"); do start_node "n$i"; done
  wait_for 30 "idle nodes" sh -c "$IDLE" "$NODES"
  say "ready: $NODES node(s), SLURM_CONF=$SLURM_CONF"
}

# With its own namespaces a node can be lost with all its jobs (kill-node), its
# `hostname` is n1, and n1, n2 resolve in jobs.  Without, kill-node ends only
# the slurmd and its jobs live on.
start_node() {
  mkdir -p "$D/spool/$1"
  if grep -q "^NodeName=$1 NodeHostname=$1 " "$SLURM_CONF"; then
    setsid unshare --pid --fork --kill-child --mount-proc --uts sh -c \
      'hostname "$0"; mount --bind "$2" /etc/hosts; exec slurmd -D -N "$0" -f "$1"' \
      "$1" "$SLURM_CONF" "$D/hosts" </dev/null >>"$D/log/slurmd.$1.out" 2>&1 &
    echo $! >"$D/node.$1.pid"
  else
    slurmd -N "$1" -f "$SLURM_CONF" </dev/null >>"$D/log/slurmd.$1.out" 2>&1
  fi
}

kill_node() {
  local p
  p=$(ours unshare "$D/node.$1.pid" || ours slurmd "$D/slurmd.$1.pid") || die "no node $1"
  kill -9 "$p"; rm -f "$D/node.$1.pid" "$D/slurmd.$1.pid"; say "killed $1 (pid $p)"
}

stop() {
  local _
  [ -d "$D" ] || return 0
  if ours slurmctld "$D/slurmctld.pid" >/dev/null; then
    # jobs first, or their slurmstepds outlive the daemons
    timeout 10 scancel --user="$ME" >/dev/null 2>&1 || true
    for _ in $(seq 100); do [ -z "$(timeout 5 squeue -h -o %i 2>/dev/null)" ] && break; sleep 0.1; done
  fi
  # nothing is kept, so no long goodbyes.  The controller first, or it waits for
  # the nodes; `unshare` ignores TERM, and its slurmd and jobs die with it
  stop_pids slurmctld 3 "$D/slurmctld.pid"
  stop_pids unshare 0 "$D"/node.*.pid
  stop_pids slurmd 3 "$D"/slurmd.*.pid
  stop_pids munged 3 "$D/munge/munged.pid"
  say stopped
}

case ${1:-} in
  start) start ;;
  stop) stop ;;
  kill-node) kill_node "$2" ;;
  start-node) start_node "$2" ;;
  *) die "usage: $0 start|stop|kill-node N|start-node N" ;;
esac
