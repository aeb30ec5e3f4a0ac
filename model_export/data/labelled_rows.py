"""Labelled texts as token ids, sorted into buckets of similar length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from heed.contract import SPECIAL_IDS, SentenceLimits
from heed.text import TextToken, Tokenizer
from heed.text.sentence_ids import sentence_ids
from model_export.data.batches import Batch
from model_export.data.buckets import PlannedBatch
from model_export.data.examples import Example

IntArray = NDArray[np.int32]
NO_LABEL = -1
"""The label of a row that only fills up a batch."""


@dataclass(frozen=True, slots=True)
class EncodedText:
    """A text as a classifier reads it.

    Attributes:
        tokens: Its tokens.
        sentence_ids: The sentence of each, counted from 0; None for models without sentences.
    """

    tokens: tuple[TextToken, ...]
    sentence_ids: tuple[int, ...] | None = None


def encode_text(
    text: str, tokens: tuple[TextToken, ...], sentences: SentenceLimits | None
) -> EncodedText:
    """Puts the tokens of a text into sentences, if the model reads them.

    Raises:
        ValueError: There are more tokens than the sentences of a hierarchical model can hold.
    """
    if sentences is None:
        return EncodedText(tokens)
    ids = sentence_ids(text, tokens, max_count=sentences.max_count, max_tokens=sentences.max_tokens)
    return EncodedText(tokens, tuple(ids))


def model_inputs(texts: Sequence[EncodedText], width: int | None = None) -> dict[str, IntArray]:
    """The inputs of a classifier.

    Args:
        texts: The rows, one or more, each with a token or more.
        width: Columns; None = those of the longest row.

    Returns:
        "tokens" int32 [B, S], "lengths" int32 [B] and, of hierarchical models, "sentence_ids"
        int32 [B, S].
    """
    lengths = np.array([len(text.tokens) for text in texts], np.int32)
    shape = (len(texts), int(lengths.max()) if width is None else width)
    tokens = np.full(shape, SPECIAL_IDS.pad, np.int32)
    for row, text in enumerate(texts):
        tokens[row, : lengths[row]] = [token.id for token in text.tokens]
    inputs = {"tokens": tokens, "lengths": lengths}
    if texts[0].sentence_ids is not None:
        inputs["sentence_ids"] = np.zeros(shape, np.int32)
        for row, text in enumerate(texts):
            inputs["sentence_ids"][row, : lengths[row]] = text.sentence_ids or ()
    return inputs


@dataclass(frozen=True, slots=True)
class LabelledBucket:
    """Rows padded to one length.

    Attributes:
        inputs: Those of the model, by name.
        labels: The right label of each row, int32 [B].
    """

    inputs: dict[str, IntArray]
    labels: IntArray

    @property
    def row_count(self) -> int:
        """Number of rows."""
        return len(self.labels)

    def batch(self, indices: NDArray[np.int64]) -> Batch:
        """Rows by index; -1 gives a row with `NO_LABEL`, which no loss counts."""
        present = indices >= 0
        batch: Batch = {name: array[indices] for name, array in self.inputs.items()}
        return {**batch, "labels": np.where(present, self.labels[indices], NO_LABEL)}


@dataclass(frozen=True, slots=True)
class LabelledRows:
    """Labelled texts by length.

    Attributes:
        buckets: Shortest first; a bucket without rows has none of its inputs either.
        left_out_count: Texts that fit in no bucket, or have no token.
    """

    buckets: tuple[LabelledBucket, ...]
    left_out_count: int

    @property
    def row_count(self) -> int:
        """Rows in the buckets."""
        return sum(bucket.row_count for bucket in self.buckets)

    def batches(self, plan: Sequence[PlannedBatch]) -> Iterator[Batch]:
        """The batches of a plan, in its order."""
        for planned in plan:
            yield self.buckets[planned.bucket_index].batch(planned.row_indices)


def label_rows(
    examples: Sequence[Example],
    *,
    tokenizer: Tokenizer,
    labels: Sequence[str],
    lengths: Sequence[int],
    sentences: SentenceLimits | None,
) -> LabelledRows:
    """Tokenizes labelled texts and sorts them into buckets.

    Args:
        examples: Texts; the first reference of each is its label, one of `labels`.
        tokenizer: Splits the texts.
        labels: All labels, in order.
        lengths: The buckets' lengths in tokens, rising.
        sentences: How the model wants its sentences; None = it does not read them.
    """
    places = {label: index for index, label in enumerate(labels)}
    rows: list[list[tuple[EncodedText, int]]] = [[] for _ in lengths]
    left_out_count = 0
    for example in examples:
        tokens = tokenizer.encode(example.source)
        index = int(np.searchsorted(lengths, len(tokens)))
        if not tokens or index == len(lengths):
            left_out_count += 1
            continue
        encoded = encode_text(example.source, tokens, sentences)
        rows[index].append((encoded, places[example.references[0]]))
    buckets = tuple(_bucket(row, width) for row, width in zip(rows, lengths, strict=True))
    return LabelledRows(buckets, left_out_count)


def _bucket(rows: Sequence[tuple[EncodedText, int]], width: int) -> LabelledBucket:
    inputs = model_inputs([text for text, _ in rows], width) if rows else {}
    return LabelledBucket(inputs, np.array([label for _, label in rows], np.int32))
