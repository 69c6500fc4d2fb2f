#!/bin/bash
# A benchmark over a Slurm array: every task takes its share of the samples, the last to end makes results.json of all.
#SBATCH --job-name=gem-eval
#SBATCH --array=0-7
#SBATCH --gres=gpu:1
#SBATCH --cpus-per-task=4
# CONFIG and the settings after it are those of `python -m eval`.
set -euo pipefail

if [ $# -lt 1 ]; then
    echo "usage: sbatch configs/slurm/eval.sh CONFIG [key.sub=value ...]" >&2
    exit 2
fi
exec python -m eval "$@" --shard "${SLURM_ARRAY_TASK_ID}/${SLURM_ARRAY_TASK_COUNT}"
