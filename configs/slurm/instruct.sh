#!/usr/bin/env bash
# Instruction data by a Slurm array: each task makes its share of the shards; the last to end joins them.
#
# Run      sbatch --array=0-15 configs/slurm/instruct.sh CONFIG output=FOLDER [key.sub=value ...]
# Again    the same command: shards that are there are not made again
# Needs    a folder that all nodes see, with the checkout and its .venv (make venv); GEM_DATA
#SBATCH --job-name=gem-instruct
#SBATCH --cpus-per-task=4
#SBATCH --mem=8G
#SBATCH --time=04:00:00
#SBATCH --requeue
set -euo pipefail
if [ $# -lt 1 ]; then
    echo "usage: sbatch --array=0-N configs/slurm/instruct.sh CONFIG [key.sub=value ...]" >&2
    exit 2
fi
export OMP_NUM_THREADS=1
exec "${PYTHON:-.venv/bin/python}" -m data_gen "$@" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --shard "$((${SLURM_ARRAY_TASK_ID:-0} - ${SLURM_ARRAY_TASK_MIN:-0}))/${SLURM_ARRAY_TASK_COUNT:-1}"
