"""Batches as a `tf.data` pipeline."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.data.buckets import Bucket, BucketedPairs, PlannedBatch

Batch = dict[str, Any]
"""What a model is trained on, int32 tensors of one bucket's shape:

    "tokens" [B, S], "lengths" [B]: the source;
    "target_inputs" [B, T]: the token before each position, `begin` first;
    "targets" [B, T], "target_lengths" [B]: the target, its end token counted.
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
        "tokens": matrix,
        "lengths": vector,
        "target_inputs": matrix,
        "targets": matrix,
        "target_lengths": vector,
    }
    dataset = tf.data.Dataset.from_generator(batches, output_signature=signature)
    return dataset.prefetch(_PREFETCHED_BATCHES)


def _as_batch(rows: Bucket) -> Batch:
    begin = np.full([rows.row_count, 1], SPECIAL_IDS.begin, np.int32)
    return {
        "tokens": rows.sources,
        "lengths": rows.source_lengths,
        "target_inputs": np.concatenate([begin, rows.targets[:, :-1]], axis=1),
        "targets": rows.targets,
        "target_lengths": rows.target_lengths,
    }
