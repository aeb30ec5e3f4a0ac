"""The servers that are measured, as processes of their own."""

from __future__ import annotations

import re
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

import psutil

_MODEL_SERVER_READY: Final = re.compile(r"Running gRPC ModelServer at \S+?:(\d+) ")
_GATEWAY_READY: Final = re.compile(r"Heed gateway ready at (\S+)")

SERVING_BATCHING: Final = """
max_batch_size {{ value: {rows} }}
batch_timeout_micros {{ value: 2000 }}
max_enqueued_batches {{ value: 1000 }}
num_batch_threads {{ value: {threads} }}
pad_variable_length_inputs: true
"""


class Server(NamedTuple):
    """A running server: where it listens, and its process."""

    address: str
    process_id: int

    def cpu_s(self) -> float:
        """Processor time so far, in seconds."""
        times = psutil.Process(self.process_id).cpu_times()
        return float(times.user + times.system)


@contextmanager
def model_server(base_path: Path, *flags: str) -> Iterator[Server]:
    """A local model server for one model."""
    command = [sys.executable, "-m", "model_server", "--port=0", f"--model_name={base_path.name}"]
    command += [f"--model_base_path={base_path}", *flags]
    with _running(command, _MODEL_SERVER_READY) as server:
        yield server._replace(address=f"127.0.0.1:{server.address}")


@contextmanager
def batching_model_server(base_path: Path, *, rows: int, threads: int = 1) -> Iterator[Server]:
    """One that batches itself, by TensorFlow Serving's rules, and pads."""
    with tempfile.TemporaryDirectory() as folder:
        parameters = Path(folder, "batching")
        parameters.write_text(SERVING_BATCHING.format(rows=rows, threads=threads))
        flags = ("--enable_batching", f"--batching_parameters_file={parameters}")
        with model_server(base_path, *flags, "--grpc_max_threads=1024") as server:
            yield server


@contextmanager
def gateway(server: Server, model: str, flags: Sequence[str] = ()) -> Iterator[Server]:
    """A gateway before a model server."""
    command = [sys.executable, "-m", "service", "--grpc-port=0", "--no-http"]
    command += [f"--model-server={server.address}", f"--model={model}", *flags]
    with _running(command, _GATEWAY_READY) as server:
        yield server


@contextmanager
def _running(command: Sequence[str], ready: re.Pattern[str]) -> Iterator[Server]:
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        found = next(filter(None, map(ready.search, process.stderr or ())), None)
        if found is None:
            raise SystemExit(f"{' '.join(command)} ended before it was ready")
        drain = threading.Thread(target=lambda: list(process.stderr or ()))
        drain.start()
        try:
            yield Server(found[1], process.pid)
        finally:
            process.terminate()
            drain.join()
