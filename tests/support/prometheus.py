"""Starts a real Prometheus, from Debian's package, and asks it.

    with running_prometheus(config, folder) as prometheus:
        prometheus.query("sum(up)")

It listens on 127.0.0.1, on a port that the system picks, keeps its numbers in a folder of the test,
and is ended by its own process id when the block is left.
"""

from __future__ import annotations

import math
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest
import yaml

from tests.support.waiting import wait_until
from tools.debian_package import PackageUnavailableError, unpacked_package

STOP_TIMEOUT_S = 20.0


def prometheus_program(name: str) -> Path:
    """`prometheus` or `promtool`; the test is skipped where it cannot be had."""
    try:
        return unpacked_package("prometheus") / "usr/bin" / name
    except PackageUnavailableError as error:
        pytest.skip(f"NOT TESTED, no {name}: {error}")


@dataclass(frozen=True)
class Prometheus:
    """A running Prometheus.

    Attributes:
        url: Where it answers.
        log_path: What it prints.
    """

    url: str
    log_path: Path

    def ask(self, path: str, **parameters: str) -> Any:
        """The `data` of an answer of its API.

        Raises:
            AssertionError: It reports an error, for example in the query.
        """
        answer = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=20).json()
        assert answer["status"] == "success", f"{parameters}: {answer.get('error')}"
        return answer["data"]

    def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The series that an expression gives now, as labels and value."""
        result = self.ask("query", query=expression)["result"]
        return [(series["metric"], float(series["value"][1])) for series in result]

    def has_numbers(self, expression: str) -> bool:
        """Whether an expression gives a number now; NaN, as of 0 / 0, is none."""
        return any(not math.isnan(value) for _, value in self.query(expression))


@contextmanager
def running_prometheus(config: Mapping[str, Any], folder: Path) -> Iterator[Prometheus]:
    """A Prometheus with a configuration; its files are in the folder."""
    program = prometheus_program("prometheus")
    config_path, log_path = folder / "prometheus.yml", folder / "prometheus.log"
    config_path.write_text(yaml.safe_dump(dict(config)))
    command = [
        str(program),
        f"--config.file={config_path}",
        f"--storage.tsdb.path={folder / 'data'}",
        "--web.listen-address=127.0.0.1:0",
    ]
    with log_path.open("wb") as log_file:
        process = subprocess.Popen(
            command, cwd=folder, stdin=subprocess.DEVNULL, stdout=log_file, stderr=log_file,
            env={**os.environ, "GOMAXPROCS": "1"},
        )  # fmt: skip
    try:
        yield Prometheus(_url_when_ready(process, log_path), log_path)
    finally:
        process.terminate()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _url_when_ready(process: subprocess.Popen[bytes], log_path: Path) -> str:
    def describe() -> str:
        return f"status {process.poll()}, {log_path.read_text(errors='replace')}"

    def url() -> str:
        for connection in psutil.Process(process.pid).net_connections("tcp"):
            if connection.status == psutil.CONN_LISTEN:
                return f"http://127.0.0.1:{connection.laddr.port}"
        return ""

    def is_ready() -> bool:
        if process.poll() is not None:
            raise RuntimeError(f"Prometheus ended: {describe()}")
        try:
            found = url()
            return bool(found) and httpx.get(f"{found}/-/ready").status_code == 200
        except httpx.TransportError:
            return False

    wait_until(is_ready, describe, timeout_s=60)
    return url()
