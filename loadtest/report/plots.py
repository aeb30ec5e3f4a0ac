"""The pictures of a report, as SVG."""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from typing import Any, Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from loadtest.measuring import Measured
from loadtest.objectives import Objectives
from loadtest.report.summary import stage_seconds
from loadtest.samples import Load, percentile
from loadtest.usage import MACHINE

_WIDTH_IN: Final = 7.2
_COLORS: Final = ("#0b6e99", "#d9730d", "#6940a5", "#0f7b6c", "#ad1a72", "#9b9a97")
_MOST_POINTS: Final = 400
_PLAIN: Final = StrMethodFormatter("{x:g}")


def latency_by_rate(
    series: Mapping[str, Sequence[Measured]], objectives: Objectives, *, share: float = 0.99
) -> str:
    """A percentile of each trial against its rate, for one or several series."""
    name = f"p{100 * share:g}"
    bound_s = next(
        (bound for each, bound in objectives.latency_ms.by_share.values() if each == share), None
    )

    def draw(axes: Axes) -> None:
        for color, (label, trials) in zip(_COLORS, series.items(), strict=False):
            ordered = sorted(trials, key=lambda trial: trial.rate or 0.0)
            rates = [trial.rate or 0.0 for trial in ordered]
            values = [1e3 * _finite(trial.load.latency_s(share)) for trial in ordered]
            axes.plot(rates, values, color=color, linewidth=1, alpha=0.5)
            for is_met, marker in ((True, "o"), (False, "x")):
                chosen = [i for i, trial in enumerate(ordered) if trial.is_met is is_met]
                axes.scatter(
                    [rates[i] for i in chosen],
                    [values[i] for i in chosen],
                    color=color,
                    marker=marker,
                    label=f"{label}: {'met' if is_met else 'not met'}" if chosen else None,
                )
        if bound_s is not None:
            axes.axhline(1e3 * bound_s, color="#888888", linestyle="--", linewidth=1)
            axes.annotate(
                f"objective {1e3 * bound_s:.0f} ms",
                (1, 1e3 * bound_s),
                xycoords=("axes fraction", "data"),
                ha="right",
                va="bottom",
                fontsize=8,
            )
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PLAIN)
        axes.set_xlabel("requests a second")
        axes.set_ylabel(f"{name} of the latency, ms")
        axes.legend(fontsize=8)

    return _picture(draw)


def latency_curves(loads: Mapping[str, Load]) -> str:
    """Which share of the answers came within which time."""

    def draw(axes: Axes) -> None:
        for color, (label, load) in zip(_COLORS, loads.items(), strict=False):
            values = load.latencies_s
            if not values:
                continue
            slowest = [10 ** (-3 * index / _MOST_POINTS) for index in range(_MOST_POINTS + 1)]
            axes.plot(
                [1 / share for share in slowest],
                [1e3 * percentile(values, max(1e-9, 1 - share)) for share in slowest],
                color=color,
                label=label,
            )
        ticks = {2: "50 %", 10: "90 %", 20: "95 %", 100: "99 %", 1000: "99.9 %"}
        axes.set_xscale("log")
        axes.set_xticks(list(ticks), labels=list(ticks.values()))
        axes.set_xticks([], minor=True)
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(_PLAIN)
        axes.yaxis.set_minor_formatter(_PLAIN)
        axes.set_xlabel("share of the answers")
        axes.set_ylabel("came within, ms")
        if len(loads) > 1:
            axes.legend(fontsize=8)

    return _picture(draw)


def stages(load: Load) -> str:
    """Percentiles of each stage."""
    seconds = stage_seconds(load)

    def draw(axes: Axes) -> None:
        names = list(seconds)
        for offset, (label, share) in enumerate((("p50", 0.5), ("p95", 0.95), ("p99", 0.99))):
            axes.barh(
                [index + 0.27 * (offset - 1) for index in range(len(names))],
                [1e3 * percentile(seconds[name], share) for name in names],
                height=0.25,
                color=_COLORS[offset],
                label=label,
            )
        axes.set_yticks(range(len(names)), labels=names)
        axes.invert_yaxis()
        axes.set_xlabel("ms")
        axes.legend(fontsize=8)

    return _picture(draw, height_in=0.45 * max(4, len(seconds)) + 0.6)


def over_time(load: Load) -> str:
    """Answers and latency in each second of a load."""
    begin_s = load.samples[0].due_s if load.samples else 0.0
    by_second: dict[int, list[float]] = {}
    for sample in load.answered:
        by_second.setdefault(math.floor(sample.due_s - begin_s), []).append(sample.latency_s)
    seconds = sorted(by_second)

    def draw(axes: Axes) -> None:
        for color, share in zip(_COLORS, (0.5, 0.99), strict=False):
            values = [1e3 * percentile(sorted(by_second[second]), share) for second in seconds]
            axes.plot(seconds, values, color=color, label=f"p{100 * share:g}")
        axes.set_xlabel("second of the load")
        axes.set_ylabel("latency, ms")
        axes.set_ylim(bottom=0)
        beside: Any = axes.twinx()
        counts = [len(by_second[second]) for second in seconds]
        beside.bar(seconds, counts, color="#dddddd", zorder=0, label="requests due")
        beside.set_ylabel("requests answered that were due then", fontsize=8)
        axes.set_zorder(beside.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.legend(fontsize=8, loc="upper right")

    return _picture(draw)


def processors(measured: Measured) -> str:
    """Processors that each process kept busy, over the time of a load."""
    points = measured.usage.points

    def draw(axes: Axes) -> None:
        for color, name in zip(_COLORS, (*measured.usage.names, MACHINE), strict=False):
            known = [point for point in points if name in point.cpu_s]
            pairs = list(pairwise(known))
            axes.plot(
                [later.time_s - points[0].time_s for _, later in pairs],
                [
                    (later.cpu_s[name] - earlier.cpu_s[name])
                    / max(1e-9, later.time_s - earlier.time_s)
                    for earlier, later in pairs
                ],
                color="#999999" if name == MACHINE else color,
                linestyle="--" if name == MACHINE else "-",
                label=name,
            )
        axes.set_xlabel("second of the load")
        axes.set_ylabel("processors kept busy")
        axes.set_ylim(bottom=0)
        axes.legend(fontsize=8)

    return _picture(draw)


def batch_rows(row_counts: Mapping[float, float]) -> str:
    """How many rows batches had."""
    bounds = [bound for bound, count in sorted(row_counts.items()) if count]

    def draw(axes: Axes) -> None:
        axes.bar(range(len(bounds)), [row_counts[bound] for bound in bounds], color=_COLORS[0])
        axes.set_xticks(range(len(bounds)), labels=[_bound(bound) for bound in bounds])
        axes.set_xlabel("rows in a batch, at most")
        axes.set_ylabel("batches")

    return _picture(draw, height_in=2.4)


def _bound(bound: float) -> str:
    return "more" if math.isinf(bound) else f"{bound:g}"


def _finite(value: float) -> float:
    return value if math.isfinite(value) else math.nan


def _picture(draw: Callable[[Axes], None], *, height_in: float = 3.2) -> str:
    with mpl.rc_context({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "heed"}):
        figure = Figure(figsize=(_WIDTH_IN, height_in), layout="constrained")
        axes = figure.add_subplot()
        axes.spines[["top", "right"]].set_visible(False)
        axes.grid(visible=True, axis="both", color="#eeeeee")
        axes.set_axisbelow(True)
        draw(axes)
        out = io.StringIO()
        figure.savefig(out, format="svg", metadata={"Date": None})
    return out.getvalue()
