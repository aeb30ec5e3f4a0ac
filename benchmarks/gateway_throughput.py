"""A real model under load: the gateway beside what could be done without one.

    ideal    rows a second through the gateway, and of a client that knows all rows beforehand,
             sorts them by length and sends full batches; in turns, as ratios
    mixed    rows of 4 to 60 tokens at random times: the most rows a second with a p99 within a
             bound, through the gateway, through a queue that batches first come, first served,
             and of a model server that batches itself

Usage: python benchmarks/gateway_throughput.py MODELS/NAME [--rounds N] [--p99-ms MS]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio

from benchmarks.real_load.callers import (
    OPTIONS,
    PREDICT,
    Answer,
    closed_loop,
    fifo_caller,
    gateway_caller,
    open_loop,
    serving_caller,
)
from benchmarks.real_load.rows import (
    ExportedModel,
    Row,
    ideal_batches,
    load_model,
    make_rows,
    predict_request,
    read_answer,
)
from benchmarks.real_load.servers import batching_model_server, gateway, model_server

TIMEOUT_S = 30.0
STEP = 1.2
"""Loads are tried in steps of a fifth."""


@dataclass(frozen=True)
class Limits:
    """The largest batch, the same for everybody."""

    max_tokens: int
    max_rows: int

    def flags(self) -> tuple[str, ...]:
        """The same for the gateway."""
        return (
            f"--max-batch-tokens={self.max_tokens}",
            f"--max-batch-rows={self.max_rows}",
            "--max-queue-tokens=1000000",
        )


async def send_ideal_batches(
    address: str, model: ExportedModel, batches: Sequence[Sequence[Row]]
) -> float:
    """Sends full batches, two in flight; rows a second."""
    left = iter(batches)
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(PREDICT)

        async def send() -> None:
            for batch in left:
                read_answer(await call(predict_request(model, batch), timeout=60))

        loop = asyncio.get_running_loop()
        began = loop.time()
        await asyncio.gather(send(), send())
        return sum(map(len, batches)) / (loop.time() - began)


async def compare_with_ideal(
    server: str, through: str, model: ExportedModel, limits: Limits, arguments: argparse.Namespace
) -> list[tuple[float, float]]:
    """For each round: rows a second of the ideal client, and through the gateway."""
    rows = make_rows(model, arguments.rows, shortest=4, longest=60)
    batches = ideal_batches(rows, max_tokens=limits.max_tokens, max_rows=limits.max_rows)
    figures = []
    async with gateway_caller(through, timeout_s=TIMEOUT_S) as answer:
        for number in range(arguments.rounds + 1):  # the first is not counted
            ideal = await send_ideal_batches(server, model, batches)
            carried = await closed_loop(answer, rows, callers=arguments.callers)
            print(f"  ideal client {ideal:8.1f} rows/s, gateway {carried:8.1f} rows/s", flush=True)
            if number:
                figures.append((ideal, carried))
    return figures


async def most_within(
    connect: Callable[[], AbstractAsyncContextManager[Answer]],
    rows: Sequence[Row],
    *,
    first_rate: float,
    p99_s: float,
    seconds: float,
) -> float:
    """The most rows a second with a p99 within a bound: up in steps, the last one interpolated."""
    rate, before = first_rate, (0.0, 0.0)
    async with connect() as answer:
        await open_loop(answer, rows, rate=first_rate, seconds=seconds / 2)  # not counted
        while True:
            load = await open_loop(answer, rows, rate=rate, seconds=seconds)
            p99 = load.latency_s(0.99)
            print(
                f"    {rate:7.1f}/s: p50 {1e3 * load.latency_s(0.5):6.0f} ms, "
                f"p99 {1e3 * p99:6.0f} ms, failed {sum(load.refused.values())}",
                flush=True,
            )
            if load.refused or p99 > p99_s:
                share = (p99_s - before[1]) / max(p99 - before[1], 1e-9)
                return before[0] + max(0.0, min(1.0, share)) * (rate - before[0])
            before, rate = (rate, p99), rate * STEP


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODELS/NAME")
    parser.add_argument("--rounds", type=int, default=3, help="of each comparison (3)")
    parser.add_argument("--rows", type=int, default=1000, help="rows of the first comparison")
    parser.add_argument("--callers", type=int, default=256, help="of the first comparison (256)")
    parser.add_argument("--p99-ms", type=float, default=1000.0, help="the bound (1000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of every load (10)")
    parser.add_argument("--max-batch-tokens", type=int, default=1024)
    parser.add_argument("--max-batch-rows", type=int, default=64)
    parser.add_argument("--only", choices=("ideal", "mixed"))
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    limits = Limits(arguments.max_batch_tokens, arguments.max_batch_rows)
    if arguments.only != "mixed":
        measure_ideal(model, limits, arguments)
    if arguments.only != "ideal":
        measure_mixed(model, limits, arguments)


def measure_ideal(model: ExportedModel, limits: Limits, arguments: argparse.Namespace) -> None:
    """The first comparison."""
    with model_server(model.base_path) as server, gateway(server, model.name, limits.flags()) as up:
        figures = asyncio.run(compare_with_ideal(server, up, model, limits, arguments))
    print(f"gateway / ideal client: {spread([carried / ideal for ideal, carried in figures])}\n")


def measure_mixed(model: ExportedModel, limits: Limits, arguments: argparse.Namespace) -> None:
    """The second comparison."""
    rows = make_rows(model, 2000, shortest=4, longest=60)
    most: dict[str, list[float]] = {"gateway": [], "FIFO": [], "model server's batching": []}
    with (
        model_server(model.base_path) as server,
        gateway(server, model.name, limits.flags()) as up,
        batching_model_server(model.base_path, rows=limits.max_rows) as batching,
    ):
        connects: dict[str, Callable[[], AbstractAsyncContextManager[Answer]]] = {
            "gateway": lambda: gateway_caller(up, timeout_s=TIMEOUT_S),
            "FIFO": lambda: fifo_caller(
                server,
                model,
                max_tokens=limits.max_tokens,
                max_rows=limits.max_rows,
                timeout_s=TIMEOUT_S,
            ),
            "model server's batching": lambda: serving_caller(batching, model, timeout_s=TIMEOUT_S),
        }
        ideal = asyncio.run(
            send_ideal_batches(
                server,
                model,
                ideal_batches(rows[:300], max_tokens=limits.max_tokens, max_rows=limits.max_rows),
            )
        )
        for _ in range(arguments.rounds):
            for name, connect in connects.items():
                print(f"  {name}:")
                rate = asyncio.run(
                    most_within(
                        connect,
                        rows,
                        first_rate=ideal / 5,
                        p99_s=arguments.p99_ms / 1e3,
                        seconds=arguments.seconds,
                    )
                )
                print(f"    carries {rate:.1f} rows/s", flush=True)
                most[name].append(rate)
    print(f"rows a second with a p99 within {arguments.p99_ms:.0f} ms:")
    for name, rates in most.items():
        ratios = [first / other for first, other in zip(most["gateway"], rates, strict=True)]
        print(f"  {name:<24} {statistics.median(rates):7.1f}   gateway: x {spread(ratios)}")


def spread(values: Sequence[float]) -> str:
    """The median, and the least and most."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
