#!/bin/sh
# Runs the model server's contract tests against TensorFlow Serving's image.
#
# Each server is a container on the host's network that sees the tests' folder, read-only, under
# the same path, runs as the caller, and goes away when the tests end it.
#
# Usage: tools/test_tf_serving.sh IMAGE [PYTEST ARGUMENTS ...]
set -eu

image=${1:?"name an image: make test-tf-serving IMAGE=tensorflow/serving:2.20.0"}
shift
command -v docker >/dev/null || { echo "heed: error: Docker is not installed" >&2; exit 1; }
docker image inspect "$image" >/dev/null 2>&1 || docker pull "$image"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
if [ $# -eq 0 ]; then set -- tests/contract/model_server; fi

HEED_MODEL_SERVER_COMMAND="docker run --rm --init --network=host --user=$(id -u):$(id -g) \
--volume=$folder:$folder:ro --entrypoint=tensorflow_model_server $image" \
    "${PYTHON:-.venv/bin/python}" -m pytest --basetemp="$folder/pytest" "$@"
