"""Token pairs sorted into buckets of similar length."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer
from model_export.data.pictures import Picture, PixelArray

TokenArray = NDArray[np.int32]
SourceArray = NDArray[np.int32] | NDArray[np.uint8]
_NO_LINKS: Final = np.zeros([0, 2], np.int32)


@dataclass(frozen=True, slots=True)
class Bucket:
    """Pairs padded to one length W.

    Attributes:
        sources: Source ids, int32 [B, W]; of pictures columns of pixels, uint8 [B, W, H, C].
        source_lengths: Real source tokens, or columns of pixels, int32 [B].
        targets: Target ids with the end token, int32 [B, W]; of pictures as wide as the longest.
        target_lengths: Real target tokens, the end token counted, int32 [B].
        links: Which positions belong together, if that is known: for each row target and source
            positions, int32 [links, 2].
    """

    sources: SourceArray
    source_lengths: TokenArray
    targets: TokenArray
    target_lengths: TokenArray
    links: tuple[TokenArray, ...] | None = None

    @property
    def row_count(self) -> int:
        """Number of pairs."""
        return len(self.source_lengths)

    def rows(self, indices: NDArray[np.int64]) -> Bucket:
        """Rows by index; -1 gives a row without target tokens, which no loss counts."""
        present = indices >= 0
        return Bucket(
            self._present_sources(indices, present),
            np.where(present, self.source_lengths[indices], 1),
            np.where(present[:, np.newaxis], self.targets[indices], SPECIAL_IDS.pad),
            np.where(present, self.target_lengths[indices], 0),
            None
            if self.links is None
            else tuple(self.links[index] if index >= 0 else _NO_LINKS for index in indices),
        )

    def _present_sources(
        self, indices: NDArray[np.int64], present: NDArray[np.bool_]
    ) -> SourceArray:
        sources = self.sources[indices]
        sources[~present] = SPECIAL_IDS.pad
        return sources


@dataclass(frozen=True, slots=True)
class BucketedPairs:
    """Token pairs by length.

    Attributes:
        buckets: Shortest first.
        left_out_count: Pairs that fit in no bucket, or have no source token.
    """

    buckets: tuple[Bucket, ...]
    left_out_count: int

    @property
    def pair_count(self) -> int:
        """Pairs in the buckets."""
        return sum(bucket.row_count for bucket in self.buckets)


@dataclass(frozen=True, slots=True)
class PlannedBatch:
    """Which rows make a batch: a bucket's index, and rows of it, -1 for an empty row."""

    bucket_index: int
    row_indices: NDArray[np.int64]


def bucket_pairs(
    pairs: Sequence[tuple[str, str]],
    *,
    source_tokenizer: Tokenizer,
    target_tokenizer: Tokenizer,
    lengths: Sequence[int],
    links: Sequence[Sequence[tuple[int, int]]] | None = None,
) -> BucketedPairs:
    """Tokenizes pairs and sorts them into buckets.

    Args:
        pairs: Source and target texts.
        source_tokenizer: Splits the sources.
        target_tokenizer: Splits the targets.
        lengths: The buckets' lengths in tokens, rising; a pair goes into the first that holds
            its source, and its target with the end token.
        links: Which target and source positions of each pair belong together, if that is known.
    """
    rows: list[list[tuple[list[int], list[int]]]] = [[] for _ in lengths]
    row_links: list[list[TokenArray]] = [[] for _ in lengths]
    left_out_count = 0
    for pair_index, (source_text, target_text) in enumerate(pairs):
        source = source_tokenizer.encode_ids(source_text)
        target = [*target_tokenizer.encode_ids(target_text), SPECIAL_IDS.end]
        longest = max(len(source), len(target))
        index = int(np.searchsorted(lengths, longest))
        if not source or index == len(lengths):
            left_out_count += 1
        else:
            rows[index].append((source, target))
            if links is not None:
                found = np.array(links[pair_index], np.int32).reshape(-1, 2)
                row_links[index].append(found)
    buckets = tuple(
        replace(_pad(row, width), links=None if links is None else tuple(found))
        for row, width, found in zip(rows, lengths, row_links, strict=True)
    )
    return BucketedPairs(buckets, left_out_count)


