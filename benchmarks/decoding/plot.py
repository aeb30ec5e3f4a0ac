"""The results as a picture: ratios over batch sizes, with their spread."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import StrMethodFormatter

from benchmarks.decoding.cases import PAIRS, Case, Search
from benchmarks.decoding.results import Results, SubjectResult

_WIDTH_IN: Final = 8.2
_ROW_IN: Final = 2.5
_COLORS: Final = ("#0b6e99", "#0f7b6c", "#9b9a97", "#d9730d")
_MARKERS: Final = ("o", "s", "^", "D")
_SHIFT: Final = 0.09


def draw(results: Results, path: Path) -> None:
    """Writes the picture: a row for each model, a column for each search.

    Args:
        results: What was measured, of one model or more.
        path: SVG or PNG.
    """
    subjects = list(results.subjects.values())
    searches = [search for search in Search if any(search in each.searches for each in subjects)]
    with mpl.rc_context({"svg.fonttype": "none", "font.size": 9, "svg.hashsalt": "heed"}):
        height = _ROW_IN * len(subjects) + 0.7
        figure = Figure(figsize=(_WIDTH_IN, height), layout="constrained")
        grid = figure.subplots(len(subjects), len(searches), squeeze=False, sharey="row")
        for subject, row in zip(subjects, grid, strict=True):
            for search, axes in zip(searches, row, strict=True):
                _panel(axes, subject, search)
            row[0].set_ylabel("tokens a second,\nHeed : CTranslate2")
        handles = {
            label: handle
            for axes in grid.flat
            for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
        }
        figure.legend(
            list(handles.values()),
            list(handles),
            loc="outside upper center",
            ncols=len(PAIRS),
            frameon=False,
        )
        figure.savefig(path, metadata={"Date": None} if path.suffix == ".svg" else None)


def _panel(axes: Axes, subject: SubjectResult, search: Search) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, axis="y", color="#eeeeee")
    axes.set_axisbelow(True)
    axes.axhline(1.0, color="#444444", linewidth=1)
    axes.set_title(f"{subject.name}, {search.label}", fontsize=9)
    sizes = subject.batch_sizes(search)
    for index, pair in enumerate(PAIRS):
        if pair not in subject.pairs():
            continue
        ratios = [subject.ratio(*pair, Case(search, rows)) for rows in sizes]
        known = [(place, ratio) for place, ratio in enumerate(ratios) if ratio is not None]
        axes.errorbar(
            [place + _SHIFT * (index - 1.5) for place, _ in known],
            [ratio.median for _, ratio in known],
            yerr=[
                [ratio.median - ratio.low for _, ratio in known],
                [ratio.high - ratio.median for _, ratio in known],
            ],
            color=_COLORS[index],
            marker=_MARKERS[index],
            markersize=4,
            linewidth=1.2,
            capsize=2,
            label=f"{pair[0].precision} : {pair[1].precision}",
        )
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_xticks(range(len(sizes)), labels=[f"b{rows}" for rows in sizes])
    axes.set_xlim(-0.5, max(0, len(sizes) - 1) + 0.5)
