"""The health check of the gateway's image, run beside a real gateway as the container runs it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.certificates import Authority
from tests.support.exported_model import exported_models_dir  # noqa: F401
from tests.support.gateway import running_gateway
from tests.support.model_server import free_port

SCRIPT = Path(__file__).resolve().parents[3] / "deploy/docker/healthy_gateway.py"


def check(**environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-I", "-S", SCRIPT],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_gateway_that_can_answer_is_healthy(exported_models_dir: Path) -> None:  # noqa: F811
    with running_gateway(["--models-dir", str(exported_models_dir), "--http-port=0"]) as gateway:
        done = check(HEED_HTTP_PORT=str(urlsplit(gateway.url).port))
        assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def lonely_flags() -> list[str]:
    """A gateway without a model server, which listens and cannot answer."""
    return ["--model-server", f"127.0.0.1:{free_port()}", "--model", "g2p"]


def test_a_gateway_without_a_model_server_is_not_healthy(lonely_flags: list[str]) -> None:
    with running_gateway([*lonely_flags, "--http-port=0"], until_ready=False) as gateway:
        done = check(HEED_HTTP_PORT=str(urlsplit(gateway.url).port))
        assert done.returncode == 1
        assert "not healthy: HTTP Error 503" in done.stderr


def test_the_gateways_own_certificate_is_no_obstacle(
    lonely_flags: list[str], tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    own = authority.issue("gateway", "gateway.example.org")
    tls = ["--tls-cert", str(own.chain), "--tls-key", str(own.key)]
    with running_gateway([*lonely_flags, *tls, "--http-port=0"], until_ready=False) as gateway:
        port = str(urlsplit(gateway.url).port)
        seen = check(HEED_HTTP_PORT=port, HEED_TLS_CERT=str(own.chain))
        assert "HTTP Error 503" in seen.stderr  # understood, although nothing can be answered
        with_client_ca = check(HEED_HTTP_PORT=port, HEED_TLS_CLIENT_CA=str(authority.path))
        assert with_client_ca.returncode == 0, with_client_ca.stderr


def test_without_http_the_grpc_port_counts(lonely_flags: list[str]) -> None:
    with running_gateway(lonely_flags, until_ready=False) as gateway:
        port = gateway.address.rpartition(":")[2]
        assert check(HEED_HTTP="no", HEED_GRPC_PORT=port).returncode == 0
    gone = check(HEED_HTTP="no", HEED_GRPC_PORT=port)
    assert gone.returncode == 1
    assert "not healthy" in gone.stderr
