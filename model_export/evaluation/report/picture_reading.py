"""What a model looks at in pictures while it writes given outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from heed.contract import SPECIAL_IDS, ImageInput
from heed.text import TextToken
from model_export.config import averaged_indices
from model_export.data.pictures import Picture
from model_export.evaluation.padding import padded, padded_arrays
from model_export.evaluation.report.reading import END, label
from model_export.models import Seq2Seq
from model_export.runs.training_run import TrainingRun

_ROWS_AT_ONCE: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class PictureReading:
    """What a model looked at.

    Attributes:
        rows: The output's tokens, and the end.
        heads: The weights of every layer and head, float32 [L, N, T, rows, columns].
        weights: Their mean as answers show it, float32 [T, rows, columns].
    """

    rows: tuple[str, ...]
    heads: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    @property
    def heads_of_text(self) -> npt.NDArray[np.float32]:
        """The heads without the row of the end, float32 [L, N, T - 1, S], S places."""
        taken = self.heads[:, :, :-1]
        return taken.reshape(*taken.shape[:3], -1)


class PictureReader:
    """Gives outputs to a model that reads pictures, and notes where it looks.

    Args:
        run: The run of the model.
    """

    def __init__(self, run: TrainingRun) -> None:
        settings = run.recipe.picture_model
        self._tokenizer = run.target_tokenizer
        self._image = settings.image
        self._most_tokens = settings.max_target_tokens
        self._layers = list(averaged_indices(settings))
        self._heads = _heads_of(run.model, settings.image)

    def read(self, pairs: Sequence[tuple[Picture, str]]) -> Iterator[PictureReading | None]:
        """What the model looks at in each pair of a picture and an output, in their order.

        None where nothing was written, or more than the model can hold.
        """
        for start in range(0, len(pairs), _ROWS_AT_ONCE):
            yield from self._read_batch(pairs[start : start + _ROWS_AT_ONCE])

    def _read_batch(self, pairs: Sequence[tuple[Picture, str]]) -> list[PictureReading | None]:
        outputs = [self._tokenizer.encode(output) for _, output in pairs]
        readings: list[PictureReading | None] = [None] * len(pairs)
        kept = [place for place, row in enumerate(outputs) if 0 < len(row) < self._most_tokens]
        if not kept:
            return readings
        pictures = [pairs[place][0].columns for place in kept]
        inputs = [[SPECIAL_IDS.begin, *(token.id for token in outputs[place])] for place in kept]
        images, widths = padded_arrays(pictures)
        heads = self._heads(images, widths, padded(inputs)).numpy()
        for place, matrix, width in zip(kept, heads, widths.tolist(), strict=True):
            readings[place] = self._reading(outputs[place], matrix, width)
        return readings

    def _reading(
        self, output: Sequence[TextToken], heads: npt.NDArray[np.float32], width: int
    ) -> PictureReading:
        places = self._image.place_count(width)
        taken = heads[:, :, : len(output) + 1, :places]
        # Places are numbered column by column.
        by_columns = taken.reshape(*taken.shape[:3], -1, self._image.row_count)
        maps = by_columns.swapaxes(-1, -2)
        return PictureReading(
            rows=(*map(label, output), END),
            heads=maps,
            weights=maps[self._layers].mean(axis=(0, 1)),
        )


def _heads_of(model: Seq2Seq, image: ImageInput) -> Any:
    """From pictures, widths and target inputs to the weights of all heads, [B, L, N, T, S]."""

    def heads(images: tf.Tensor, widths: tf.Tensor, target_inputs: tf.Tensor) -> tf.Tensor:
        inputs = {"tokens": images, "lengths": widths, "target_inputs": target_inputs}
        return model(inputs).attention_heads

    pixels = tf.TensorSpec([None, None, image.height, image.channel_count], tf.uint8)
    matrix, vector = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    return tf.function(heads, input_signature=[pixels, vector, matrix])
