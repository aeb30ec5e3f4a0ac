from __future__ import annotations

import numpy as np
import pytest

from heed.text import Tokenizer, TokenizerSettings, train_tokenizer
from model_export.data.batches import batch_dataset
from model_export.data.buckets import BucketedPairs, bucket_pairs, plan_epoch

PAIRS = [("ab", "B A"), ("a", "A A A"), ("abab", "A"), ("bbbbbb", "B"), ("b", "A B A B"), ("", "A")]


def _pairs(pairs: list[tuple[str, str]], *lengths: int) -> BucketedPairs:
    letters = train_tokenizer(["abab"], TokenizerSettings(kind="character"))
    sounds = train_tokenizer(["A B A B A"], TokenizerSettings(kind="word", lowercase=False))
    return bucket_pairs(
        pairs,
        source_tokenizer=Tokenizer(letters),
        target_tokenizer=Tokenizer(sounds),
        lengths=lengths,
    )


def test_a_pair_goes_into_the_first_bucket_that_holds_both_sides() -> None:
    pairs = _pairs(PAIRS, 3, 4, 5)
    assert [bucket.row_count for bucket in pairs.buckets] == [1, 2, 1]
    short, middle, _ = pairs.buckets
    assert short.source_lengths.tolist() == [2]
    assert short.target_lengths.tolist() == [3]  # B, A, end
    assert short.targets[0, 2] == 3
    assert short.sources.shape == (1, 3)
    assert middle.target_lengths.tolist() == [4, 2]


def test_what_fits_nowhere_is_counted() -> None:
    assert _pairs(PAIRS, 3, 4, 5).left_out_count == 2  # six letters; no letter


def test_every_pair_is_in_exactly_one_batch_of_an_epoch() -> None:
    pairs = _pairs([("ab", "A")] * 7 + [("abab", "A B A")] * 5, 3, 4)
    plan = plan_epoch(pairs, batch_sizes=[4, 4], seed=1, epoch=0)
    assert {len(batch.row_indices) for batch in plan} == {4}
    for index, bucket in enumerate(pairs.buckets):
        rows = np.concatenate([b.row_indices for b in plan if b.bucket_index == index])
        assert sorted(rows[rows >= 0].tolist()) == list(range(bucket.row_count))


def test_each_bucket_has_batches_of_its_own_size() -> None:
    pairs = _pairs([("ab", "A")] * 7 + [("abab", "A B A")] * 5, 3, 4)
    plan = plan_epoch(pairs, batch_sizes=[4, 3], seed=1, epoch=0)
    assert {(batch.bucket_index, len(batch.row_indices)) for batch in plan} == {(0, 4), (1, 3)}
    assert len(plan) == 2 + 2


def test_the_order_follows_from_seed_and_epoch() -> None:
    pairs = _pairs([("ab", "A")] * 50, 3)

    def order(seed: int, epoch: int) -> list[int]:
        plan = plan_epoch(pairs, batch_sizes=[8], seed=seed, epoch=epoch)
        return np.concatenate([batch.row_indices for batch in plan]).tolist()

    assert order(1, 0) == order(1, 0)
    assert order(1, 0) != order(1, 1)
    assert order(1, 0) != order(2, 0)


def test_an_empty_bucket_has_no_batches() -> None:
    assert plan_epoch(_pairs([], 3), batch_sizes=[4], seed=1, epoch=0) == []


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_batches_have_one_shape_and_shifted_inputs() -> None:
    pairs = _pairs([("ab", "B A"), ("b", "B")], 3)
    (batch,) = batch_dataset(pairs, plan_epoch(pairs, batch_sizes=[4], seed=1, epoch=0))
    assert {name: tuple(tensor.shape) for name, tensor in batch.items()} == {
        "tokens": (4, 3),
        "lengths": (4,),
        "target_inputs": (4, 3),
        "targets": (4, 3),
        "target_lengths": (4,),
    }
    targets, inputs = batch["targets"].numpy(), batch["target_inputs"].numpy()
    assert (inputs[:, 0] == 2).all()
    np.testing.assert_array_equal(inputs[:, 1:], targets[:, :-1])
    # Two pairs, two empty rows: those have no target tokens, and one source token for the mask.
    assert sorted(batch["target_lengths"].numpy().tolist()) == [0, 0, 2, 3]
    assert min(batch["lengths"].numpy()) == 1
