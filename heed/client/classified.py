"""What a classifier says of a text."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from heed.client.results import FloatArray, ModelVersion, Timings, Token
from heed.client.shown import Shown, ShownAnswer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class LabelProbability:
    """A label, and its probability, 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class SentenceWeight:
    """A sentence as a hierarchical model read it, and how much it counted.

    Attributes:
        begin: Where it begins, in Unicode code points: `text[begin:end]` is the sentence.
        end: Where it ends (exclusive), in Unicode code points.
        weight: Its weight, 0 to 1; those of all sentences sum to 1.
    """

    begin: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True, eq=False)
class SourceAttention(Shown):
    """What a classifier looked at. `print` shows it, and `np.asarray` gives the weights.

    Attributes:
        text: The text.
        tokens: What the weights are of, S tokens or words.
        weights: float32 [S]; each 0 to 1, together 1.
        heads: The same for every hop, float32 [N, S]. None unless asked for.
        sentences: The sentences of the text; empty unless the model is hierarchical.
    """

    text: str
    tokens: tuple[Token, ...]
    weights: FloatArray
    heads: FloatArray | None = None
    sentences: tuple[SentenceWeight, ...] = ()

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.weights, dtype) if copy else np.asarray(self.weights, dtype)

    def __str__(self) -> str:
        from heed.views.painted_text import painted_text

        return painted_text(self, marks=True).plain

    def plot(
        self,
        path: str | Path | None = None,
        *,
        title: str = "",
        width_mm: float | None = None,
    ) -> Figure:
        """Paints the text with matplotlib, and writes it to `path` (.png, .svg, .pdf) if given.

        Args:
            path: The file, if there is to be one.
            title: What to write above the picture.
            width_mm: How wide the picture is to be, 40 to 1000 millimetres, for example 85 for a
                column of a paper. None: as wide as it needs to be.

        Raises:
            PlotError: matplotlib is not installed, the path's ending is not known, or the width
                is none that a picture can have.
        """
        from heed.views.picture import finished
        from heed.views.text_picture import draw_painted_text

        return finished(draw_painted_text(self, title=title, width_mm=width_mm), path)


@dataclass(frozen=True, slots=True)
class ClassifyResult(ShownAnswer):
    """The answer to one text. `label` and `probability` are those of the most probable label.

    Attributes:
        text: The text that was asked.
        labels: The labels, most probable first; at least one.
        source_tokens: The text as the model read it.
        attention: What the model looked at. None unless asked for.
        model: The model and version that answered.
        timings: Where the time of the whole call went.
    """

    text: str
    labels: tuple[LabelProbability, ...]
    source_tokens: tuple[Token, ...]
    attention: SourceAttention | None
    model: ModelVersion
    timings: Timings

    @property
    def label(self) -> str:
        """The most probable label."""
        return self.labels[0].label

    @property
    def probability(self) -> float:
        """Its probability, 0 to 1."""
        return self.labels[0].probability
