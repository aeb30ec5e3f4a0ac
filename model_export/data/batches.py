"""Batches as a `tf.data` pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from heed.contract import SPECIAL_IDS
from model_export.data.buckets import Bucket, BucketedPairs, PlannedBatch

Batch = dict[str, Any]
"""What a model is trained on, int32 tensors of one bucket's shape:

    "tokens" [B, S], "lengths" [B]: the source; of pictures columns of pixels, uint8 [B, W, H, C];
    "target_inputs" [B, T]: the token before each position, `begin` first;
    "targets" [B, T], "target_lengths" [B]: the target, its end token counted;
    "alignment" float32 [B, T, S], if links are known: the same share for each source position
        that a target position is linked to; its row sums to 1, or is 0 if it is linked to none.
"""

_PREFETCHED_BATCHES = 4


def batch_dataset(pairs: BucketedPairs, plan: Sequence[PlannedBatch]) -> tf.data.Dataset:
    """A dataset of `Batch`, one for each planned batch, in the plan's order."""

    def batches() -> Iterator[Batch]:
        for planned in plan:
            yield _as_batch(pairs.buckets[planned.bucket_index].rows(planned.row_indices))

    matrix = tf.TensorSpec([None, None], tf.int32)
    vector = tf.TensorSpec([None], tf.int32)
    signature = {
        "tokens": _source_spec(pairs),
        "lengths": vector,
        "target_inputs": matrix,
        "targets": matrix,
        "target_lengths": vector,
    }
    if any(bucket.links is not None for bucket in pairs.buckets):
        signature["alignment"] = tf.TensorSpec([None, None, None], tf.float32)
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.prefetch(_PREFETCHED_BATCHES)


def _source_spec(pairs: BucketedPairs) -> tf.TensorSpec:
    sources = pairs.buckets[0].sources
    return tf.TensorSpec([None, None, *sources.shape[2:]], sources.dtype)


def _as_batch(rows: Bucket) -> Batch:
    begin = np.full([rows.row_count, 1], SPECIAL_IDS.begin, np.int32)
    batch = {
        "tokens": rows.sources,
        "lengths": rows.source_lengths,
        "target_inputs": np.concatenate([begin, rows.targets[:, :-1]], axis=1),
        "targets": rows.targets,
        "target_lengths": rows.target_lengths,
    }
    if rows.links is not None:
        batch["alignment"] = _alignment(rows)
    return batch


def _alignment(rows: Bucket) -> NDArray[np.float32]:
    alignment = np.zeros([*rows.targets.shape, rows.sources.shape[1]], np.float32)
    for row, links in enumerate(rows.links or ()):
        alignment[row, links[:, 0], links[:, 1]] = 1.0
    return alignment / np.maximum(alignment.sum(axis=-1, keepdims=True), 1.0)
