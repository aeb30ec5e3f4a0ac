"""The section on attention: how each head spreads it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from heed.contract import AttentionLayer
from heed.figures.heat_map import thumbnail
from heed.figures.markup import element
from model_export.evaluation.report import page
from model_export.evaluation.report.head_statistics import HeadStatistics
from model_export.evaluation.report.reading import Reading

_ENTROPY = (
    "<b>Entropy</b> of the attention: 0% = all on one token, 100% = spread evenly over the "
    "source. Mean over the tokens written, as a share of the most there can be."
)
_DIAGONALITY = (
    "<b>Diagonality</b>: 100% = attention runs along the diagonal, from the first token to the "
    "last; 0% = it is as far from it as even attention; below 0% = further."
)
_LARGEST = "<b>Largest weight</b> of a row, on average."
_GIVEN = ", while the model is given its own outputs; the end token is left out"
_THUMB_WIDTH = 104


def attention_section(
    statistics: HeadStatistics,
    layers: Sequence[AttentionLayer],
    *,
    example: Reading | None,
    row: str,
    column: str,
) -> str:
    """Statistics of every head, and how every head looks at one example.

    Args:
        statistics: The statistics.
        layers: The mechanism of each layer, bottom layer first.
        example: What was looked at in one example; None = no pictures.
        row: What a layer is called.
        column: What a head is called.
    """
    places = [layer.layer_index for layer in layers]
    given = _GIVEN if statistics.diagonality is not None else ""
    words = (
        f"{_kinds(layers, row, column)}. Measured on {statistics.example_count:,} examples, spread "
        f"over the split{given}."
    )
    tables = [_head_table("entropy", _ENTROPY, statistics.entropy, (places, row, column))]
    if statistics.diagonality is not None:
        values = statistics.diagonality
        tables.append(_head_table("diagonality", _DIAGONALITY, values, (places, row, column)))
    tables.append(
        _head_table("largest weight", _LARGEST, statistics.largest, (places, row, column))
    )
    pictures = "" if example is None else _heads_of(example, places, (row, column))
    return page.paragraph(words) + element("div", *tables, class_="tables") + pictures


def _kinds(layers: Sequence[AttentionLayer], row: str, column: str) -> str:
    """The mechanisms in words; equal ones once."""
    known: dict[tuple[str, int], list[str]] = {}
    for layer in layers:
        known.setdefault((layer.kind, layer.head_count), []).append(str(layer.layer_index))
    return "; ".join(
        f"{row}{'s' if len(places) > 1 else ''} {', '.join(places)}: {kind}, {count} {column}"
        + ("s" if count > 1 else "")
        for (kind, count), places in known.items()
    ).capitalize()


def _head_table(
    name: str,
    caption: str,
    values: npt.NDArray[np.float64],
    names: tuple[Sequence[int], str, str],
) -> str:
    places, row, column = names
    return page.value_table(
        name,
        caption=caption,
        columns=[row, *(f"{column} {place}" for place in range(values.shape[1]))],
        rows=[
            (str(place), [(_share(value), value) for value in layer])
            for place, layer in zip(places, values.tolist(), strict=True)
        ],
    )


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}".replace("-", "−")


def _heads_of(example: Reading, places: Sequence[int], names: tuple[str, str]) -> str:
    """A small picture of every head: output down, source across."""
    row, column = names
    head_count = example.heads.shape[1]
    pictures = [
        page.figure(
            thumbnail(weights, f"{row} {place}, {column} {head}", side=_THUMB_WIDTH),
            f"{place}.{head}",
        )
        for place, layer in zip(places, example.heads, strict=True)
        for head, weights in enumerate(layer)
    ]
    grid = element(
        "div",
        *pictures,
        class_="grid",
        style=f"grid-template-columns:repeat({head_count},max-content)",
    )
    texts = f"{' '.join(example.columns)} → {' '.join(example.rows)}"
    words = f"Every {column} at one example ({row}.{column}; output down, source across): "
    caption = element("p", words, page.text(texts), class_="note")
    return element("h3", "One example") + caption + page.scrolled(grid, f"every {column}")


def alignment_note(name: str) -> str:
    """What the alignment error is."""
    return page.note(
        f"{name}: 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003), where A links each "
        "piece of the right translation with the source piece of the most attention, S are the "
        "sure links of the data, and P the sure and the possible ones."
    )
