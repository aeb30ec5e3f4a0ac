"""What the gateway and the client may load, looked at in fresh processes."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

FORBIDDEN = ("tensorflow", "keras", "model_export", "model_server", "matplotlib")


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps(sorted(sys.modules)))"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(json.loads(result.stdout))


@pytest.mark.parametrize(
    "statement", ["import service.main, service.gateway, service.rpc.server", "import heed.client"]
)
def test_neither_the_gateway_nor_the_client_loads_tensorflow(statement: str) -> None:
    loaded = modules_after(statement)
    assert {name for name in loaded if name.split(".")[0] in FORBIDDEN} == set()


@pytest.mark.parametrize(
    "module",
    ["service.settings", "service.errors", "service.pipeline.limits", "service.batching.batcher"],
)
def test_grpc_is_known_to_the_edges_alone(module: str) -> None:
    assert "grpc" not in modules_after(f"import {module}")
