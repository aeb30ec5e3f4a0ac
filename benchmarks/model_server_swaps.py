"""Whether the local model server's memory stays flat while a model changes its version often.

Publishes one version after the other of a small model, asks each once, and removes the old one.
Prints the resident memory now and then; at the end, how much a change has cost since the first
tenth, in KiB.

Usage: python benchmarks/model_server_swaps.py [--changes N]
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import grpc
import psutil
from model_server_overhead import PREDICT, READY_LINE, TRIVIAL, trivial_request, write_trivial_model

from model_server.messages import predict_pb2

GIVE_UP_S = 60.0
POLL_S = "0.02"


def publish(source: Path, base_path: Path, version: int) -> None:
    staging = base_path / f"{version}.tmp"
    shutil.copytree(source, staging)
    staging.rename(base_path / str(version))


def wait_for_version(channel: grpc.Channel, version: int) -> None:
    """Asks until that version answers."""
    predict = channel.unary_unary(
        PREDICT, response_deserializer=predict_pb2.PredictResponse.FromString
    )
    give_up_at = time.monotonic() + GIVE_UP_S
    while predict(trivial_request()).model_spec.version.value != version:
        if time.monotonic() > give_up_at:
            raise SystemExit(f"version {version} was not served after {GIVE_UP_S} s")
        time.sleep(0.002)


def measure(address: str, base_path: Path, *, changes: int, process: psutil.Process) -> list[float]:
    """Resident memory after each change, in KiB."""
    memory_kib, source = [], base_path.parent / "source"
    shutil.copytree(base_path / "1", source)
    with grpc.insecure_channel(address) as channel:
        for version in range(2, changes + 2):
            publish(source, base_path, version)
            wait_for_version(channel, version)
            shutil.rmtree(base_path / str(version - 1))
            memory_kib.append(process.memory_info().rss / 1024)
            if len(memory_kib) % max(1, changes // 10) == 0:
                print(f"{len(memory_kib):5} changes: {memory_kib[-1] / 1024:.1f} MiB", flush=True)
    return memory_kib


def main() -> None:
    parser = argparse.ArgumentParser(description="Memory of the model server over many versions.")
    parser.add_argument("--changes", type=int, default=1000, help="version changes (default: 1000)")
    changes = parser.parse_args().changes
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder) / TRIVIAL
        write_trivial_model(base_path)
        command = [
            *(sys.executable, "-m", "model_server", "--port=0", f"--model_name={TRIVIAL}"),
            *(f"--model_base_path={base_path}", f"--file_system_poll_wait_seconds={POLL_S}"),
        ]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            lines = process.stderr or ()
            ready = next(filter(None, map(READY_LINE.search, lines)), None)
            if not isinstance(ready, re.Match):
                raise SystemExit("the model server ended before it was ready")
            drain = threading.Thread(target=lambda: list(lines))
            drain.start()
            try:
                memory_kib = measure(
                    f"127.0.0.1:{ready[1]}",
                    base_path,
                    changes=changes,
                    process=psutil.Process(process.pid),
                )
            finally:
                process.terminate()
                drain.join()
    settled = max(1, changes // 10)
    growth = (memory_kib[-1] - memory_kib[settled - 1]) / max(1, changes - settled)
    print(f"{growth:.2f} KiB a change since the first {settled}")


if __name__ == "__main__":
    main()
