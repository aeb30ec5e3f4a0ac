"""Comparison of two answers to the same request."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from heed.contract import (
    ATTENTION_HEADS_OUTPUT,
    ATTENTION_OUTPUT,
    SENTENCE_ATTENTION_OUTPUT,
    Signature,
)
from model_export.export.batching import Array, Arrays, source_lengths
from model_export.export.errors import VerificationError

TOLERANCE: Final = 1e-4
"""The most that log-probabilities and attention may differ, in their own unit."""

_AXES_OF_DECODING: Final = {"tokens": 1, "token_scores": 1, ATTENTION_OUTPUT: 1}
_AXES_OF_SCORING: Final = {"token_scores": 0, ATTENTION_OUTPUT: 0, ATTENTION_HEADS_OUTPUT: 2}
"""Which dimension of a row's output counts target tokens."""


@dataclass
class Comparison:
    """Compares answers for one check and remembers the largest difference.

    Attributes:
        check: The check's name, for messages.
        largest_difference: Of any two numbers compared so far.
        answers: How many answers were compared.
    """

    check: str
    largest_difference: float = 0.0
    answers: int = 0

    def compare(
        self,
        actual: Mapping[str, Array],
        expected: Mapping[str, Array],
        *,
        where: str,
    ) -> None:
        """Compares two answers, output by output.

        Args:
            actual: The version's answer.
            expected: What it should be; outputs that are only in `actual` do not count.
            where: The signature, and what of it.

        Raises:
            VerificationError: Shapes or integers are not equal, or numbers are further apart
                than `TOLERANCE`.
        """
        for name, array in expected.items():
            self._compare_output(actual[name], array, where=f"{where}, output {name}")
        self.answers += 1

    def _compare_output(self, actual: Array, expected: Array, *, where: str) -> None:
        if actual.shape != expected.shape:
            raise VerificationError(
                self.check, f"{where}: has shape {actual.shape}, expected {expected.shape}"
            )
        if not np.issubdtype(expected.dtype, np.floating):
            wrong = int(np.sum(actual != expected))
            if wrong:
                raise VerificationError(
                    self.check, f"{where}: {wrong} of {expected.size} elements differ"
                )
            return
        difference = float(np.max(np.abs(actual - expected), initial=0.0))
        if not difference <= TOLERANCE:  # so that NaN fails
            raise VerificationError(
                self.check, f"{where}: differs by {difference:.6g}, allowed {TOLERANCE:g}"
            )
        self.largest_difference = max(self.largest_difference, difference)


def trimmed_row(
    signature: Signature,
    inputs: Mapping[str, Any],
    outputs: Mapping[str, Any],
    row: int,
    *,
    places_of: Callable[[int], int] = int,
) -> Arrays:
    """A row of an answer without its padding, so that answers of different batches compare.

    Args:
        signature: Which signature answered.
        inputs: What it was asked.
        outputs: What it answered.
        row: Which row.
        places_of: How many source positions attention is over, from a row's source length.
    """
    source_length = int(source_lengths(inputs)[row])
    if signature is Signature.CLASSIFY:
        return _trimmed_labels(inputs, outputs, row, source_length)
    if signature is Signature.SCORE:
        axes, target_length = _AXES_OF_SCORING, int(inputs["target_lengths"][row])
    else:
        axes, target_length = _AXES_OF_DECODING, int(outputs["lengths"][row].max())
    of_row = {name: array[row] for name, array in outputs.items()}
    if signature is Signature.BEAM:
        width = int(inputs["beam_width"][row])
        of_row = {name: array[:width] for name, array in of_row.items()}
    trimmed = {}
    for name, array in of_row.items():
        target_axis = axes.get(name)
        if target_axis is not None:
            array = array.take(range(target_length), axis=target_axis)
        if name in (ATTENTION_OUTPUT, ATTENTION_HEADS_OUTPUT):
            array = array[..., : places_of(source_length)]
        trimmed[name] = array
    return trimmed


def _trimmed_labels(
    inputs: Mapping[str, Any], outputs: Mapping[str, Any], row: int, source_length: int
) -> Arrays:
    """A row of a classifier's answer without its padding."""
    trimmed = {name: array[row] for name, array in outputs.items()}
    for name in (ATTENTION_OUTPUT, ATTENTION_HEADS_OUTPUT):
        trimmed[name] = trimmed[name][..., :source_length]
    if SENTENCE_ATTENTION_OUTPUT in trimmed:
        sentence_count = int(inputs["sentence_ids"][row, :source_length].max()) + 1
        trimmed[SENTENCE_ATTENTION_OUTPUT] = trimmed[SENTENCE_ATTENTION_OUTPUT][:sentence_count]
    return trimmed
