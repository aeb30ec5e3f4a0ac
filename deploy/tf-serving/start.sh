#!/bin/bash
# Starts TensorFlow Serving with the configuration beside this file. Each flag has its reason.
#
# HEED_TF_SERVING_BATCHING=on      merge requests by batching.config
# HEED_TF_SERVING_THREADS=N        threads of each session; 0: as many as the machine has processors
# HEED_TF_SERVING_CALLS=N          calls at once
# HEED_GPU_MEMORY_FRACTION=F       the share of the GPU's memory to take
# HEED_TF_SERVING_FLAGS="..."      further flags, which win over those here
set -euo pipefail
config=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
threads=${HEED_TF_SERVING_THREADS:-0}

flags=(
    --port=8500
    # Prometheus' metrics and healthy.sh need the REST port. Nobody else does: do not publish it.
    --rest_api_port=8501
    --monitoring_config_file="$config/monitoring.config"

    --model_config_file="$config/models.config"
    # Models and labels change by an edit of the file, without a restart.
    --model_config_file_poll_wait_seconds=10
    # A label in the first configuration stops the server otherwise, since nothing is loaded yet.
    --allow_version_labels_for_unavailable_models=true
    # New versions are found within a second. Publish by renaming, as `heed export` does.
    --file_system_poll_wait_seconds=1

    # Loads in a thread of their own. With 0, the default, a broken version holds up every load and
    # unload of all models until its retries are spent.
    --num_load_threads=1
    # A broken version is given up after half a minute and not after five: the old one serves on.
    --max_num_load_retries=2
    --load_retry_interval_micros=10000000

    # Every call under way holds a thread, those that wait for a batch included, and the surplus is
    # refused at once. The default, 4 for each processor, is too few for several gateways.
    --grpc_max_threads="${HEED_TF_SERVING_CALLS:-256}"
    # Tensors travel as raw bytes, which the gateway reads without touching each number.
    --enable_serialization_as_tensor_content=true

    --tensorflow_session_config_file="$config/session.config"
    # TensorFlow counts the machine's processors, not the container's share of them.
    --tensorflow_intra_op_parallelism="$threads"
    --tensorflow_inter_op_parallelism="$threads"
    # A server that takes all of the memory leaves none for the driver and for CUDA's libraries.
    --per_process_gpu_memory_fraction="${HEED_GPU_MEMORY_FRACTION:-0.9}"

    # Left at their defaults on purpose:
    #   XLA is off: each new shape would be compiled while its callers wait. Versions that were
    #   exported with --xla need --xla_gpu_compilation_enabled in HEED_TF_SERVING_FLAGS.
    #   Warm-up is on: exported models bring the requests, and meet callers only once they ran.
    #   --enable_grpc_healthcheck_service: it says SERVING whatever becomes of the models.
    #   --grpc_channel_arguments: gateways find new servers by themselves (HEED_DNS_REFRESH_S).
)
if [ "${HEED_TF_SERVING_BATCHING:-off}" = on ]; then
    flags+=(--enable_batching=true --batching_parameters_file="$config/batching.config")
fi
read -r -a further <<<"${HEED_TF_SERVING_FLAGS:-}"
flags+=("${further[@]}")

# The first process of a container ignores SIGTERM unless it handles it, and TensorFlow Serving does
# not: this shell hands it on, and ends as the server ends.
tensorflow_model_server "${flags[@]}" &
server=$!
trap 'kill -TERM "$server" 2>/dev/null' TERM INT
status=0
wait "$server" || status=$?
while kill -0 "$server" 2>/dev/null; do
    status=0
    wait "$server" || status=$?
done
exit "$status"
