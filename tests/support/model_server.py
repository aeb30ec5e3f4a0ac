"""Starts the local model server as a real process, the way a user does.

    with running_model_server(model_flags("g2p", models_dir / "g2p")) as server:
        channel = grpc.insecure_channel(server.address)

Every server listens on 127.0.0.1, on a port that the system picks, and is ended by its own process
id when the block is left.
"""

from __future__ import annotations

import os
import re
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import psutil
import pytest

MODEL_SERVER_COMMAND = (sys.executable, "-m", "model_server")
FOREIGN_COMMAND_VARIABLE = "HEED_MODEL_SERVER_COMMAND"
FOREIGN_ADDRESS_VARIABLE = "HEED_MODEL_SERVER_ADDRESS"
READY_LINE = re.compile(r"Running gRPC ModelServer at \S+:(?P<port>\d+) \.\.\.")
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 30.0
NO_RETRIES = "--max_num_load_retries=0"
LOCAL_FLAGS = (NO_RETRIES, "--file_system_poll_wait_seconds=0.2")
FOREIGN_FLAGS = (NO_RETRIES, "--file_system_poll_wait_seconds=1")


class ModelServerFailedError(Exception):
    """The process ended, or was not ready in time; the message holds what it printed."""


@dataclass(frozen=True)
class ModelServerProcess:
    """A running model server.

    Attributes:
        address: Where it listens, `host:port`.
        process: Its process; `process.pid` is its id.
        log_path: The file that receives what it prints.
    """

    address: str
    process: subprocess.Popen[bytes]
    log_path: Path

    @property
    def port(self) -> int:
        """The port that the system picked."""
        return int(self.address.rpartition(":")[2])

    def log(self) -> str:
        """Everything it has printed so far."""
        return self.log_path.read_text(errors="replace")

    def kill(self) -> None:
        """End it at once, as a crash would, and wait until it is gone."""
        self.process.kill()
        self.process.wait(STOP_TIMEOUT_S)

    def terminate(self) -> int:
        """Ask it to stop (SIGTERM) and return its exit status."""
        self.process.terminate()
        return self.process.wait(STOP_TIMEOUT_S)

    def cpu_seconds(self) -> float:
        """Processor time it has used so far, in seconds."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def resident_bytes(self) -> int:
        """Memory it holds at this moment, in bytes."""
        return int(psutil.Process(self.process.pid).memory_info().rss)


def model_flags(name: str, base_path: Path) -> list[str]:
    """Flags that serve one model from its base path (the folder above the versions)."""
    return [f"--model_name={name}", f"--model_base_path={base_path}"]


def start_model_server(
    flags: Sequence[str],
    *,
    port: int = 0,
    host: str | None = "127.0.0.1",
    timeout_s: float = START_TIMEOUT_S,
    command: Sequence[str] = MODEL_SERVER_COMMAND,
    environment: Mapping[str, str] | None = None,
) -> ModelServerProcess:
    """Start a server and wait for its ready line.

    Args:
        flags: Its flags, without the port. Failed loads are not retried and the models' folders
            are read several times a second, unless the flags say otherwise.
        port: Where it listens; 0 lets the system pick.
        host: Where it listens; None for a server without that flag, which listens everywhere.
        timeout_s: How long it may take until it is ready, in seconds.
        command: The server's command.
        environment: Its whole environment; that of the tests when None.

    Raises:
        ModelServerFailedError: When it ended or was not ready in time. Nothing is left running.
    """
    usual_flags = FOREIGN_FLAGS if host is None else (f"--host={host}", *LOCAL_FLAGS)
    arguments = [*command, f"--port={port}", *usual_flags, *flags]
    with tempfile.NamedTemporaryFile("wb", suffix=".model-server.log", delete=False) as log_file:
        process = _spawn(arguments, log_file, environment)
    log_path = Path(log_file.name)
    try:
        address = _wait_until_ready(process, log_path, timeout_s)
    except BaseException:
        _end(process)
        log_path.unlink(missing_ok=True)
        raise
    return ModelServerProcess(address=address, process=process, log_path=log_path)


@contextmanager
def running_model_server(
    flags: Sequence[str],
    *,
    port: int = 0,
    host: str | None = "127.0.0.1",
    timeout_s: float = START_TIMEOUT_S,
    command: Sequence[str] = MODEL_SERVER_COMMAND,
    environment: Mapping[str, str] | None = None,
) -> Iterator[ModelServerProcess]:
    """`start_model_server` for a block: the server is ended when the block is left."""
    server = start_model_server(
        flags,
        port=port,
        host=host,
        timeout_s=timeout_s,
        command=command,
        environment=environment,
    )
    try:
        yield server
    finally:
        end_model_server(server)


def foreign_command() -> tuple[str, ...] | None:
    """The command of another server to test, such as TensorFlow Serving in a container.

    It is taken from the environment variable HEED_MODEL_SERVER_COMMAND, gets TensorFlow Serving's
    flags appended, and must see the tests' temporary folders under the same paths.
    """
    text = os.environ.get(FOREIGN_COMMAND_VARIABLE, "")
    return tuple(shlex.split(text)) or None


def foreign_address() -> str | None:
    """The address of a running server to test, from the environment; see the contract tests."""
    return os.environ.get(FOREIGN_ADDRESS_VARIABLE) or None


@contextmanager
def running_server_under_test(flags: Sequence[str]) -> Iterator[ModelServerProcess]:
    """The local model server, or the foreign one whose command the environment names.

    Tests that need a process of their own are skipped when the environment names an address.
    """
    if foreign_address():
        pytest.skip("a server that is running already cannot be started with other flags")
    command = foreign_command()
    if command is None:
        with running_model_server(flags) as server:
            yield server
        return
    with running_model_server(flags, port=free_port(), command=command, host=None) as server:
        yield server


def free_port() -> int:
    """A port that nothing listens on at this moment, for servers that must be told one."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def end_model_server(server: ModelServerProcess) -> None:
    """Ends a server if it still runs, and removes its log."""
    _end(server.process)
    server.log_path.unlink(missing_ok=True)


def _spawn(
    arguments: Sequence[str], log_file: IO[bytes], environment: Mapping[str, str] | None
) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        arguments,
        stdin=subprocess.DEVNULL,
        stdout=log_file,
        stderr=subprocess.STDOUT,
        env=None if environment is None else dict(environment),
    )


def _wait_until_ready(process: subprocess.Popen[bytes], log_path: Path, timeout_s: float) -> str:
    give_up_at = time.monotonic() + timeout_s
    while time.monotonic() < give_up_at:
        ended = process.poll() is not None
        log = log_path.read_text(errors="replace")
        if ready := READY_LINE.search(log):
            return f"127.0.0.1:{ready['port']}"
        if ended:
            raise ModelServerFailedError(
                f"the model server ended with status {process.returncode} and printed:\n{log}"
            )
        time.sleep(0.02)
    raise ModelServerFailedError(
        f"the model server was not ready after {timeout_s} s and printed:\n"
        f"{log_path.read_text(errors='replace')}"
    )


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(STOP_TIMEOUT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
