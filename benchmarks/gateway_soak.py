"""Whether the gateway's memory stays flat: over many requests, and over many version swaps.

Behind the gateway stands the local model server with a model that answers at once. The requests
are mixed: most succeed, some have wrong options or name no model, some are cancelled, some carry
attention. Version swaps publish one version after the other and ask each over the gateway.

Prints resident memory now and then; at the end the growth since the first tenth, in bytes for
each request and in KiB for each swap, and how often each answer came.

Usage: python benchmarks/gateway_soak.py [--requests N] [--swaps N]
"""

from __future__ import annotations

import argparse
import asyncio
import collections
import multiprocessing
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import psutil
from gateway_overhead import GATEWAY_READY, GENERATE, MODEL_SERVER_READY, OPTIONS, running
from instant_model import NAME, publish_instant_model

from heed.v1 import inference_pb2

CALLERS = 64
BLOCKS = 20
GIVE_UP_S = 60.0


def mixed_requests() -> list[tuple[bytes, bool]]:
    """Requests, and whether the caller leaves before the answer; 1 in 20 each of the odd ones."""
    generate, options = inference_pb2.GenerateRequest, inference_pb2.GenerateOptions
    texts = ["attention", "gateway", "a", "memory", "flatness", "zebra" * 8]
    plain = [(generate(texts=[text]).SerializeToString(), False) for text in texts * 3]
    level = inference_pb2.ATTENTION_LEVEL_PIECES
    odd = [
        generate(texts=["attention"], options=options(attention=level)),
        generate(texts=["attention"], options=options(max_length=-1)),
        generate(texts=["a", "bb", "ccc"]),
        generate(texts=[]),
    ]
    unknown = generate(texts=["attention"])
    unknown.model.name = "unknown"
    odd.append(unknown)
    cancelled = [(generate(texts=["attention"]).SerializeToString(), True)]
    return [*plain, *((request.SerializeToString(), False) for request in odd), *cancelled]


def call_many(address: str, count: int, codes: Any) -> None:
    """Sends `count` requests from many callers; puts how often each status came into the queue."""
    requests, statuses = mixed_requests(), collections.Counter[str]()

    async def one(call: Any, request: bytes, *, leaves: bool) -> None:
        answer = call(request, timeout=30)
        if leaves:
            await asyncio.sleep(0)
            answer.cancel()
        try:
            await answer
            statuses["OK"] += 1
        except grpc.aio.AioRpcError as error:
            statuses[error.code().name] += 1
        except asyncio.CancelledError:
            statuses["CANCELLED"] += 1

    async def run() -> None:
        numbers = iter(range(count))
        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            call = channel.unary_unary(GENERATE)

            async def caller() -> None:
                for number in numbers:
                    request, leaves = requests[number % len(requests)]
                    await one(call, request, leaves=leaves)

            await asyncio.gather(*(caller() for _ in range(CALLERS)))

    asyncio.run(run())
    codes.put(statuses)


def soak(address: str, requests: int, gateway: psutil.Process) -> collections.Counter[str]:
    """Sends the requests in blocks and prints the gateway's memory after each."""
    context = multiprocessing.get_context("spawn")
    total: collections.Counter[str] = collections.Counter()
    memory: list[int] = []
    for block in range(1, BLOCKS + 1):
        codes = context.Queue()
        process = context.Process(target=call_many, args=(address, requests // BLOCKS, codes))
        began = time.monotonic()
        process.start()
        total += codes.get()
        process.join()
        seconds = time.monotonic() - began
        memory.append(gateway.memory_info().rss)
        print(
            f"{block * (requests // BLOCKS):9} requests: {memory[-1] / 2**20:.1f} MiB, "
            f"{requests / BLOCKS / seconds:.0f}/s",
            flush=True,
        )
    settled = max(1, BLOCKS // 10)
    growth = (memory[-1] - memory[settled - 1]) / (requests * (1 - settled / BLOCKS))
    print(f"growth since the first tenth: {growth:.2f} bytes a request")
    return total


def swap(address: str, base_path: Path, swaps: int, gateway: psutil.Process) -> None:
    """Publishes version after version; waits until the gateway answers with each."""
    source = base_path.parent / "source"
    shutil.copytree(base_path / "1", source)
    memory: list[int] = []
    with grpc.insecure_channel(address, options=OPTIONS) as channel:
        generate = channel.unary_unary(
            GENERATE, response_deserializer=inference_pb2.GenerateResponse.FromString
        )
        request = inference_pb2.GenerateRequest(texts=["attention"]).SerializeToString()
        for version in range(2, swaps + 2):
            staging = base_path / f"{version}.tmp"
            shutil.copytree(source, staging)
            staging.rename(base_path / str(version))
            give_up_at = time.monotonic() + GIVE_UP_S
            while generate(request, timeout=30).model.version != version:
                if time.monotonic() > give_up_at:
                    raise SystemExit(f"version {version} did not answer after {GIVE_UP_S} s")
                time.sleep(0.01)
            shutil.rmtree(base_path / str(version - 1))
            memory.append(gateway.memory_info().rss)
            if len(memory) % max(1, swaps // 10) == 0:
                print(f"{len(memory):5} swaps: {memory[-1] / 2**20:.1f} MiB", flush=True)
    settled = max(1, swaps // 10)
    growth = (memory[-1] - memory[settled - 1]) / 1024 / max(1, swaps - settled)
    print(f"growth since the first tenth: {growth:.2f} KiB a swap")


@contextmanager
def running_both(base_path: Path) -> Iterator[tuple[str, psutil.Process]]:
    """A model server on the folder and a gateway before it; gives the gateway."""
    server = [sys.executable, "-m", "model_server", "--port=0", f"--model_name={NAME}"]
    server += [f"--model_base_path={base_path}", "--file_system_poll_wait_seconds=0.02"]
    with running(server, MODEL_SERVER_READY) as (direct, _):
        command = [sys.executable, "-m", "service", "--grpc-port=0", "--no-http", f"--model={NAME}"]
        command += [f"--model-server={direct}", "--poll-interval-s=0.02", "--log-level=error"]
        with running(command, GATEWAY_READY) as (address, pid):
            yield address, psutil.Process(pid)


def main() -> None:
    """Runs both parts."""
    parser = argparse.ArgumentParser(description="Memory of the gateway over a long time.")
    parser.add_argument(
        "--requests", type=int, default=1_000_000, help="how many (default: 1,000,000)"
    )
    parser.add_argument("--swaps", type=int, default=1000, help="version swaps (default: 1,000)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder, NAME)
        publish_instant_model(base_path)
        with running_both(base_path) as (address, gateway):
            if options.requests:
                statuses = soak(address, options.requests, gateway)
                print(", ".join(f"{name} {count}" for name, count in statuses.most_common()))
            if options.swaps:
                swap(address, base_path, options.swaps, gateway)


if __name__ == "__main__":
    main()
