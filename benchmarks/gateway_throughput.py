"""A real model under load: the gateway beside what could be done without one.

    ideal      rows of one length, a second: through the gateway, from callers who ask for one row
               each, and of a client that sends full batches to the model server; in turns, as
               ratios. Also by processor time, which hardly depends on what else a machine does
    saturated  rows of 4 to 60 tokens in random order, as many a second as are carried: of a client
               that knows and sorts all of them beforehand, through the gateway, through a queue
               that batches first come, first served, and of a model server that batches itself
    mixed      the same rows at random times: the most a second with a p99 within a bound

Usage: python benchmarks/gateway_throughput.py MODELS/NAME [--apart] [--rounds N] [--p99-ms MS]
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
from collections.abc import Callable, Coroutine, Mapping, Sequence
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
    Load,
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
from benchmarks.real_load.servers import (
    Half,
    Server,
    batching_model_server,
    gateway,
    model_server,
    processors,
)

TIMEOUT_S = 30.0
STEP = 1.15
"""From a load to the next that is tried."""
SATURATING_ROWS = 1200
SORTED = "a client that sorts all"
Connect = Callable[[], AbstractAsyncContextManager[Answer]]


@dataclass(frozen=True)
class Limits:
    """The largest batch, the same for everybody."""

    max_tokens: int
    max_rows: int

    def ideal_batches(self, rows: Sequence[Row]) -> list[list[Row]]:
        """Full batches of rows of like lengths."""
        return ideal_batches(rows, max_tokens=self.max_tokens, max_rows=self.max_rows)

    def flags(self) -> tuple[str, ...]:
        """The same for the gateway."""
        return (
            f"--max-batch-tokens={self.max_tokens}",
            f"--max-batch-rows={self.max_rows}",
            "--max-queue-tokens=1000000",
        )


@dataclass(frozen=True)
class Side:
    """What one side of the first comparison did.

    Attributes:
        rows_per_s: Rows a second.
        cpu_s: Processor time of the servers for each row, in seconds.
    """

    rows_per_s: float
    cpu_s: float

    def __str__(self) -> str:
        return f"{self.rows_per_s:.1f} rows/s at {1e3 * self.cpu_s:.2f} ms"


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
    server: Server,
    through: Server,
    model: ExportedModel,
    limits: Limits,
    arguments: argparse.Namespace,
) -> list[tuple[Side, Side]]:
    """For each round: the ideal client, and the gateway."""
    length = arguments.length
    rows = make_rows(model, arguments.rows, shortest=length, longest=length)
    batches = limits.ideal_batches(rows)
    figures = []
    async with gateway_caller(through.address, timeout_s=TIMEOUT_S) as answer:
        for number in range(arguments.rounds + 1):  # the first is not counted
            marks = [server.cpu_s()]
            rate = await send_ideal_batches(server.address, model, batches)
            marks.append(server.cpu_s())
            ideal = Side(rate, (marks[1] - marks[0]) / len(rows))
            gateway_s = through.cpu_s()
            rate = (await closed_loop(answer, rows, callers=arguments.callers)).answered_per_s
            cpu_s = server.cpu_s() - marks[1] + through.cpu_s() - gateway_s
            carried = Side(rate, cpu_s / len(rows))
            print(f"  ideal client {ideal}, gateway {carried}", flush=True)
            if number:
                figures.append((ideal, carried))
    return figures


async def carried_at_once(connect: Connect, rows: Sequence[Row], callers: int) -> Load:
    """What callers get who ask again as soon as they are answered."""
    async with connect() as answer:
        await closed_loop(answer, rows[: len(rows) // 4], callers=callers)  # not counted
        return await closed_loop(answer, rows, callers=callers)


async def most_within(
    connect: Connect,
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
    parser.add_argument("--length", type=int, default=24, help="tokens of each of them (24)")
    parser.add_argument("--callers", type=int, default=256, help="who ask again at once (256)")
    parser.add_argument(
        "--first-rate", type=float, default=40.0, help="of the loads with a bound, a second (40)"
    )
    parser.add_argument("--p99-ms", type=float, default=1000.0, help="the bound (1000)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of every load (10)")
    parser.add_argument("--max-batch-tokens", type=int, default=3840)
    parser.add_argument("--max-batch-rows", type=int, default=64)
    parser.add_argument("--only", choices=("ideal", "mixed", "saturated"))
    parser.add_argument(
        "--apart",
        action="store_true",
        help="half of the processors for the model servers alone, as if on a machine of their own",
    )
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    limits = Limits(arguments.max_batch_tokens, arguments.max_batch_rows)
    if arguments.only in (None, "ideal"):
        measure_ideal(model, limits, arguments)
    if arguments.only != "ideal":
        measure_mixed(model, limits, arguments)


def measure_ideal(model: ExportedModel, limits: Limits, arguments: argparse.Namespace) -> None:
    """The first comparison."""
    with (
        processors(Half.FIRST, apart=arguments.apart),
        model_server(model.base_path) as server,
        processors(Half.SECOND, apart=arguments.apart),
        gateway(server, model.name, limits.flags()) as up,
    ):
        figures = asyncio.run(compare_with_ideal(server, up, model, limits, arguments))
    by_rate = [carried.rows_per_s / ideal.rows_per_s for ideal, carried in figures]
    by_cpu = [ideal.cpu_s / carried.cpu_s for ideal, carried in figures]
    print(f"gateway / ideal client: {spread(by_rate)}; by processor time {spread(by_cpu)}\n")


def measure_mixed(model: ExportedModel, limits: Limits, arguments: argparse.Namespace) -> None:
    """The other comparisons: rows of mixed lengths."""
    rows = make_rows(model, 2000, shortest=4, longest=60)
    with (
        processors(Half.FIRST, apart=arguments.apart),
        model_server(model.base_path) as server,
        batching_model_server(model.base_path, rows=limits.max_rows) as batching,
        processors(Half.SECOND, apart=arguments.apart),
        gateway(server, model.name, limits.flags()) as up,
    ):
        ways: dict[str, Connect] = {
            "gateway": lambda: gateway_caller(up.address, timeout_s=TIMEOUT_S),
            "FIFO": lambda: fifo_caller(
                server.address,
                model,
                max_tokens=limits.max_tokens,
                max_rows=limits.max_rows,
                timeout_s=TIMEOUT_S,
            ),
            "model server's batching": lambda: serving_caller(
                batching.address, model, timeout_s=TIMEOUT_S
            ),
        }
        if arguments.only != "mixed":
            fewer = rows[:SATURATING_ROWS]
            batches = limits.ideal_batches(fewer)
            compare_saturated(
                ways,
                fewer,
                send_sorted=lambda: send_ideal_batches(server.address, model, batches),
                arguments=arguments,
            )
        if arguments.only != "saturated":
            compare_within_bound(ways, rows, arguments)


def compare_saturated(
    ways: Mapping[str, Connect],
    rows: Sequence[Row],
    *,
    send_sorted: Callable[[], Coroutine[Any, Any, float]],
    arguments: argparse.Namespace,
) -> None:
    """As many rows a second as are carried, each way, in turns."""
    carried: dict[str, list[float]] = {SORTED: [], **{name: [] for name in ways}}
    for _ in range(arguments.rounds):
        rate = asyncio.run(send_sorted())
        print(f"  {SORTED}: {rate:.1f} rows/s")
        carried[SORTED].append(rate)
        for name, connect in ways.items():
            load = asyncio.run(carried_at_once(connect, rows, arguments.callers))
            p99_ms = 1e3 * load.latency_s(0.99)
            print(f"  {name}: {load.answered_per_s:.1f} rows/s, p99 {p99_ms:.0f} ms", flush=True)
            carried[name].append(load.answered_per_s)
    print(f"rows a second of {arguments.callers} callers:")
    print_ratios(carried)


def compare_within_bound(
    ways: Mapping[str, Connect], rows: Sequence[Row], arguments: argparse.Namespace
) -> None:
    """The most rows a second with a p99 within the bound, each way, in turns."""
    most: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(arguments.rounds):
        for name, connect in ways.items():
            print(f"  {name}:")
            rate = asyncio.run(
                most_within(
                    connect,
                    rows,
                    first_rate=arguments.first_rate,
                    p99_s=arguments.p99_ms / 1e3,
                    seconds=arguments.seconds,
                )
            )
            print(f"    carries {rate:.1f} rows/s", flush=True)
            most[name].append(rate)
    print(f"rows a second with a p99 within {arguments.p99_ms:.0f} ms:")
    print_ratios(most)


def print_ratios(rates: Mapping[str, Sequence[float]]) -> None:
    """A line for each way: its median, and the gateway's as a multiple of it."""
    for name, each in rates.items():
        ratios = [first / other for first, other in zip(rates["gateway"], each, strict=True)]
        print(f"  {name:<24} {statistics.median(each):7.1f}   gateway: x {spread(ratios)}")


def spread(values: Sequence[float]) -> str:
    """The median, and the least and most."""
    return f"{statistics.median(values):.3f} ({min(values):.3f} to {max(values):.3f})"


if __name__ == "__main__":
    main()
