"""Clients that nobody here wrote, in another language, learning the API by reflection."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exported_model import exported_models_dir  # noqa: F401
from tests.support.gateway import GatewayProcess, running_gateway

PROGRAMS = Path(sys.executable).parent
SERVICE = "heed.v1.InferenceService"


@pytest.fixture(scope="module")
def gateway(exported_models_dir: Path) -> Iterator[GatewayProcess]:  # noqa: F811
    with running_gateway(["--models-dir", str(exported_models_dir)]) as process:
        yield process


def _buf_curl(gateway: GatewayProcess, method: str, body: str) -> subprocess.CompletedProcess[str]:
    url = f"http://{gateway.address}/{SERVICE}/{method}"
    return subprocess.run(
        [PROGRAMS / "buf", "curl", "--protocol=grpc", "--http2-prior-knowledge", f"-d={body}", url],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_buf_curl_generates_by_reflection(gateway: GatewayProcess) -> None:
    body = {"texts": ["heed"], "options": {"attention": "ATTENTION_LEVEL_PIECES"}}
    done = _buf_curl(gateway, "Generate", json.dumps(body))
    assert done.returncode == 0, done.stderr
    (result,) = json.loads(done.stdout)["results"]
    assert [token["text"] for token in result["sourceTokens"]] == list("heed")
    attention = result["hypotheses"][0]["attention"]
    assert len(attention["weights"]) == len(attention["targetTokens"]) * 4


def test_buf_curl_sees_the_violated_field(gateway: GatewayProcess) -> None:
    done = _buf_curl(gateway, "Generate", json.dumps({"texts": [" "]}))
    assert done.returncode != 0
    error = json.loads(done.stderr)
    assert error["code"] == "invalid_argument"
    assert "texts[0]" in error["message"]


def test_buf_curl_lists_the_models(gateway: GatewayProcess) -> None:
    done = _buf_curl(gateway, "ListModels", "{}")
    assert done.returncode == 0, done.stderr
    (model,) = json.loads(done.stdout)["models"]
    assert model["name"] == "g2p"
    assert model["ready"] is True


@pytest.mark.skipif(
    not (PROGRAMS / "k6").exists(), reason="k6 is in the lock file for Linux on x86-64 only"
)
def test_k6_generates_by_reflection(gateway: GatewayProcess) -> None:
    script = Path(__file__).parent / "foreign/generate.js"
    command = [PROGRAMS / "k6", "run", "--no-usage-report", "--quiet", "--address=127.0.0.1:0"]
    done = subprocess.run(
        [*command, f"--env=ADDRESS={gateway.address}", script],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "100.00%" in done.stdout
