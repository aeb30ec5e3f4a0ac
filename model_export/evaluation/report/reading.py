"""What a model looks at while it writes given outputs."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from heed.contract import SPECIAL_IDS
from heed.figures.visible import visible
from heed.text import TextToken
from model_export.config import averaged_indices
from model_export.evaluation.padding import padded
from model_export.models import Seq2Seq
from model_export.runs.training_run import TrainingRun

_ROWS_AT_ONCE: Final = 32
END: Final = "<end>"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What a model looked at.

    Attributes:
        rows: The output's tokens, and the end.
        columns: The source's tokens.
        heads: The weights of every layer and head, float32 [L, N, T, S].
        weights: Their mean as answers show it, float32 [T, S].
    """

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    heads: npt.NDArray[np.float32]
    weights: npt.NDArray[np.float32]

    @property
    def heads_of_text(self) -> npt.NDArray[np.float32]:
        """The heads without the row of the end, float32 [L, N, T - 1, S]."""
        return self.heads[:, :, :-1]


class Reader:
    """Gives outputs to a model, and notes where it looks, as `heed score --heads` does.

    Args:
        run: The run of the model, which writes texts and reads texts.
    """

    def __init__(self, run: TrainingRun) -> None:
        self._source_tokenizer = run.source_tokenizer
        self._target_tokenizer = run.target_tokenizer
        settings = run.recipe.seq2seq_model
        self._limits = settings.max_source_tokens, settings.max_target_tokens
        self._layers = list(averaged_indices(settings))
        self._heads = _heads_of(run.model)

    def read(self, pairs: Sequence[tuple[str, str]]) -> Iterator[Reading | None]:
        """What the model looks at in each pair of a source and an output, in their order.

        None where there is nothing to look at, or more than the model can hold.
        """
        for start in range(0, len(pairs), _ROWS_AT_ONCE):
            yield from self._read_batch(pairs[start : start + _ROWS_AT_ONCE])

    def _read_batch(self, pairs: Sequence[tuple[str, str]]) -> list[Reading | None]:
        tokens = [
            (self._source_tokenizer.encode(source), self._target_tokenizer.encode(output))
            for source, output in pairs
        ]
        readings: list[Reading | None] = [None] * len(pairs)
        places = [place for place, row in enumerate(tokens) if self._fits(*row)]
        if not places:
            return readings
        sources = [[token.id for token in tokens[place][0]] for place in places]
        inputs = [
            [SPECIAL_IDS.begin, *(token.id for token in tokens[place][1])] for place in places
        ]
        lengths = np.array(list(map(len, sources)), np.int32)
        heads = self._heads(padded(sources), lengths, padded(inputs)).numpy()
        for place, matrix in zip(places, heads, strict=True):
            readings[place] = self._reading(*tokens[place], matrix)
        return readings

    def _fits(self, source: Sequence[TextToken], output: Sequence[TextToken]) -> bool:
        longest_source, longest_target = self._limits
        return 0 < len(source) <= longest_source and 0 < len(output) < longest_target

    def _reading(
        self,
        source: Sequence[TextToken],
        output: Sequence[TextToken],
        heads: npt.NDArray[np.float32],
    ) -> Reading:
        heads = heads[:, :, : len(output) + 1, : len(source)]
        return Reading(
            rows=(*map(label, output), END),
            columns=tuple(map(label, source)),
            heads=heads,
            weights=heads[self._layers].mean(axis=(0, 1)),
        )


def label(token: TextToken) -> str:
    """What stands beside a token's row or column."""
    text = visible(token.text) or "''"
    return f"{text}?" if token.is_unknown else text


def _heads_of(model: Seq2Seq) -> Any:
    """From tokens, lengths and target inputs to the weights of all heads, [B, L, N, T, S]."""

    def heads(tokens: tf.Tensor, lengths: tf.Tensor, target_inputs: tf.Tensor) -> tf.Tensor:
        inputs = {"tokens": tokens, "lengths": lengths, "target_inputs": target_inputs}
        return model(inputs).attention_heads

    matrix, vector = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    return tf.function(heads, input_signature=[matrix, vector, matrix])
