#!/bin/bash
#SBATCH --job-name=falken-nightly
#SBATCH --output=falken-nightly-%A_%a.log
#SBATCH --requeue
# sbatch --array=1-4 slurm.sh          four parts of one night, with FALKEN, NIGHTS, LENGTH below as they are
# When all have ended:  falken report merge $NIGHTS/shard-* --out $NIGHTS/night
set -u
falken=${FALKEN:-target/release/falken}
nights=${NIGHTS:-falken-nights/$SLURM_ARRAY_JOB_ID}
length=${LENGTH:---for 8h}
commit=${COMMIT:-$(git rev-parse HEAD 2>/dev/null || echo "$SLURM_ARRAY_JOB_ID")}
dir=$nights/shard-$SLURM_ARRAY_TASK_ID
jobs=${SLURM_CPUS_ON_NODE:+--jobs $SLURM_CPUS_ON_NODE}

# A job that was requeued goes on where it was.
if [ -e "$dir/state.json" ]; then
    # shellcheck disable=SC2086
    "$falken" nightly --resume --state-dir "$dir" --shard auto $jobs
else
    # shellcheck disable=SC2086
    "$falken" nightly $length --seed-from "$commit" --shard auto --state-dir "$dir" $jobs
fi
code=$?
# What failed is judged when the parts are joined; 2 and 3 are failures of the job itself.
if [ $code -eq 2 ] || [ $code -eq 3 ]; then exit $code; fi
