#!/bin/bash
# sbatch, squeue and scancel of a cluster that is none: cells are processes of this machine. It is called by each of these names,
# and keeps what it knows in the folder FAKE. Files in it make it fail as real clusters do:
#
#   banner        every answer stands between lines of a site's own
#   refuse        sbatch fails once, and submits nothing
#   unanswered    sbatch submits, and fails once as if it had not
#   longest       sbatch takes no arrays of more cells than it says
#   away          squeue fails while it is there
#   forget        squeue knows none of the cells submitted while it was there
#
# Every call is a line of FAKE/calls.
set -u
name=${0##*/}
printf '%s %s\n' "$name" "$*" >>"$FAKE/calls"
env | grep -E '^(SLURM|SBATCH)_' >>"$FAKE/environment"

banner() { if [ -e "$FAKE/banner" ]; then echo "*** 12 nodes are down for maintenance ***"; fi; }

fail() {
    echo "$name: error: $1" >&2
    exit 1
}

sbatch() {
    local job=etude array=0-0 out=/dev/null root=.
    for option in "$@"; do
        case $option in
        --job-name=*) job=${option#*=} ;;
        --array=*) array=${option#*=} ;;
        --output=*) out=${option#*=} ;;
        --chdir=*) root=${option#*=} ;;
        # What sbatch of 2017 knows, of what etude may ask.
        --parsable | --open-mode=append | --requeue | --signal=B:USR1@* | --nodes=1 | --ntasks=1) ;;
        --cpus-per-task=* | --mem=*M | --time=* | --gres=* | --partition=* | --account=* | --exclude=* | --qos=*) ;;
        *) fail "unrecognized option '$option'" ;;
        esac
    done
    local last=${array#0-}
    if [ -e "$FAKE/refuse" ]; then
        rm "$FAKE/refuse"
        fail "Batch job submission failed: Unable to contact slurm controller (connect failure)"
    fi
    if [ -e "$FAKE/longest" ] && [ "$last" -ge "$(cat "$FAKE/longest")" ]; then
        fail "Batch job submission failed: Invalid job array specification"
    fi
    local id
    id=$(($(cat "$FAKE/last" 2>/dev/null || echo 100) + 1))
    echo $id >"$FAKE/last"
    mkdir -p "$FAKE/jobs"
    cat >"$FAKE/script.$id"
    cd "$root" || fail "no such folder"
    for ((cell = 0; cell <= last; cell++)); do
        local at=$FAKE/jobs/${id}_$cell
        mkdir "$at"
        echo "$job" >"$at/name"
        if [ -e "$FAKE/forget" ]; then
            touch "$at/forgotten"
            continue
        fi
        SLURM_ARRAY_JOB_ID=$id SLURM_ARRAY_TASK_ID=$cell setsid \
            bash -c 'echo $$ >"$1/pid"; bash "$2"; echo $? >"$1/code"' - "$at" "$FAKE/script.$id" \
            >>"${out//%a/$cell}" 2>&1 </dev/null &
    done
    banner
    if [ -e "$FAKE/unanswered" ]; then
        rm "$FAKE/unanswered"
        fail "Batch job submission failed: Socket timed out on send/recv operation"
    fi
    echo "$id"
    banner
}

squeue() {
    if [ -e "$FAKE/away" ]; then
        fail "slurm_load_jobs error: Unable to contact slurm controller (connect failure)"
    fi
    banner
    echo "7|other|RUNNING|n9|None"
    local state
    for at in "$FAKE"/jobs/*; do
        [ -e "$at/name" ] && [ ! -e "$at/forgotten" ] || continue
        state=RUNNING
        if [ -e "$at/cancelled" ]; then
            state=COMPLETING
            [ -e "$at/code" ] && state=CANCELLED
        elif [ -e "$at/code" ]; then
            state=COMPLETED
            [ "$(cat "$at/code")" = 0 ] || state=FAILED
        fi
        echo "${at##*/}|$(cat "$at/name")|$state|n1|None"
    done
}

scancel() {
    for id in "$@"; do
        touch "$FAKE/jobs/$id/cancelled"
        # All processes of the job, as Slurm does; the one that notes how it ended stays.
        pkill -TERM -P "$(cat "$FAKE/jobs/$id/pid")"
    done
}

"$name" "$@"
