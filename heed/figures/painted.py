"""A text as HTML with its parts painted by their weights."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from heed.figures.heat_map import COLOUR
from heed.figures.markup import element, escaped
from heed.figures.visible import one_line

_LEAST_PAINTED = 0.02
_STRONGEST = 0.75  # what is written on it stays readable, black on white or white on black


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text: its first code point, the one behind its last, and its weight, 0 to 1."""

    begin: int
    end: int
    weight: float


def painted(text: str, spans: Sequence[Span]) -> str:
    """Paints the spans of a text, the stronger the larger their share of the largest weight.

    Args:
        text: The text.
        spans: In order; parts of them that overlap an earlier one are left out.

    Returns:
        A `p` element. Each painted part tells its weight when it is pointed at.
    """
    largest = max((span.weight for span in spans), default=0.0) or 1.0
    return element("p", *_parts(one_line(text), spans, largest), dir="auto", style="line-height:2")


def _parts(text: str, spans: Sequence[Span], largest: float) -> Iterator[str]:
    end = 0
    for span in spans:
        begin = max(span.begin, end)
        if begin >= span.end:
            continue
        yield escaped(text[end:begin])
        yield _painted_part(text[begin : span.end], span.weight, largest)
        end = span.end
    yield escaped(text[end:])


def _painted_part(text: str, weight: float, largest: float) -> str:
    share = weight / largest
    if share < _LEAST_PAINTED:
        return escaped(text)
    red, green, blue = (int(COLOUR[place : place + 2], 16) for place in (1, 3, 5))
    paint = f"background:rgba({red},{green},{blue},{_STRONGEST * share:.2f})"
    style = f"{paint};border-radius:3px;padding:2px 1px"
    return element("span", escaped(text), title=f"{weight:.3f}", style=style)
