#!/usr/bin/env bash
# Generates the Python messages and stubs from protos/ into OUT (default: the project's root).
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-.}
python=${PYTHON:-.venv/bin/python}
"$python" -m grpc_tools.protoc -I protos --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
    protos/heed/v1/model.proto protos/heed/v1/inference.proto
"$python" -m grpc_tools.protoc -I protos --python_out="$out" --pyi_out="$out" protos/heed/wire/v1/serving.proto
"$python" -m grpc_tools.protoc -I protos --python_out="$out" --pyi_out="$out" --grpc_python_out="$out" \
    protos/heed/wire/inference/grpc_inference.proto
rm -f "$out/heed/v1/model_pb2_grpc.py"  # holds no service
descriptors=$(mktemp)
trap 'rm -f "$descriptors"' EXIT
"$python" -m grpc_tools.protoc -I protos --include_source_info --descriptor_set_out="$descriptors" \
    protos/heed/v1/model.proto protos/heed/v1/inference.proto
"$python" tools/proto_comments.py "$descriptors" "$out/heed/v1/comments.json"
