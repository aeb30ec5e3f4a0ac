#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: versions and hashes, no host.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    UV_NATIVE_TLS=1 .venv/bin/uv pip compile --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet "$@"
}
like_dev=(--constraint requirements/dev.lock)

compile pyproject.toml --extra dev --output-file requirements/dev.lock
compile pyproject.toml --extra serve "${like_dev[@]}" --output-file requirements/serve.lock

# The container images. The model server uses TensorFlow's library and its messages alone, so what
# only TensorFlow's Python package imports is left out.
compile --group build "${like_dev[@]}" --output-file requirements/build.lock
compile pyproject.toml --extra loadtest "${like_dev[@]}" --output-file requirements/loadtest.lock
unused=(
    absl-py astunparse certifi charset-normalizer flatbuffers gast google-pasta grpcio-reflection
    grpcio-status h5py idna keras libclang markdown markdown-it-py markupsafe
    mdurl ml-dtypes namex opt-einsum optree packaging pillow pygments requests rich
    sentencepiece setuptools six tensorboard tensorboard-data-server termcolor urllib3
    werkzeug wheel wrapt
)
compile pyproject.toml --extra model-server "${like_dev[@]}" "${unused[@]/#/--no-emit-package=}" \
    --output-file requirements/model-server.lock
