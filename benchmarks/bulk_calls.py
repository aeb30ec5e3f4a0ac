"""What the three ways of bulk work cost the gateway: one stream, calls of 64 texts, calls of one.

A model that answers at once stands behind the local model server. The gateway's processor time for
each text hardly depends on what else the machine does; texts a second do, and are shown side by
side, in turns.

Usage: python benchmarks/bulk_calls.py [--texts N] [--rounds N]
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from gateway_overhead import GATEWAY_READY, MODEL_SERVER_READY, cpu_s, running
from instant_model import NAME, publish_instant_model

from heed import Client

TEXTS_PER_CALL = 64
CALLS_AT_ONCE = 16


@contextmanager
def running_gateway() -> Iterator[tuple[str, int]]:
    """A gateway before a model that answers at once; gives its address and process id."""
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder, NAME)
        publish_instant_model(base_path)
        server = [sys.executable, "-m", "model_server", "--port=0", f"--model_name={NAME}"]
        server.append(f"--model_base_path={base_path}")
        gateway = [sys.executable, "-m", "service", "--grpc-port=0", f"--model={NAME}", "--no-http"]
        with (
            running(server, MODEL_SERVER_READY) as (address, _),
            running([*gateway, f"--model-server={address}"], GATEWAY_READY) as found,
        ):
            yield found


def ways(client: Client, texts: list[str]) -> dict[str, Callable[[], object]]:
    """The ways to have every text answered."""
    calls = [texts[i : i + TEXTS_PER_CALL] for i in range(0, len(texts), TEXTS_PER_CALL)]

    def one_by_one() -> None:
        with ThreadPoolExecutor(CALLS_AT_ONCE) as pool:
            list(pool.map(client.generate, texts))

    return {
        "GenerateMany": lambda: list(client.generate_many(texts)),
        f"calls of {TEXTS_PER_CALL}": lambda: [client.generate(call) for call in calls],
        f"calls of 1, {CALLS_AT_ONCE} at once": one_by_one,
    }


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="What bulk work costs the gateway.")
    parser.add_argument("--texts", type=int, default=4000, help="in each round (default: 4000)")
    parser.add_argument("--rounds", type=int, default=2, help="default: 2")
    options = parser.parse_args()
    texts = [("abcdefghij" * 3)[: 4 + number % 20] for number in range(options.texts)]
    with running_gateway() as (address, pid), Client(address) as client:
        list(client.generate_many(texts[:500]))  # warm
        for _ in range(options.rounds):
            for name, work in ways(client, texts).items():
                cpu_before, began = cpu_s(pid), time.perf_counter()
                work()
                cpu_us = 1e6 * (cpu_s(pid) - cpu_before) / len(texts)
                per_s = len(texts) / (time.perf_counter() - began)
                print(f"{name:24} {cpu_us:6.0f} us of the gateway a text {per_s:7.0f} texts/s")


if __name__ == "__main__":
    main()
