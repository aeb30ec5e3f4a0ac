"""The configuration of TensorFlow Serving, with the local model server in its place.

start.sh and healthy.sh run as in a container, under another path, on ports that are free, and with
the tests' model.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.exported_model import exported_models_dir  # noqa: F401
from tests.support.model_server import free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[3]
CONFIGURATION = ROOT / "deploy/tf-serving"
START_TIMEOUT_S = 120


@dataclass(frozen=True)
class Container:
    """start.sh, running."""

    folder: Path
    process: subprocess.Popen[bytes]
    rest_port: int
    log_path: Path

    def log(self) -> str:
        return self.log_path.read_text(errors="replace")

    def is_healthy(self) -> bool:
        return self.health().returncode == 0

    def health(self) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, "HEED_TF_SERVING_REST_PORT": str(self.rest_port)}
        command = ["bash", self.folder / "healthy.sh"]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False
        )

    def wait_until_healthy(self) -> None:
        def settled() -> bool:
            return self.process.poll() is not None or self.is_healthy()

        wait_until(settled, self.log, timeout_s=START_TIMEOUT_S)
        assert self.process.poll() is None, self.log()


@contextmanager
def started(folder: Path, models_dir: Path, **environment: str) -> Iterator[Container]:
    configuration = folder / "config"
    shutil.copytree(CONFIGURATION, configuration)
    models = configuration / "models.config"
    text = models.read_text(encoding="utf-8").replace("g2p-quick", "g2p")
    models.write_text(text.replace("/models/", f"{models_dir}/"), encoding="utf-8")
    rest_port = free_port()
    programs = folder / "programs"
    programs.mkdir()
    program = programs / "tensorflow_model_server"
    program.write_text(
        f'#!/bin/sh\nexec {sys.executable} -m model_server "$@" '
        f"--host=127.0.0.1 --port=0 --rest_api_port={rest_port}\n",
        encoding="utf-8",
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    log_path = folder / "log"
    with log_path.open("wb") as log:
        process = subprocess.Popen(
            ["bash", configuration / "start.sh"],
            cwd=ROOT,
            env={**os.environ, "PATH": f"{programs}:{os.environ['PATH']}", **environment},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    try:
        yield Container(configuration, process, rest_port, log_path)
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait(60)


@pytest.fixture(scope="module")
def container(
    exported_models_dir: Path,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Container]:
    folder = tmp_path_factory.mktemp("tf-serving")
    with started(folder, exported_models_dir) as running:
        running.wait_until_healthy()
        yield running


def test_the_models_are_served_and_healthy(container: Container) -> None:
    url = f"http://127.0.0.1:{container.rest_port}/v1/models/g2p/labels/stable"
    with urllib.request.urlopen(url, timeout=30) as answer:
        assert b'"AVAILABLE"' in answer.read()


def test_metrics_are_where_prometheus_looks_for_them(container: Container) -> None:
    page = "/monitoring/prometheus/metrics"
    assert f"metrics_path: {page}" in (ROOT / "deploy/prometheus/prometheus.yml").read_text()
    with urllib.request.urlopen(f"http://127.0.0.1:{container.rest_port}{page}") as answer:
        assert b":tensorflow:serving:" in answer.read()


def test_a_model_without_a_version_is_not_healthy(container: Container) -> None:
    models = container.folder / "models.config"
    before = models.read_text(encoding="utf-8")
    models.write_text(before.replace('name: "g2p"', 'name: "unknown"'), encoding="utf-8")
    try:
        done = container.health()
    finally:
        models.write_text(before, encoding="utf-8")
    assert done.returncode == 1
    assert "unknown has no version that answers" in done.stderr


def test_sigterm_is_handed_on_and_the_server_ends_in_order_with_batching_too(
    exported_models_dir: Path,  # noqa: F811
    tmp_path: Path,
) -> None:
    with started(
        tmp_path,
        exported_models_dir,
        HEED_TF_SERVING_BATCHING="on",
        HEED_TF_SERVING_THREADS="1",
        HEED_TF_SERVING_FLAGS="--max_num_load_retries=0 --grpc_max_threads=8",
    ) as running:
        running.wait_until_healthy()
        running.process.send_signal(signal.SIGTERM)
        assert running.process.wait(60) == 0, running.log()
    assert not running.is_healthy()


def test_a_server_that_cannot_start_is_seen_by_its_status(tmp_path: Path) -> None:
    with started(tmp_path, tmp_path / "no-models", HEED_TF_SERVING_FLAGS="--nonsense") as running:
        assert running.process.wait(60) == 2
    assert "--nonsense" in running.log()
