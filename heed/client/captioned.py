"""What a model says of a picture."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from heed.client.results import FinishReason, FloatArray, ModelVersion, Timings, Token
from heed.client.shown import Shown, ShownAnswer

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True, slots=True)
class ImageGrid:
    """A grid that covers a picture.

    The place in row r and column c, both from 0, covers the pixels from c * `cell_width` to
    (c + 1) * `cell_width` and from r * `cell_height` to (r + 1) * `cell_height`; what of the last
    column lies beyond the picture's edge is empty.

    Attributes:
        image_width: Width of the picture in its own pixels, turned upright.
        image_height: Its height, likewise.
        column_count: Columns of the grid.
        row_count: Rows of the grid.
        cell_width: Width of a place, in the picture's own pixels.
        cell_height: Height of a place, likewise.
    """

    image_width: int
    image_height: int
    column_count: int
    row_count: int
    cell_width: float
    cell_height: float


@dataclass(frozen=True, slots=True, eq=False)
class ImageAttention(Shown):
    """Where in a picture the model looked.

    Notebooks show it, `print` tells where each token looked most, and `np.asarray` gives `weights`.

    Attributes:
        target_tokens: What it wrote, T tokens; or words, and the end token.
        grid: The places that it looked at.
        weights: float32 [T, rows, columns]; each 0 to 1. Averaged over layers and heads as the
            model says.
        heads: The same for every decoder layer and head, float32 [L, N, T, rows, columns]; a head
            that a layer does not have is NaN. None unless asked for.
        image: The picture's file.
    """

    target_tokens: tuple[Token, ...]
    grid: ImageGrid
    weights: FloatArray
    heads: FloatArray | None = None
    image: bytes = field(default=b"", repr=False)

    def __str__(self) -> str:
        from heed.views.shown import as_text

        return as_text(self).plain

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.weights, dtype) if copy else np.asarray(self.weights, dtype)

    def plot(self, path: str | Path | None = None, *, title: str = "") -> Figure:
        """Draws the picture once for each token, with a map over it of where the model looked.

        Args:
            path: The file, if there is to be one: .png, .svg or .pdf.
            title: What to write above the pictures.

        Raises:
            PlotError: matplotlib is not installed, the path's ending is not known, or the picture
                cannot be read.
        """
        from heed.views.image_map import draw_image_maps
        from heed.views.picture import finished

        return finished(draw_image_maps(self, title=title), path)


@dataclass(frozen=True, slots=True)
class Caption:
    """One text for a picture.

    Attributes:
        text: The text.
        score: Natural logarithm of its probability: the sum of its tokens' scores.
        tokens: Its tokens, the end token included if the model wrote one.
        finish_reason: Why it ended.
        attention: Where the model looked. None unless asked for.
        rank_score: The score by which beam search orders texts; None without it.
    """

    text: str
    score: float
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    attention: ImageAttention | None = None
    rank_score: float | None = None


@dataclass(frozen=True, slots=True)
class CaptionResult(ShownAnswer):
    """The answer to one picture. `text`, `score`, `tokens` and `attention` are the best caption's.

    Attributes:
        captions: The texts, at least one: best first, or samples in the order drawn.
        grid: The places that attention is over.
        model: The model and version that answered.
        timings: Where the time of the whole call went.
    """

    captions: tuple[Caption, ...]
    grid: ImageGrid
    model: ModelVersion
    timings: Timings

    @property
    def best(self) -> Caption:
        """The best caption."""
        return self.captions[0]

    @property
    def text(self) -> str:
        """The best caption's text."""
        return self.best.text

    @property
    def score(self) -> float:
        """Natural logarithm of its probability."""
        return self.best.score

    @property
    def tokens(self) -> tuple[Token, ...]:
        """Its tokens."""
        return self.best.tokens

    @property
    def attention(self) -> ImageAttention | None:
        """Where the model looked; None unless asked for."""
        return self.best.attention
