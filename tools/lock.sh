#!/usr/bin/env bash
# Writes the lock files from pyproject.toml: versions and hashes, no host.
set -euo pipefail
cd "$(dirname "$0")/.."
compile() {
    UV_NATIVE_TLS=1 .venv/bin/uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
        --no-emit-index-url --no-emit-find-links --no-header --no-annotate --quiet "$@"
}
compile --extra dev --output-file requirements/dev.lock
compile --extra serve --constraint requirements/dev.lock --output-file requirements/serve.lock
