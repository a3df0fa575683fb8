#!/bin/sh
# A real Slurm cluster of two nodes on this machine, for tests: `cluster.sh start DIR`, `cluster.sh stop DIR`.
#
# It lies in DIR, listens on loopback alone, and needs root and Debian's slurm-wlm and munge (22.05). No systemd, no control
# groups. `. DIR/env` makes the commands of Slurm talk to it. BASE_PORT sets the first of three ports.
set -eu

verb=$1
dir=$2
base=${BASE_PORT:-16817}

start() {
    mkdir -p "$dir"
    dir=$(cd "$dir" && pwd)
    mkdir -p "$dir/state" "$dir/munge" "$dir/n1" "$dir/n2" "$dir/log"
    chmod 755 "$dir"
    host=$(hostname -s)

    # A key and a daemon of its own, so that no other cluster is touched.
    dd if=/dev/urandom of="$dir/munge/key" bs=1024 count=1 2>/dev/null
    chmod 400 "$dir/munge/key"
    chmod 711 "$dir/munge"
    munged --key-file="$dir/munge/key" --socket="$dir/munge/socket" --pid-file="$dir/munge/pid" \
        --log-file="$dir/munge/log" --seed-file="$dir/munge/seed" --force >/dev/null 2>&1

    cards=
    for n in 0 1; do
        [ -e "$dir/gpu$n" ] || mknod "$dir/gpu$n" c 1 3 2>/dev/null || true
    done
    if [ -c "$dir/gpu1" ]; then
        cards="Gres=gpu:fake:2"
        printf 'NodeName=n1,n2 Name=gpu Type=fake File=%s/gpu[0-1]\n' "$dir" >"$dir/gres.conf"
    fi
    cat >"$dir/slurm.conf" <<CONF
ClusterName=etude
SlurmctldHost=$host(127.0.0.1)
SlurmctldPort=$base
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge/socket,cred_expire=5
CommunicationParameters=NoCtldInAddrAny,NoInAddrAny
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
DefMemPerCPU=256
SlurmdParameters=config_overrides
GresTypes=gpu
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/%n/spool
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/%n/slurmd.pid
SlurmctldLogFile=$dir/log/slurmctld
SlurmdLogFile=$dir/log/slurmd-%n
MinJobAge=600
KillWait=5
SlurmdTimeout=5
ReturnToService=2
MaxArraySize=1001
MpiDefault=none
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
SchedulerType=sched/backfill
SchedulerParameters=sched_min_interval=0,batch_sched_delay=0,sched_interval=1,bf_interval=1
NodeName=n1 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 1)) CPUs=4 RealMemory=4000 $cards
NodeName=n2 NodeHostname=$host NodeAddr=127.0.0.1 Port=$((base + 2)) CPUs=4 RealMemory=4000 $cards
PartitionName=main Nodes=n1,n2 Default=YES MaxTime=INFINITE State=UP PriorityTier=1
PartitionName=urgent Nodes=n1,n2 MaxTime=INFINITE State=UP PriorityTier=10
CONF
    echo "export SLURM_CONF=$dir/slurm.conf" >"$dir/env"
    export SLURM_CONF="$dir/slurm.conf"
    slurmctld >/dev/null 2>&1
    for node in n1 n2; do
        mkdir -p "$dir/$node/spool"
        slurmd -N $node >/dev/null 2>&1
    done
    tries=0
    until [ "$(sinfo -h -o %T -p main 2>/dev/null | sort -u)" = idle ]; do
        tries=$((tries + 1))
        if [ $tries -gt 150 ]; then
            echo "the cluster does not come up; see $dir/log" >&2
            exit 1
        fi
        sleep 0.2
    done
}

stop() {
    [ -d "$dir" ] || exit 0
    dir=$(cd "$dir" && pwd)
    export SLURM_CONF="$dir/slurm.conf"
    # Jobs outlive daemons that end before them.
    scancel -u root >/dev/null 2>&1 || true
    tries=0
    while [ -n "$(squeue -h 2>/dev/null)" ] && [ $tries -lt 50 ]; do
        tries=$((tries + 1))
        sleep 0.2
    done
    for pid in "$dir"/n1/slurmd.pid "$dir"/n2/slurmd.pid "$dir"/slurmctld.pid "$dir"/munge/pid; do
        [ -f "$pid" ] && kill "$(cat "$pid")" 2>/dev/null || true
    done
}

case $verb in
start) start ;;
stop) stop ;;
*)
    echo "usage: cluster.sh start|stop DIR" >&2
    exit 64
    ;;
esac
