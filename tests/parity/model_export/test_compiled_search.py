"""A search that XLA compiles = the same search without, on models of both kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
import tensorflow as tf

from heed.contract import ShapeBuckets
from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    SampleOptions,
    beam_search,
    greedy_search,
    sample_search,
)
from model_export.decoding.bounded import BoundedModel
from model_export.export.compiled_search import CompiledSearch
from tests.support.small_model import small_model
from tests.support.small_transformer import PAPER, small_transformer

if TYPE_CHECKING:
    from model_export.models import Seq2Seq

TOKENS = [[5, 6, 7, 8, 9], [8, 9, 4, 7, 7], [10, 7, 7, 7, 7]]
LENGTHS = [5, 3, 1]
LIMITS = DecodingOptions(
    tf.constant([9, 5, 7]),
    tf.constant([0, 3, 0]),
    tf.constant([[4, 4], [0, 0], [5, 0]]),
    tf.constant([2, 0, 1]),
)
BEAM = BeamOptions(
    tf.constant([3, 1, 2]),
    tf.constant([0.6, 0.0, 1.0]),
    tf.constant([0.2, 0.0, 0.0]),
    tf.constant([0, 2, 0]),
)
SAMPLING = SampleOptions(
    tf.constant([1.0, 0.5, 2.0]),
    tf.constant([0, 3, 0]),
    tf.constant([1.0, 1.0, 0.8]),
    tf.constant([1, 2, -3]),
)
BUCKETS = ShapeBuckets(rows=(4,), source_tokens=(6,))


def transformer() -> Seq2Seq:
    """Its state is a cache, here with room for every step from the start."""
    return small_transformer(PAPER)


@pytest.mark.parametrize(
    ("model", "search", "options"),
    [
        (small_model, sample_search, (LIMITS, SAMPLING)),
        (transformer, greedy_search, LIMITS),
        (transformer, beam_search, (LIMITS, BEAM)),
    ],
    ids=["recurrent sample", "transformer greedy", "transformer beam"],
)
def test_xla_gives_what_the_search_gives_filled_up_or_padded(
    model: Callable[[], Seq2Seq], search: Callable[..., Any], options: Any
) -> None:
    compiled = CompiledSearch(search, BoundedModel(model(), steps=12, beam_width=4), BUCKETS)
    tokens, lengths = tf.constant(TOKENS), tf.constant(LENGTHS)
    expected = search(model(), tokens, lengths=lengths, options=options, attention_layers=[0])
    found = compiled(tokens, lengths=lengths, options=options, attention_layers=[0])
    for name in expected._fields:
        array = getattr(expected, name).numpy()
        assert getattr(found, name).shape == array.shape, name
        assert getattr(found, name).numpy() == pytest.approx(array, abs=1e-5), name
    padded = tf.pad(tokens, [[0, 0], [0, 4]], constant_values=9)
    again = compiled(padded, lengths=lengths, options=options, attention_layers=[0])
    assert again.tokens.numpy().tolist() == found.tokens.numpy().tolist()
    assert again.attention.shape[-1] == 9
    assert not again.attention.numpy()[..., 5:].any()


def test_more_rows_than_the_largest_bucket_are_refused_by_name() -> None:
    compiled = CompiledSearch(
        greedy_search, BoundedModel(small_model(), steps=12, beam_width=4), BUCKETS
    )
    with pytest.raises(tf.errors.InvalidArgumentError, match="tokens: must have at most 4 rows"):
        compiled(
            tf.constant([[5]] * 5),
            lengths=tf.constant([1] * 5),
            options=LIMITS,
            attention_layers=[0],
        )
