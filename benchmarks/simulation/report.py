"""Results as a table and as a picture."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.simulation.engine import Result

POLICIES = ("Heed", "FIFO with padding", "TensorFlow Serving")


@dataclass(frozen=True)
class Point:
    """What a policy made of a load.

    Attributes:
        policy: One of POLICIES.
        rate: Requests a second.
        result: What became of them.
    """

    policy: str
    rate: float
    result: Result


def table(points: Sequence[Point]) -> str:
    """One line for each load and policy."""
    lines = [
        f"{'requests/s':>10}  {'policy':<19} {'in time/s':>9} {'refused':>8} "
        f"{'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'padding':>8} {'rows':>6}"
    ]
    for point in sorted(points, key=lambda each: (each.rate, POLICIES.index(each.policy))):
        result = point.result
        p50, p95, p99 = (1000 * result.latency_s(share) for share in (0.5, 0.95, 0.99))
        rows = (result.offered - result.refused) / max(1, result.runs)
        lines.append(
            f"{point.rate:10.0f}  {point.policy:<19} {result.goodput:9.0f} "
            f"{result.refused / result.offered:8.1%} {p50:8.0f} {p95:8.0f} {p99:8.0f} "
            f"{result.padding:8.0%} {rows:6.1f}"
        )
    return "\n".join(lines)


def carried(points: Sequence[Point], p99_s: float) -> Mapping[str, float]:
    """For each policy the largest load that it carries, in requests a second.

    That is: at most one in a hundred is refused, and the p99 of the others is within the bound.
    Between two loads it is interpolated.
    """
    most = {}
    for policy in POLICIES:
        mine = sorted((p for p in points if p.policy == policy), key=lambda each: each.rate)
        most[policy] = 0.0
        before: Point | None = None
        for point in mine:
            latency = point.result.latency_s(0.99)
            is_refusing = point.result.refused > 0.01 * point.result.offered
            if not is_refusing and latency <= p99_s:
                most[policy] = point.rate
                before = point
                continue
            if before is not None and not is_refusing:
                low = before.result.latency_s(0.99)
                share = (p99_s - low) / max(latency - low, 1e-9)
                most[policy] = before.rate + share * (point.rate - before.rate)
            break
    return most


def draw(points: Sequence[Point], path: Path, *, title: str) -> None:
    """Latency and answers in time, against load."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
    for policy, colour in zip(POLICIES, ("tab:blue", "tab:orange", "tab:green"), strict=True):
        mine = sorted((p for p in points if p.policy == policy), key=lambda each: each.rate)
        rates = [point.rate for point in mine]
        for share, style in ((0.5, "--"), (0.99, "-")):
            left.plot(
                rates,
                [1000 * point.result.latency_s(share) for point in mine],
                style,
                color=colour,
                marker=".",
                label=f"{policy}, {'median' if share == 0.5 else 'p99'}",
            )
        goodputs = [point.result.goodput for point in mine]
        right.plot(rates, goodputs, color=colour, marker=".", label=policy)
    limit = max(point.rate for point in points)
    right.plot([0, limit], [0, limit], color="lightgrey", zorder=0)
    left.set(xlabel="requests a second", ylabel="latency, ms", yscale="log")
    right.set(xlabel="requests a second", ylabel="answers in time, a second")
    right.set_ylim(0, 1.1 * max(point.result.goodput for point in points))
    left.legend(fontsize="x-small")
    right.legend(fontsize="x-small")
    figure.suptitle(title, fontsize="medium")
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
