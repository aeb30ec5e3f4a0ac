"""The gateway beyond its capacity, before a real model: what is answered in time, and how late.

First it is measured what the gateway carries; then rows come at random times at shares of that,
each with a deadline. Beyond the capacity the surplus has to be refused at once: the goodput
(answers in time a second) should stay near its peak, and the p99 of what is answered bounded.

Usage: python benchmarks/overload.py MODELS/NAME [--shares 0.5 1 2 3] [--deadline-ms MS]
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path

from benchmarks.real_load.callers import Load, closed_loop, gateway_caller, open_loop
from benchmarks.real_load.rows import Row, load_model, make_rows
from benchmarks.real_load.servers import gateway, model_server


async def measure(
    address: str,
    rows: Sequence[Row],
    *,
    shares: Sequence[float],
    deadline_s: float,
    seconds: float,
) -> list[tuple[float, Load]]:
    """Every share of the capacity, and what became of that load."""
    async with gateway_caller(address, timeout_s=60.0) as answer:
        await closed_loop(answer, rows[: len(rows) // 4], callers=64)
        capacity = (await closed_loop(answer, rows, callers=64)).answered_per_s
    print(f"64 callers who wait for their answers get {capacity:.1f} rows a second")
    loads = []
    async with gateway_caller(address, timeout_s=deadline_s) as answer:
        for share in shares:
            load = await open_loop(answer, rows, rate=share * capacity, seconds=seconds)
            print(f"  {share:4.1f} x {capacity:.1f}/s: {described(load, deadline_s)}", flush=True)
            loads.append((share, load))
    return loads


def described(load: Load, deadline_s: float) -> str:
    """What became of a load."""
    refused = ", ".join(f"{code} {count}" for code, count in sorted(load.refused.items()))
    return (
        f"goodput {load.goodput(deadline_s):7.1f}/s, "
        f"p50 {1e3 * load.latency_s(0.5):6.0f} ms, p99 {1e3 * load.latency_s(0.99):6.0f} ms; "
        f"{refused or 'none refused'}"
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODELS/NAME")
    parser.add_argument("--shares", type=float, nargs="+", default=(0.5, 0.8, 1.0, 1.5, 2.0, 3.0))
    parser.add_argument("--deadline-ms", type=float, default=2000.0, help="of a row (2000)")
    parser.add_argument("--seconds", type=float, default=12.0, help="of every load (12)")
    parser.add_argument("--rows", type=int, default=400, help="rows that find the capacity (400)")
    parser.add_argument("--longest", type=int, default=60, help="tokens of a row at most (60)")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    rows = make_rows(model, arguments.rows, shortest=4, longest=arguments.longest)
    deadline_s = arguments.deadline_ms / 1e3
    with (
        model_server(model.base_path) as server,
        gateway(server, model.name, ("--max-batch-tokens=1024",)) as through,
    ):
        loads = asyncio.run(
            measure(
                through.address,
                rows,
                shares=arguments.shares,
                deadline_s=deadline_s,
                seconds=arguments.seconds,
            )
        )
    peak = max(load.goodput(deadline_s) for _, load in loads)
    last_share, last = loads[-1]
    print(
        f"at {last_share:g} times the capacity: {last.goodput(deadline_s) / peak:.2f} of the best "
        f"goodput, p99 of the answered {1e3 * last.latency_s(0.99):.0f} ms"
    )


if __name__ == "__main__":
    main()
