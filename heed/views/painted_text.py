"""A text with the parts painted that a classifier looked at."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final

from rich.cells import cell_len
from rich.style import Style
from rich.text import Text

from heed.client.classified import SourceAttention
from heed.figures.visible import one_line

STEPS: Final = (0.05, 0.25, 0.5, 0.75)
"""Lower bounds of the shades behind the first, as shares of the largest weight."""
_BLOCKS: Final = " ░▒▓█"
_ASCII: Final = " .:+#"
_PAINTS: Final = (
    Style(),
    Style(color="#1b1b1b", bgcolor="#f4e6b8"),
    Style(color="#1b1b1b", bgcolor="#f6c667"),
    Style(color="#1b1b1b", bgcolor="#ee8a3c", bold=True),
    Style(color="#ffffff", bgcolor="#c8381f", bold=True),
)
_DIM: Final = Style(dim=True)
_MARGIN: Final = 7


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a text that is shown on lines of its own.

    Attributes:
        text: Its characters, none of which ends a line.
        shades: The shade of each character, 0 (none) to 4.
        weight: The weight of the sentence; None if the text has no sentences.
    """

    text: str
    shades: tuple[int, ...]
    weight: float | None


def painted_text(
    attention: SourceAttention, *, width: int = 80, marks: bool = False, ascii_only: bool = False
) -> Text:
    """Paints each token of a text by its share of the largest weight.

    Of a hierarchical model every sentence begins a line, with its weight before it.

    Args:
        attention: What to paint.
        width: How many terminal cells a line may take.
        marks: Whether to show the shades as characters below each line as well, for readers
            without colours.
        ascii_only: Whether to use only ASCII for these.

    Returns:
        Lines without a newline at the end.
    """
    shades = _ASCII if ascii_only else _BLOCKS
    lines: list[Text] = []
    for part in parts_of(attention):
        margin = _MARGIN if part.weight is not None else 0
        for number, line in enumerate(_wrapped(part.text, max(10, width - margin))):
            label = f"{part.weight:5.0%}  " if part.weight is not None and not number else ""
            lines.append(_painted_line(part, line, label.ljust(margin)))
            if marks:
                lines.append(_marks(part, line, " " * margin, shades))
    lines.append(_legend(attention, shades if marks else ""))
    return Text("\n").join(lines)


def parts_of(attention: SourceAttention) -> Iterator[Part]:
    """The sentences of a text, or the whole text if it has none, with the shade of every letter."""
    text = one_line(attention.text)
    largest = max(map(float, attention.weights), default=0.0)
    shades = [0] * len(text)
    for token, weight in zip(attention.tokens, attention.weights, strict=True):
        shade = shade_of(float(weight), largest)
        for place in range(token.begin, min(token.end, len(text))):
            shades[place] = max(shades[place], shade)
    if not attention.sentences:
        yield Part(text.rstrip(), tuple(shades), None)
    for sentence in attention.sentences:
        span = slice(sentence.begin, sentence.end)
        yield Part(text[span], tuple(shades[span]), sentence.weight)


def shade_of(weight: float, largest: float) -> int:
    """The shade of a weight, 0 to 4, by its share of the largest one."""
    if largest <= 0:
        return 0
    return sum(weight / largest >= bound for bound in STEPS)


def _wrapped(text: str, width: int) -> Iterator[range]:
    """The lines of a text as ranges of its characters, cut between words where there are any."""
    begin = 0
    while begin < len(text):
        end, cells = begin, 0
        while end < len(text) and cells + cell_len(text[end]) <= width:
            cells += cell_len(text[end])
            end += 1
        end = max(end, begin + 1)
        if end < len(text) and text[end] != " ":
            space = text.rfind(" ", begin, end)
            end = space + 1 if space > begin else end
        yield range(begin, end)
        begin = end
        while begin < len(text) and text[begin] == " ":
            begin += 1


def _painted_line(part: Part, line: range, label: str) -> Text:
    painted = Text(label, _DIM)
    for shade, places in groupby(line, key=lambda place: part.shades[place]):
        run = "".join(part.text[place] for place in places)
        painted.append(run, _PAINTS[shade])
    painted.rstrip()
    return painted


def _marks(part: Part, line: range, label: str, shades: str) -> Text:
    cells = (shades[part.shades[place]] * cell_len(part.text[place]) for place in line)
    marks = Text(label + "".join(cells), _DIM)
    marks.rstrip()
    return marks


def _legend(attention: SourceAttention, shades: Sequence[str]) -> Text:
    largest = max(map(float, attention.weights), default=0.0)
    legend = Text("weight ", _DIM)
    for step, bound in enumerate(STEPS, start=1):
        shade = f" {shades[step]} " if shades else "   "
        legend.append(shade, _DIM if shades else _PAINTS[step])
        legend.append(f" {bound * largest:.2g}+  ", _DIM)
    legend.rstrip()
    return legend
