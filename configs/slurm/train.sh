#!/usr/bin/env bash
# Training on one node or several. Before its time is up, or when it is to make room, the job saves a checkpoint, stops, and is queued again;
# begun again it goes on from the last whole checkpoint of its output folder, to the same weights.
#
# Run      sbatch --nodes=1 configs/slurm/train.sh CONFIG [key.sub=value ...]
# Several  sbatch --nodes=4 configs/slurm/train.sh CONFIG deepspeed=configs/deepspeed/zero3.json
# Again    the same command, with as many GPUs in all: a checkpoint of another number of processes is refused
# Needs    a folder that all nodes see, with the checkout, its .venv, the data and the output; GEM_DATA
# Checked  tests/train/test_slurm.py runs it on CPU with two processes, stopped by USR1 and queued again; on a cluster never
#SBATCH --job-name=gem-train
#SBATCH --ntasks-per-node=1
#SBATCH --gpus-per-node=8
#SBATCH --cpus-per-task=64
#SBATCH --time=24:00:00
#SBATCH --signal=B:USR1@600
#SBATCH --requeue
#SBATCH --open-mode=append
set -euo pipefail
if [ $# -lt 1 ]; then
    echo "usage: sbatch --nodes=N configs/slurm/train.sh CONFIG [key.sub=value ...]" >&2
    exit 2
fi
head=$(scontrol show hostnames "${SLURM_JOB_NODELIST:?is set by Slurm; use sbatch}" | head -n 1)
port=$((20000 + SLURM_JOB_ID % 10000))
export OMP_NUM_THREADS=${OMP_NUM_THREADS:-8} HF_HUB_OFFLINE=1
export GEM_STOP_FILE="${PWD}/.stop-${SLURM_JOB_ID}"
rm -f "$GEM_STOP_FILE"

srun --kill-on-bad-exit=1 "${TORCHRUN:-.venv/bin/torchrun}" \
    --nnodes "${SLURM_JOB_NUM_NODES:-1}" --nproc-per-node "${SLURM_GPUS_ON_NODE:-8}" \
    --rdzv-backend c10d --rdzv-id "$SLURM_JOB_ID" --rdzv-endpoint "$head:$port" \
    -m train "$@" &
running=$!
asked=no waiting=yes code=0
trap 'asked=yes interrupted=yes; touch "$GEM_STOP_FILE"' USR1 TERM  # train/stop.py looks for the file, saves and ends
while [ "$waiting" = yes ]; do  # a signal ends `wait`, not the training
    interrupted=no code=0
    wait "$running" || code=$?
    [ "$interrupted" = yes ] || waiting=no
done
rm -f "$GEM_STOP_FILE"
if [ "$asked" = yes ] && [ "$code" -eq 0 ]; then
    scontrol requeue "$SLURM_JOB_ID"
fi
exit "$code"
