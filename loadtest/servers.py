"""The servers that are measured, as processes of their own that end with the block."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Final

from loadtest.errors import LoadTestError

MODEL_SERVER: Final = "model server"
GATEWAY: Final = "gateway"

_MODEL_SERVER_READY: Final = re.compile(r"Running gRPC ModelServer at \S+:(?P<port>\d+) ")
_GATEWAY_READY: Final = re.compile(r"Heed gateway ready at (?P<address>\S+)")
_GATEWAY_HTTP: Final = re.compile(r"Heed gateway HTTP at (?P<url>\S+)")
_START_WITHIN_S: Final = 600.0
_STOP_WITHIN_S: Final = 30.0

_BATCHING: Final = """
max_batch_size {{ value: {rows} }}
batch_timeout_micros {{ value: {wait_us} }}
max_enqueued_batches {{ value: 1000 }}
num_batch_threads {{ value: {threads} }}
pad_variable_length_inputs: true
"""


@dataclass(frozen=True)
class Server:
    """A running server.

    Attributes:
        name: What it is, for reports.
        address: Where it listens, HOST:PORT.
        process_id: Its process.
        metrics_url: Where it tells its metrics; empty if nowhere.
    """

    name: str
    address: str
    process_id: int
    metrics_url: str = ""


@dataclass(frozen=True)
class Stack:
    """What answers requests: where to ask, and who works for it.

    Attributes:
        address: Where to ask.
        servers: Every process behind it, by name.
        metrics_url: Where the gateway tells its metrics; empty if there is none.
    """

    address: str
    servers: tuple[Server, ...]
    metrics_url: str = ""

    @property
    def process_ids(self) -> dict[str, int]:
        """The processes, by what they are."""
        return {server.name: server.process_id for server in self.servers}


@contextmanager
def heed_stack(
    base_path: Path,
    *,
    gateway_flags: Sequence[str] = (),
    model_server_flags: Sequence[str] = (),
) -> Iterator[Stack]:
    """A local model server with one model, and a gateway before it.

    Args:
        base_path: The model's folder, above its versions; its name is the model's.
        gateway_flags: More flags of the gateway.
        model_server_flags: More flags of the model server.

    Raises:
        LoadTestError: One of them does not start.
    """
    with (
        running_model_server(base_path, model_server_flags) as server,
        running_gateway(server.address, base_path.name, gateway_flags) as gateway,
    ):
        yield Stack(gateway.address, (gateway, server), gateway.metrics_url)


@contextmanager
def running_model_server(base_path: Path, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A local model server for one model."""
    command = [sys.executable, "-m", "model_server", "--port=0"]
    command += [f"--model_name={base_path.name}", f"--model_base_path={base_path.resolve()}"]
    with running(MODEL_SERVER, [*command, *flags]) as process:
        port = process.wait_for(_MODEL_SERVER_READY)["port"]
        yield Server(MODEL_SERVER, f"127.0.0.1:{port}", process.id)


@contextmanager
def running_gateway(model_server: str, model: str, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A gateway before a model server."""
    command = [sys.executable, "-m", "service", "--grpc-port=0", "--http-port=0"]
    command += [f"--model-server={model_server}", f"--model={model}", *flags]
    with running(GATEWAY, command) as process:
        address = process.wait_for(_GATEWAY_READY)["address"]
        url = process.wait_for(_GATEWAY_HTTP)["url"]
        yield Server(GATEWAY, address, process.id, f"{url.rstrip('/')}/metrics")


@contextmanager
def batching_flags(*, rows: int, threads: int = 1, wait_us: int = 2000) -> Iterator[list[str]]:
    """Flags with which a model server batches by itself, by TensorFlow Serving's rules, and pads.

    Args:
        rows: The most rows of a batch.
        threads: Batches that run at once.
        wait_us: How long the first row of a batch waits for others, in microseconds.
    """
    with tempfile.TemporaryDirectory(prefix="heed-batching-") as folder:
        path = Path(folder, "batching.config")
        path.write_text(
            _BATCHING.format(rows=rows, threads=threads, wait_us=wait_us), encoding="utf-8"
        )
        yield [
            "--enable_batching",
            f"--batching_parameters_file={path}",
            "--grpc_max_threads=1024",
        ]


class RunningProcess:
    """A process that prints into a file.

    Args:
        name: What it is, for errors.
        process: The process.
        log: The file.
    """

    def __init__(self, name: str, process: subprocess.Popen[bytes], log: Path) -> None:
        self._name = name
        self._process = process
        self._log = log

    @property
    def id(self) -> int:
        """Its process id."""
        return self._process.pid

    def printed(self) -> str:
        """What it has printed so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, line: re.Pattern[str]) -> re.Match[str]:
        """Waits until it prints a line.

        Raises:
            LoadTestError: It ended, or did not print it in time.
        """
        give_up_at_s = time.monotonic() + _START_WITHIN_S
        while time.monotonic() < give_up_at_s:
            has_ended = self._process.poll() is not None
            if found := line.search(self.printed()):
                return found
            if has_ended:
                break
            time.sleep(0.05)
        end = "\n".join(self.printed().splitlines()[-12:])
        raise LoadTestError(f"the {self._name} did not start; it printed:\n{end}")

    def end(self) -> None:
        """Ends it: kindly, then at once."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_STOP_WITHIN_S)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()


def end_servers_on_signals() -> None:
    """Lets SIGTERM and SIGHUP end this process as Ctrl-C does: every server ends with its block."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _leave)


def _leave(number: int, frame: FrameType | None) -> None:
    del frame
    raise SystemExit(128 + number)


@contextmanager
def running(name: str, command: Sequence[str]) -> Iterator[RunningProcess]:
    """A process for a block."""
    with tempfile.TemporaryDirectory(prefix="heed-loadtest-") as folder:
        log = Path(folder, "log")
        with log.open("wb") as output:
            process = subprocess.Popen(
                list(command), stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT
            )
        found = RunningProcess(name, process, log)
        try:
            yield found
        finally:
            found.end()
