"""A painted text as a picture, drawn with matplotlib (`pip install "heed[plot]"`)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from heed.client.classified import SourceAttention
from heed.figures.visible import one_line
from heed.views.errors import PlotError
from heed.views.picture import MM_PER_IN, NotebookFigure, Picture, check_width_mm

try:
    from matplotlib import colormaps
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    from heed.views.fonts import families_for, with_code_points
except ModuleNotFoundError as error:
    raise PlotError('pictures need matplotlib: pip install "heed[plot]"') from error

_COLOUR_MAP: Final = "YlOrRd"
_POINTS: Final = 12.0
_USUAL_WIDTH_IN: Final = 7.5
_LINE_IN: Final = 0.32
_PAD_IN: Final = 0.15
_TITLE_IN: Final = 0.4
_DOTS_PER_IN: Final = 100
_SPACE: Final = 0.06
_NOTE_IN: Final = 0.5
_TALLEST_IN: Final = 300.0


@dataclass(frozen=True, slots=True)
class _Word:
    """A piece of text on the picture.

    Attributes:
        text: Its characters.
        paint: How strong its paint is, 0 to 1; None for the weight of a sentence, which begins a
            line.
        is_joined: Whether nothing stands between it and the piece before it.
    """

    text: str
    paint: float | None
    is_joined: bool = False


def draw_painted_text(
    attention: SourceAttention, *, title: str = "", width_mm: float | None = None
) -> Picture:
    """Paints every token of a text, the darker the more it counted.

    Of a hierarchical model every sentence begins a line, with its weight before it.

    Args:
        attention: What to paint.
        title: What to write above it.
        width_mm: How wide the picture is to be, in millimetres. None: as wide as a page.

    Raises:
        PlotError: The width is none that a picture can have.
    """
    check_width_mm(width_mm)
    width = _USUAL_WIDTH_IN if width_mm is None else width_mm / MM_PER_IN
    words = list(_words(attention))
    families, missing = families_for([*(word.text for word in words), title])
    figure = NotebookFigure(figsize=(width, 1.0), dpi=_DOTS_PER_IN)
    places, line_count = _places(figure, words, families, missing)
    height = min(_TALLEST_IN, _TITLE_IN * bool(title) + line_count * _LINE_IN + 2 * _PAD_IN)
    figure.set_size_inches(width, height)
    colours = colormaps[_COLOUR_MAP]
    top = height - _PAD_IN - _TITLE_IN * bool(title)
    for word, (x, line) in zip(words, places, strict=True):
        figure.text(
            x / width,
            (top - (line + 0.5) * _LINE_IN) / height,
            with_code_points(word.text, missing),
            fontsize=_POINTS,
            fontfamily=families,
            va="center",
            parse_math=False,
            **_paint(word, colours),
        )
    if title:
        figure.text(
            _PAD_IN / width,
            1 - _PAD_IN / height,
            with_code_points(title, missing),
            fontfamily=families,
            fontsize=_POINTS,
            fontweight="bold",
            va="top",
            parse_math=False,
        )
    return Picture(figure, missing, title, is_fitted=width_mm is not None)


def _words(attention: SourceAttention) -> Iterator[_Word]:
    """The tokens in order, with the characters between them, and the weights of sentences."""
    text = one_line(attention.text)
    largest = max(map(float, attention.weights), default=0.0) or 1.0
    begins = {sentence.begin: sentence.weight for sentence in attention.sentences}
    end = -1
    for token, weight in zip(attention.tokens, attention.weights, strict=True):
        if token.begin in begins:
            yield _Word(f"{begins.pop(token.begin):.0%}", None)
            end = -1
        between = text[max(end, 0) : token.begin].strip() if end >= 0 else ""
        if between:
            yield _Word(between, 0.0)
        shown = text[max(token.begin, end) : token.end]
        if shown:
            yield _Word(shown, float(weight) / largest, is_joined=token.begin == end)
        end = max(end, token.end)


def _places(
    figure: Any, words: Sequence[_Word], families: list[str], missing: frozenset[str]
) -> tuple[list[tuple[float, int]], int]:
    """Where each word stands: inches from the left, and its line; and how many lines there are."""
    canvas: Any = FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    places: list[tuple[float, int]] = []
    margin = _PAD_IN + _NOTE_IN * any(word.paint is None for word in words)
    right = figure.get_size_inches()[0] - _PAD_IN
    x, line = margin, 0
    for word in words:
        drawn = figure.text(
            0,
            0,
            with_code_points(word.text, missing),
            fontsize=_POINTS,
            fontfamily=families,
            parse_math=False,
        )
        width = drawn.get_window_extent(renderer).width / _DOTS_PER_IN
        drawn.remove()
        if word.paint is None:
            line += bool(places)
            places.append((margin - _SPACE - width, line))
            x = margin
            continue
        gap = 0.0 if word.is_joined else _SPACE
        if x > margin and x + gap + width > right:
            x, line = margin, line + 1
        places.append((x + gap, line))
        x += gap + width
    return places, line + 1


def _paint(word: _Word, colours: Any) -> dict[str, Any]:
    if word.paint is None:
        return {"color": "#777777"}
    shade = 0.85 * word.paint
    return {
        "color": "white" if shade > 0.6 else "#222222",
        "bbox": {"facecolor": colours(shade), "edgecolor": "none", "pad": 1.2, "alpha": 0.9}
        if word.paint >= 0.02
        else None,
    }
