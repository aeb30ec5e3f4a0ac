"""Answers a second of one gateway process and of several on one port, in turns.

The calls are `Tokenize`, which never leaves the gateway, so that no model server limits them. The
callers run on the same machine: with few processors they take what the workers would use, and the
ratio says less about the workers the fewer there are. So the processor time of the gateway's
processes is told too: answers a second of it hardly depend on that.

Usage: python benchmarks/gateway_workers.py [--workers N] [--seconds S] [--rounds N]
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import grpc
import grpc.aio
import psutil
from gateway_overhead import GATEWAY_READY, MODEL_SERVER_READY, OPTIONS, TEXT, running
from instant_model import NAME, publish_instant_model

from heed.v1 import inference_pb2

TOKENIZE: Final = "/heed.v1.InferenceService/Tokenize"
CONNECTIONS: Final = 16
CALLS_AT_ONCE: Final = 4
CALLER_PROCESSES: Final = 2


@dataclass(frozen=True)
class Measured:
    """What a gateway did in one round.

    Attributes:
        per_s: Answers a second.
        per_cpu_s: Answers for each second of its processes' time.
    """

    per_s: float
    per_cpu_s: float


def call_without_pause(address: str, seconds: float, answered: Any) -> None:
    """Calls from a process of its own, over many connections."""
    request = inference_pb2.TokenizeRequest(texts=[TEXT]).SerializeToString()

    async def call_on() -> int:
        ends = time.monotonic() + seconds

        async def caller(call: Any) -> int:
            count = 0
            while time.monotonic() < ends:
                await call(request, timeout=30)
                count += 1
            return count

        channels = [grpc.aio.insecure_channel(address, options=OPTIONS) for _ in range(CONNECTIONS)]
        calls = [channel.unary_unary(TOKENIZE) for channel in channels] * CALLS_AT_ONCE
        counts = await asyncio.gather(*map(caller, calls))
        await asyncio.gather(*(channel.close() for channel in channels))
        return sum(counts)

    answered.value = asyncio.run(call_on())


def cpu_s(pid: int) -> float:
    """Processor time of a gateway's processes so far, in seconds."""
    gateway = psutil.Process(pid)
    times = [each.cpu_times() for each in (gateway, *gateway.children(recursive=True))]
    return sum(each.user + each.system for each in times)


def one_round(address: str, pid: int, seconds: float) -> Measured:
    """Answers of one gateway under as much load as there is."""
    context = multiprocessing.get_context("spawn")
    answered = [context.Value("q", 0) for _ in range(CALLER_PROCESSES)]
    before = cpu_s(pid)
    callers = [
        context.Process(target=call_without_pause, args=(address, seconds, value))
        for value in answered
    ]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()
    total = sum(value.value for value in answered)
    return Measured(total / seconds, total / (cpu_s(pid) - before))


def measure(counts: Sequence[int], seconds: float, rounds: int) -> dict[int, list[Measured]]:
    """Starts a gateway for each number of workers and asks them in turns."""
    results: dict[int, list[Measured]] = {count: [] for count in counts}
    with tempfile.TemporaryDirectory() as folder:
        publish_instant_model(Path(folder, NAME))
        server = [sys.executable, "-m", "model_server", "--port=0", f"--model_name={NAME}"]
        with running([*server, f"--model_base_path={folder}/{NAME}"], MODEL_SERVER_READY) as (
            backend,
            _,
        ):
            command = [sys.executable, "-m", "service", "--grpc-port=0", f"--model={NAME}"]
            command += [f"--model-server={backend}", "--no-http"]
            for _ in range(rounds):
                for count in counts:
                    with running([*command, f"--workers={count}"], GATEWAY_READY) as (address, pid):
                        one_round(address, pid, 1.0)  # warm
                        results[count].append(one_round(address, pid, seconds))
    return results


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--workers", type=int, default=2, help="compared with 1 (default: 2)")
    parser.add_argument("--seconds", type=float, default=5.0, help="of a round (default: 5)")
    parser.add_argument("--rounds", type=int, default=3, help="for each (default: 3)")
    options = parser.parse_args()
    results = measure((1, options.workers), options.seconds, options.rounds)
    medians = {count: statistics.median(each.per_s for each in of) for count, of in results.items()}
    print(f"{psutil.cpu_count()} processors\n")
    print("| workers | answers/s | for each second of processor time |")
    print("|---:|---:|---:|")
    for count, of in results.items():
        per_cpu_s = statistics.median(each.per_cpu_s for each in of)
        print(f"| {count} | {medians[count]:,.0f} | {per_cpu_s:,.0f} |")
    print(f"\nratio {medians[options.workers] / medians[1]:.2f}")


if __name__ == "__main__":
    main()
