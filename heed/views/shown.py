"""What an answer looks like in a notebook and in a terminal."""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import singledispatch

from rich.cells import cell_len
from rich.text import Text

from heed.client.captioned import Caption, CaptionResult, ImageAttention
from heed.client.classified import ClassifyResult, SourceAttention
from heed.client.results import (
    Attention,
    FloatArray,
    GenerateResult,
    Hypothesis,
    ScoreResult,
    Token,
)
from heed.figures.heat_map import MapText, heat_map, thumbnail
from heed.figures.image_maps import PictureFrame, image_maps, place_of_largest
from heed.figures.markup import element, escaped, void_element
from heed.figures.painted import Span, painted
from heed.figures.visible import one_line
from heed.views import heat_map as text_map
from heed.views.labels import token_label, token_labels
from heed.views.painted_text import painted_text

_MOST_LABELS = 5
_QUIET = "opacity:.75"
_TOKEN = "display:inline-block;margin:0 .5em .25em 0;text-align:center"


@singledispatch
def as_html(value: object) -> str:
    """An answer, or its attention, as HTML that fits light and dark surroundings."""
    raise TypeError(f"a {type(value).__name__} has no picture")


@singledispatch
def as_text(value: object, *, width: int = 80, has_colours: bool = False) -> Text:
    """An answer, or its attention, as text of so many terminal cells a line."""
    raise TypeError(f"a {type(value).__name__} has no picture")


@as_html.register
def _(value: Attention) -> str:
    rows, columns = token_labels(value.target_tokens), token_labels(value.source_tokens)
    text = MapText(rows, columns, f"Attention, {len(rows)} rows and {len(columns)} columns")
    heads = [
        element("figure", thumbnail(value.heads[layer, head], name), caption, style=_TOKEN)
        for layer, head in value.head_places
        if value.heads is not None
        for name in [f"layer {layer}, head {head}"]
        for caption in [element("figcaption", name, style=_QUIET)]
    ]
    return element("div", heat_map(value.weights, text), *([element("div", *heads)] * bool(heads)))


@as_html.register
def _(value: SourceAttention) -> str:
    spans = [
        Span(token.begin, token.end, float(weight))
        for token, weight in zip(value.tokens, value.weights, strict=True)
    ]
    sentences = [
        element("li", f"{each.weight:.0%} ", escaped(one_line(value.text[each.begin : each.end])))
        for each in value.sentences
    ]
    listed = [element("p", "weights of the sentences:"), element("ul", *sentences)]
    return element("div", painted(value.text, spans), *(listed if sentences else []))


@as_html.register
def _(value: ImageAttention) -> str:
    labels, grid = token_labels(value.target_tokens), value.grid
    frame = PictureFrame(
        value.image, grid.image_width, grid.image_height, grid.cell_width, grid.cell_height
    )
    maps = image_maps(
        frame, value.weights, labels, f"Attention over a picture, {len(labels)} tokens"
    )
    heads = [
        element("figure", element("figcaption", name, style=_QUIET), drawn)
        for name, weights in _heads_of(value)
        for drawn in [image_maps(frame, weights, labels, name)]
    ]
    return element("div", maps, *heads)


@as_html.register
def _(value: GenerateResult) -> str:
    return _answer_html(value.source_text, value.best)


@as_html.register
def _(value: ScoreResult) -> str:
    return _answer_html(value.source_text, value.target)


@as_html.register
def _(value: CaptionResult) -> str:
    return _answer_html("", value.best)


@as_html.register
def _(value: ClassifyResult) -> str:
    labels = [
        element("li", f"{escaped(each.label)} {each.probability:.1%}")
        for each in value.labels[:_MOST_LABELS]
    ]
    attention = value.attention
    shown = (
        element("p", escaped(value.text), dir="auto") if attention is None else as_html(attention)
    )
    return element("div", element("ol", *labels), shown)


@as_text.register
def _(value: Attention, *, width: int = 80, has_colours: bool = False) -> Text:
    return text_map.heat_map(value, width=width)


@as_text.register
def _(value: SourceAttention, *, width: int = 80, has_colours: bool = False) -> Text:
    return painted_text(value, width=width, marks=not has_colours)


@as_text.register
def _(value: ImageAttention, *, width: int = 80, has_colours: bool = False) -> Text:
    labels = token_labels(value.target_tokens)
    widest = max(map(cell_len, labels), default=0)
    lines = [
        " " * (widest - cell_len(label)) + f"{label}  {place_of_largest(weights)}"
        for label, weights in zip(labels, value.weights, strict=True)
    ]
    size = f"{value.grid.row_count} x {value.grid.column_count}"
    return Text("\n".join([*lines, f"the largest weight of each; the grid has {size} places"]))


@as_text.register
def _(value: GenerateResult, *, width: int = 80, has_colours: bool = False) -> Text:
    return _answer_text(value.source_text, value.best, width)


@as_text.register
def _(value: ScoreResult, *, width: int = 80, has_colours: bool = False) -> Text:
    return _answer_text(value.source_text, value.target, width)


@as_text.register
def _(value: CaptionResult, *, width: int = 80, has_colours: bool = False) -> Text:
    return _answer_text("", value.best, width)


@as_text.register
def _(value: ClassifyResult, *, width: int = 80, has_colours: bool = False) -> Text:
    labels = "  ".join(
        f"{one_line(each.label)} {each.probability:.1%}" for each in value.labels[:_MOST_LABELS]
    )
    if value.attention is None:
        return Text(f"{labels}\n{one_line(value.text)}")
    shown = as_text(value.attention, width=width, has_colours=has_colours)
    return Text("\n\n").join([Text(labels), shown])


def _heads_of(attention: ImageAttention) -> Iterator[tuple[str, FloatArray]]:
    """The name and the weights of every head, bottom layer first; none if there is only one."""
    if attention.heads is None or attention.heads.shape[:2] == (1, 1):
        return
    for layer, heads in enumerate(attention.heads):
        for head, weights in enumerate(heads):
            if not math.isnan(float(weights.sum())):
                yield f"layer {layer}, head {head}", weights


def _answer_html(source_text: str, hypothesis: Hypothesis | Caption) -> str:
    source = element("bdi", escaped(one_line(source_text))) + " → " if source_text else ""
    heading = element(
        "p",
        source,
        element("strong", element("bdi", escaped(one_line(hypothesis.text)))),
        element("span", f" score {hypothesis.score:.2f}".replace("-", "−"), style=_QUIET),
    )
    tokens = [_token_html(token) for token in hypothesis.tokens if token.score is not None]
    attention = [] if hypothesis.attention is None else [as_html(hypothesis.attention)]
    return element("div", heading, element("p", *tokens), *attention)


def _token_html(token: Token) -> str:
    """A token above its probability."""
    probability = math.exp(min(token.score or 0.0, 0.0))
    return element(
        "span",
        element("bdi", escaped(token_label(token))),
        void_element("br"),
        element("small", f"{probability:.0%}", style=_QUIET),
        style=_TOKEN,
    )


def _answer_text(source_text: str, hypothesis: Hypothesis | Caption, width: int) -> Text:
    source = f"{one_line(source_text)} → " if source_text else ""
    heading = Text(f"{source}{one_line(hypothesis.text)}   (score {hypothesis.score:.2f})")
    if hypothesis.attention is None:
        return heading
    return Text("\n\n").join([heading, as_text(hypothesis.attention, width=width)])
