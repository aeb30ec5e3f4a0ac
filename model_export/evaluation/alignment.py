"""How well attention aligns, where the truth is known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import tensorflow as tf

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer
from model_export.config import LinkUnit, ModelSettings, averaged_indices
from model_export.data.examples import Example, Link
from model_export.data.links import words_of_pieces
from model_export.decoding.step_model import average_attention
from model_export.errors import DataError
from model_export.evaluation.padding import padded
from model_export.models import Seq2Seq

Pairs = set[tuple[int, int]]
"""Linked source and target words."""
_ROWS_AT_ONCE: Final = 64


@dataclass(frozen=True, slots=True)
class _Row:
    """An example in tokens: ids, and the word of each piece."""

    source: list[int]
    target: list[int]
    source_words: list[int | None]
    target_words: list[int | None]
    links: tuple[Link, ...]


def alignment_error_rate(found: Sequence[Pairs], truth: Sequence[Sequence[Link]]) -> float:
    """How far alignments are from the truth, 0 (none) to 1.

        AER = 1 - (|A n S| + |A n P|) / (|A| + |S|)         Och and Ney 2003, eq. 5

    where A is found, S the sure links and P the sure and possible ones, over all pairs of texts.

    Args:
        found: The links found in each pair of texts.
        truth: The right ones.

    Raises:
        DataError: Nothing is found and nothing is sure.
    """
    counts = alignment_counts(found, truth)
    hits, total = sum(hits for hits, _ in counts), sum(total for _, total in counts)
    if not total:
        raise DataError("there are no links to compare with")
    return 1.0 - hits / total


def alignment_counts(
    found: Sequence[Pairs], truth: Sequence[Sequence[Link]]
) -> list[tuple[int, int]]:
    """Of each pair of texts the numerator and the denominator of `alignment_error_rate`."""
    counts = []
    for links, right in zip(found, truth, strict=True):
        sure = {(link.source, link.target) for link in right if link.is_sure}
        possible = {(link.source, link.target) for link in right}
        counts.append((len(links & sure) + len(links & possible), len(links) + len(sure)))
    return counts


class Aligner:
    """Aligns given translations: each target piece with the source piece of the most attention.

    Words are linked where any of their pieces are. The end token is not counted.

    Args:
        model: The model; later changes of its weights count.
        settings: What it looks like.
        source_tokenizer: Splits the sources.
        target_tokenizer: Splits the targets.
        unit: What links are between.
    """

    def __init__(
        self,
        model: Seq2Seq,
        settings: ModelSettings,
        *,
        source_tokenizer: Tokenizer,
        target_tokenizer: Tokenizer,
        unit: LinkUnit,
    ) -> None:
        self._settings = settings
        self._source_tokenizer = source_tokenizer
        self._target_tokenizer = target_tokenizer
        self._unit = unit
        self._best_places = _best_places(model, averaged_indices(settings))

    def error_rate(self, examples: Sequence[Example]) -> float | None:
        """`alignment_error_rate` of the examples with links; none if there are none.

        Those that the model cannot hold are left out.
        """
        found, truth = self.alignments(examples)
        return alignment_error_rate(found, truth) if found else None

    def alignments(self, examples: Sequence[Example]) -> tuple[list[Pairs], list[tuple[Link, ...]]]:
        """The links found, and the right ones, of the examples as in `error_rate`."""
        rows = [self._row(example) for example in examples if example.links is not None]
        rows = sorted(filter(self._fits, rows), key=lambda row: len(row.source))
        found = [
            links
            for start in range(0, len(rows), _ROWS_AT_ONCE)
            for links in self._align(rows[start : start + _ROWS_AT_ONCE])
        ]
        return found, [row.links for row in rows]

    def _row(self, example: Example) -> _Row:
        source, target = example.source, example.references[0]
        source_tokens = self._source_tokenizer.encode(source)
        target_tokens = self._target_tokenizer.encode(target)
        return _Row(
            [token.id for token in source_tokens],
            [token.id for token in target_tokens],
            words_of_pieces(source, source_tokens, self._unit),
            words_of_pieces(target, target_tokens, self._unit),
            example.links or (),
        )

    def _fits(self, row: _Row) -> bool:
        settings = self._settings
        return (
            0 < len(row.source) <= settings.max_source_tokens
            and 0 < len(row.target) <= settings.max_target_tokens
        )

    def _align(self, rows: Sequence[_Row]) -> Iterator[Pairs]:
        tokens = padded([row.source for row in rows])
        inputs = padded([[SPECIAL_IDS.begin, *row.target[:-1]] for row in rows])
        lengths = np.array([len(row.source) for row in rows], np.int32)
        places = self._best_places(tf.constant(tokens), tf.constant(lengths), tf.constant(inputs))
        for row, best in zip(rows, places.numpy(), strict=True):
            pairs = zip(best, row.target_words, strict=False)
            words = [(row.source_words[place], target) for place, target in pairs]
            yield {(s, t) for s, t in words if s is not None and t is not None}


def _best_places(model: Seq2Seq, layers: Sequence[int]) -> Any:
    """From tokens, lengths and target inputs to the place of the most attention, int32 [B, T]."""

    def places(tokens: tf.Tensor, lengths: tf.Tensor, target_inputs: tf.Tensor) -> tf.Tensor:
        inputs = {"tokens": tokens, "lengths": lengths, "target_inputs": target_inputs}
        weights = average_attention(model(inputs).attention_heads, layers)
        return tf.argmax(weights, axis=-1, output_type=tf.int32)

    matrix, vector = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    return tf.function(places, input_signature=[matrix, vector, matrix])
