"""The section on attention: how each head spreads it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from heed.contract import AttentionLayer
from heed.figures.heat_map import thumbnail
from heed.figures.markup import element
from model_export.evaluation.report import page
from model_export.evaluation.report.head_statistics import HeadStatistics
from model_export.evaluation.report.reading import Reading

_DIAGONALITY = (
    "<b>Diagonality</b>: 100% = attention runs along the diagonal, from the first token to the "
    "last; 0% = it is as far from it as even attention; below 0% = further."
)
_LARGEST = "<b>Largest weight</b> of a row, on average."
_GIVEN = ", while the model is given its own outputs; the end token is left out"
_THUMB_WIDTH = 104


@dataclass(frozen=True, slots=True)
class HeadWords:
    """What the parts of a model's attention are called.

    Attributes:
        row: A layer.
        column: A head.
        place: What is looked at.
        whole: What places are parts of.
        writes: Whether the model writes: it looks once for every token of its output.
    """

    row: str = "layer"
    column: str = "head"
    place: str = "token"
    whole: str = "source"
    writes: bool = True

    @property
    def entropy(self) -> str:
        """What the table of entropies shows, as markup."""
        mean = "Mean over the tokens written, as" if self.writes else "As"
        return (
            f"<b>Entropy</b> of the attention: 0% = all on one {self.place}, 100% = spread evenly "
            f"over the {self.whole}. {mean} a share of the most there can be."
        )


def attention_section(
    statistics: HeadStatistics,
    layers: Sequence[AttentionLayer],
    *,
    words: HeadWords,
    example: str,
) -> str:
    """Statistics of every head, and how every head looks at one example.

    Args:
        statistics: The statistics.
        layers: The mechanism of each layer, bottom layer first.
        words: What layers and heads are called.
        example: Pictures of one example, as markup; empty = none.
    """
    given = _GIVEN if words.writes else ""
    described = (
        f"{_kinds(layers, words)}. Measured on {statistics.example_count:,} examples, spread "
        f"over the split{given}."
    )
    shown = [("entropy", words.entropy, statistics.entropy)]
    if statistics.diagonality is not None:
        shown.append(("diagonality", _DIAGONALITY, statistics.diagonality))
    shown.append(("largest weight", _LARGEST, statistics.largest))
    tables = [
        _head_table(name, caption, values, (layers, words)) for name, caption, values in shown
    ]
    return page.paragraph(described) + element("div", *tables, class_="tables") + example


def _kinds(layers: Sequence[AttentionLayer], words: HeadWords) -> str:
    """The mechanisms in words; equal ones once."""
    known: dict[tuple[str, int], list[str]] = {}
    for layer in layers:
        known.setdefault((layer.kind, layer.head_count), []).append(str(layer.layer_index))
    return "; ".join(
        f"{words.row}{'s' if len(places) > 1 else ''} {', '.join(places)}: {kind}, {count} "
        + words.column
        + ("s" if count > 1 else "")
        for (kind, count), places in known.items()
    ).capitalize()


def _head_table(
    name: str,
    caption: str,
    values: npt.NDArray[np.float64],
    names: tuple[Sequence[AttentionLayer], HeadWords],
) -> str:
    layers, words = names
    columns = (f"{words.column} {place}" for place in range(values.shape[1]))
    return page.value_table(
        name,
        caption=caption,
        columns=[words.row, *columns],
        rows=[
            (str(layer.layer_index), [(_share(value), value) for value in row])
            for layer, row in zip(layers, values.tolist(), strict=True)
        ],
    )


def _share(value: float) -> str:
    return "–" if np.isnan(value) else f"{value:.0%}".replace("-", "−")


def heads_of_example(example: Reading, layers: Sequence[AttentionLayer]) -> str:
    """A small picture of every head: output down, source across."""
    head_count = example.heads.shape[1]
    pictures = [
        page.figure(
            thumbnail(weights, f"layer {layer.layer_index}, head {head}", side=_THUMB_WIDTH),
            f"{layer.layer_index}.{head}",
        )
        for layer, heads in zip(layers, example.heads, strict=True)
        for head, weights in enumerate(heads)
    ]
    grid = element(
        "div",
        *pictures,
        class_="grid",
        style=f"grid-template-columns:repeat({head_count},max-content)",
    )
    texts = f"{' '.join(example.columns)} → {' '.join(example.rows)}"
    words = "Every head at one example (layer.head; output down, source across): "
    caption = element("p", words, page.text(texts), class_="note")
    return element("h3", "One example") + caption + page.scrolled(grid, "every head")


def alignment_note(name: str) -> str:
    """What the alignment error is."""
    return page.note(
        f"{name}: 1 − (|A ∩ S| + |A ∩ P|) / (|A| + |S|) (Och and Ney 2003), where A links each "
        "piece of the right translation with the source piece of the most attention, S are the "
        "sure links of the data, and P the sure and the possible ones."
    )