def bucket_pictures(
    pictures: Sequence[Picture],
    targets: Sequence[str],
    *,
    target_tokenizer: Tokenizer,
    widths: Sequence[int],
    max_target_tokens: int,
) -> BucketedPairs:
    """Sorts pictures into buckets by their width.

    Args:
        pictures: The pictures, all of one height.
        targets: The text of each.
        target_tokenizer: Splits the texts.
        widths: The buckets' widths in pixels, rising; a picture goes into the first that holds it.
        max_target_tokens: Pictures with longer texts, the end token counted, are left out.
    """
    rows: list[list[tuple[PixelArray, list[int]]]] = [[] for _ in widths]
    left_out_count = 0
    for picture, text in zip(pictures, targets, strict=True):
        target = [*target_tokenizer.encode_ids(text), SPECIAL_IDS.end]
        index = int(np.searchsorted(widths, len(picture.columns)))
        if index == len(widths) or len(target) > max_target_tokens:
            left_out_count += 1
        else:
            rows[index].append((picture.columns, target))
    form = pictures[0].columns.shape[1:] if pictures else (1, 1)
    longest = max((len(target) for row in rows for _, target in row), default=1)
    buckets = []
    for row, width in zip(rows, widths, strict=True):
        sources = np.zeros([len(row), width, *form], np.uint8)
        for place, (columns, _) in enumerate(row):
            sources[place, : len(columns)] = columns
        buckets.append(
            Bucket(
                sources,
                np.array([len(columns) for columns, _ in row], np.int32),
                _padded([target for _, target in row], longest),
                np.array([len(target) for _, target in row], np.int32),
            )
        )
    return BucketedPairs(tuple(buckets), left_out_count)


class HasRows(Protocol):
    """A bucket, as planning sees it."""

    @property
    def row_count(self) -> int:
        """Number of rows."""


class HasBuckets(Protocol):
    """Buckets, as planning sees them."""

    @property
    def buckets(self) -> Sequence[HasRows]:
        """Shortest first."""


def plan_epoch(
    pairs: HasBuckets, *, batch_sizes: Sequence[int], seed: int, epoch: int
) -> list[PlannedBatch]:
    """The batches of an epoch, in an order that `seed` and `epoch` alone decide.

    Every pair is in exactly one batch. Each batch has rows of one bucket, as many as
    `batch_sizes` says for that bucket; the last of a bucket is filled up with empty rows, so that
    all batches of a bucket have one shape.
    """
    generator = np.random.default_rng([seed, epoch])
    batches = []
    for bucket_index, (bucket, batch_size) in enumerate(
        zip(pairs.buckets, batch_sizes, strict=True)
    ):
        order = generator.permutation(bucket.row_count)
        fill = -bucket.row_count % batch_size
        padded = np.concatenate([order, np.full(fill, -1, np.int64)])
        batches += [PlannedBatch(bucket_index, rows) for rows in padded.reshape(-1, batch_size)]
    return [batches[index] for index in generator.permutation(len(batches))]


def _pad(pairs: Sequence[tuple[list[int], list[int]]], width: int) -> Bucket:
    return Bucket(
        _padded([source for source, _ in pairs], width),
        np.array([len(source) for source, _ in pairs], np.int32),
        _padded([target for _, target in pairs], width),
        np.array([len(target) for _, target in pairs], np.int32),
    )


def _padded(rows: Sequence[Sequence[int]], width: int) -> TokenArray:
    padded = np.full([len(rows), width], SPECIAL_IDS.pad, np.int32)
    for place, row in enumerate(rows):
        padded[place, : len(row)] = row
    return padded
