#!/usr/bin/env bash
# Beat-level features of a corpus by a Slurm array: each task measures its share of the shards into one folder.
#
# Run      sbatch --array=0-15 configs/slurm/measure.sh LIST OUT.parquet
# Again    the same command: shards that are there are not measured again
# Needs    a folder that all nodes see, with the checkout and its .venv (make venv); LIST as `gem measure` takes it
#SBATCH --job-name=gem-measure
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=01:00:00
#SBATCH --requeue
set -euo pipefail
if [ $# -ne 2 ]; then
    echo "usage: sbatch --array=0-N configs/slurm/measure.sh LIST OUT.parquet" >&2
    exit 2
fi
export OMP_NUM_THREADS=1
exec "${GEM:-.venv/bin/gem}" measure "$1" -o "$2" --jobs "${SLURM_CPUS_PER_TASK:-1}" \
    --shard "$((${SLURM_ARRAY_TASK_ID:-0} - ${SLURM_ARRAY_TASK_MIN:-0}))/${SLURM_ARRAY_TASK_COUNT:-1}"
