"""Charts as SVG, in the colours of the page that they stand in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from heed.figures.markup import element, escaped
from heed.figures.text_width import text_width

_WIDTH: Final = 720.0
_HEIGHT: Final = 260.0
_LEFT: Final = 64.0
_RIGHT: Final = 20.0
_TOP: Final = 16.0
_BELOW: Final = 64.0
_TICKS: Final = 4
_SMALL: Final = 11.0


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with an interval.

    Attributes:
        label: What stands below it.
        note: What stands below the label.
        value: Its height.
        low: Where its interval begins.
        high: Where its interval ends.
        written: The value as a person reads it.
    """

    label: str
    note: str
    value: float
    low: float
    high: float
    written: str


@dataclass(frozen=True, slots=True)
class Line:
    """A line through points.

    Attributes:
        name: What it is.
        points: Places from left to right, and heights.
        dashed: Whether it is dashed, so that lines differ without colours too.
    """

    name: str
    points: Sequence[tuple[float, float]]
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axes:
    """What is written around a chart.

    Attributes:
        name: What the chart shows, for those who do not see it.
        x: What the places are.
        y: What the heights are.
        is_share: Whether heights are shares, shown in percent.
    """

    name: str
    x: str
    y: str
    is_share: bool = False


@dataclass(frozen=True, slots=True)
class _Scale:
    """From heights to pixels; `ticks` are heights worth a line."""

    ticks: tuple[float, ...]

    def y(self, value: float) -> float:
        low, high = self.ticks[0], self.ticks[-1]
        share = (min(max(value, low), high) - low) / (high - low)
        return _TOP + (1 - share) * (_HEIGHT - _TOP - _BELOW)


def bar_chart(bars: Sequence[Bar], axes: Axes) -> str:
    """Draws bars from 0, each with its interval."""
    scale = _scale(0.0, max((bar.high for bar in bars), default=1.0), whole=axes.is_share)
    slot = (_WIDTH - _LEFT - _RIGHT) / max(len(bars), 1)
    drawn = [_bar(bar, _LEFT + (place + 0.5) * slot, slot, scale) for place, bar in enumerate(bars)]
    told = "; ".join(f"{bar.label}: {bar.written}" for bar in bars)
    return _chart(axes, scale, told, drawn)


def line_chart(lines: Sequence[Line], axes: Axes) -> str:
    """Draws lines, each with its name where it ends."""
    heights = [y for line in lines for _, y in line.points]
    places = [x for line in lines for x, _ in line.points]
    scale = _scale(min(heights), max(heights), whole=axes.is_share)
    first, last = min(places), max(places)
    names_width = 8 + max(text_width(line.name, _SMALL) for line in lines)
    span = _WIDTH - _LEFT - _RIGHT - names_width

    def x_of(place: float) -> float:
        return _LEFT + 4 + span * (place - first) / max(last - first, 1e-9)

    parts = [_x_tick(x_of(place), f"{place:,.0f}") for place in sorted({first, last})]
    for line in lines:
        points = [(x_of(x), scale.y(y)) for x, y in line.points]
        parts.append(_path(points, dashed=line.dashed))
        x, y = points[-1]
        parts.append(element("circle", cx=x, cy=y, r=3, class_="mark"))
    parts.extend(_line_names(lines, scale, _LEFT + 12 + span))
    told = "; ".join(f"{line.name} ends at {line.points[-1][1]:.4g}" for line in lines)
    return _chart(axes, scale, told, parts)


def _line_names(lines: Sequence[Line], scale: _Scale, x: float) -> list[str]:
    """The names beside the ends of the lines, none on top of another."""
    names = sorted((scale.y(line.points[-1][1]), line.name) for line in lines)
    parts, lowest = [], -math.inf
    for y, name in names:
        lowest = max(y, lowest + 1.3 * _SMALL)
        parts.append(element("text", escaped(name), x=x, y=lowest, dy="0.35em", font_size=_SMALL))
    return parts


def _bar(bar: Bar, x: float, slot: float, scale: _Scale) -> str:
    width, bottom, top = min(0.6 * slot, 64.0), scale.y(0.0), scale.y(bar.value)
    low, high = scale.y(bar.low), scale.y(bar.high)
    base = _HEIGHT - _BELOW
    return element(
        "g",
        element("title", escaped(f"{bar.label}: {bar.written} ({bar.note})")),
        element(
            "rect", x=x - width / 2, y=top, width=width, height=bottom - top, rx=2, class_="bar"
        ),
        element(
            "path",
            d=f"M{x:.1f} {low:.1f}V{high:.1f}M{x - 5:.1f} {low:.1f}h10M{x - 5:.1f} {high:.1f}h10",
            class_="interval",
        ),
        element("text", escaped(bar.written), x=x, y=high - 5, text_anchor="middle"),
        element("text", escaped(bar.label), x=x, y=base + 16, text_anchor="middle"),
        element("text", escaped(bar.note), x=x, y=base + 30, text_anchor="middle", class_="quiet"),
        font_size=_SMALL,
    )


def _path(points: Sequence[tuple[float, float]], *, dashed: bool) -> str:
    steps = "L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return element("path", d=f"M{steps}", class_="line", stroke_dasharray="5 4" if dashed else None)


def _chart(axes: Axes, scale: _Scale, told: str, parts: Sequence[str]) -> str:
    middle = (_HEIGHT + _TOP - _BELOW) / 2
    return element(
        "svg",
        element("title", escaped(axes.name)),
        element("desc", escaped(told)),
        *(_y_tick(scale, tick, is_share=axes.is_share) for tick in scale.ticks),
        *parts,
        element(
            "text",
            escaped(axes.y),
            transform=f"translate(14 {middle:.1f}) rotate(-90)",
            text_anchor="middle",
            font_size=_SMALL,
            class_="quiet",
        ),
        element(
            "text",
            escaped(axes.x),
            x=(_LEFT + _WIDTH - _RIGHT) / 2,
            y=_HEIGHT - 10,
            text_anchor="middle",
            font_size=_SMALL,
            class_="quiet",
        ),
        viewBox=f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}",
        width=_WIDTH,
        height=_HEIGHT,
        role="img",
        class_="chart",
    )


def _x_tick(x: float, written: str) -> str:
    y = _HEIGHT - _BELOW + 16
    return element("text", written, x=x, y=y, text_anchor="middle", font_size=_SMALL)


def _y_tick(scale: _Scale, tick: float, *, is_share: bool) -> str:
    y = scale.y(tick)
    written = f"{tick:.0%}" if is_share else f"{tick:g}"
    return element(
        "g",
        element("path", d=f"M{_LEFT:.0f} {y:.1f}H{_WIDTH - _RIGHT:.0f}", class_="rule"),
        element("text", written, x=_LEFT - 8, y=y, dy="0.35em", text_anchor="end"),
        font_size=_SMALL,
        class_="quiet",
    )


def _scale(low: float, high: float, *, whole: bool) -> _Scale:
    """Round heights from below `low` to above `high`; of shares none above the whole."""
    rough = max(high - low, 1e-6) / _TICKS
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough)
    first, last = math.floor(low / step), math.ceil(high / step + 1e-9)
    ticks = [round(place * step, 10) for place in range(first, max(last, first + 1) + 1)]
    if whole and high <= 1 < ticks[-1]:
        ticks = [tick for tick in ticks if tick < 1] + [1.0]
    return _Scale(tuple(ticks))
