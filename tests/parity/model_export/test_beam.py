"""Beam search = every output looked at = a beam in plain lists, on models of both kinds."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    RankedHypotheses,
    beam_search,
    score_targets,
)
from tests.support.plain_search import (
    PlainHypothesis,
    PlainOptions,
    all_outputs,
    next_token_of,
    plain_beam,
    repeats,
)
from tests.support.small_model import small_model
from tests.support.small_transformer import PAPER, small_transformer

if TYPE_CHECKING:
    from model_export.models import Seq2Seq

SOURCES = [[5, 6, 7, 8, 9], [8, 9, 4], [10], [4, 4, 5, 6]]


def recurrent() -> Seq2Seq:
    return small_model()


def transformer() -> Seq2Seq:
    """Its state is a cache that grows, of two tensors per layer."""
    return small_transformer(PAPER)


@functools.cache
def graph_of(model: Callable[[], Seq2Seq]) -> Callable[..., RankedHypotheses]:
    def search(
        tokens: tf.Tensor, lengths: tf.Tensor, limits: DecodingOptions, beam: BeamOptions
    ) -> RankedHypotheses:
        return beam_search(
            model(), tokens, lengths=lengths, options=(limits, beam), attention_layers=[0]
        )

    specs = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    rows, numbers = tf.TensorSpec([None], tf.int32), tf.TensorSpec([None])
    limits = DecodingOptions(rows, rows, specs[0], rows)
    beam = BeamOptions(rows, numbers, numbers, rows)
    return tf.function(search, input_signature=[*specs, limits, beam], autograph=False)


def search(
    sources: list[list[int]],
    options: list[PlainOptions],
    *,
    width: int | list[int],
    padding: int = 0,
    model: Callable[[], Seq2Seq] = recurrent,
) -> RankedHypotheses:
    columns = max(map(len, sources)) + padding
    tokens = [source + [7] * (columns - len(source)) for source in sources]
    prefix_width = max(len(row.prefix) for row in options)
    prefixes = [[*row.prefix, *[0] * (prefix_width - len(row.prefix))] for row in options]
    limits = DecodingOptions(
        tf.constant([row.max_length for row in options]),
        tf.constant([row.min_length for row in options]),
        tf.reshape(tf.constant(prefixes, tf.int32), [len(options), prefix_width]),
        tf.constant([len(row.prefix) for row in options]),
    )
    beam = BeamOptions(
        tf.broadcast_to(tf.constant(width), [len(options)]),
        tf.constant([row.length_penalty for row in options]),
        tf.constant([row.coverage_penalty for row in options]),
        tf.constant([row.no_repeat_ngram for row in options]),
    )
    lengths = tf.constant([len(source) for source in sources])
    return graph_of(model)(tf.constant(tokens), lengths, limits, beam)


def assert_same(
    found: RankedHypotheses, row: int, expected: list[PlainHypothesis], *, count: int
) -> None:
    lengths = found.lengths.numpy()[row]
    tokens = [
        tuple(line[:length].tolist())
        for line, length in zip(found.tokens.numpy()[row], lengths, strict=True)
    ]
    assert tokens[:count] == [hypothesis.tokens for hypothesis in expected[:count]]
    for name, values in (
        ("ranks", [hypothesis.rank for hypothesis in expected[:count]]),
        ("scores", [hypothesis.score for hypothesis in expected[:count]]),
    ):
        assert getattr(found, name).numpy()[row, :count] == pytest.approx(values, abs=1e-4)


@pytest.mark.parametrize(
    "options",
    [
        PlainOptions(3),
        PlainOptions(3, length_penalty=0.8),
        PlainOptions(3, length_penalty=1.2, coverage_penalty=0.4),
        PlainOptions(3, min_length=2, no_repeat_ngram=1),
        PlainOptions(4, prefix=(5, 6), length_penalty=2.0),
    ],
)
def test_a_wide_beam_finds_every_output_in_order(options: PlainOptions) -> None:
    source = SOURCES[0]
    expected = all_outputs(next_token_of(small_model(), source, [0]), options)
    found = search([source], [options], width=300)
    assert np.sum(found.lengths.numpy() > 0) == len(expected)
    assert_same(found, 0, expected, count=len(expected))


MIXED = [
    PlainOptions(9, length_penalty=0.6),
    PlainOptions(5, min_length=3, coverage_penalty=0.3),
    PlainOptions(7, no_repeat_ngram=2, prefix=(4, 4, 4)),
    PlainOptions(8, length_penalty=1.5, coverage_penalty=0.2, no_repeat_ngram=1),
]


@pytest.mark.parametrize(("model", "width"), [(recurrent, 1), (recurrent, 3), (transformer, 3)])
def test_a_batch_of_mixed_options_is_what_plain_beams_find(
    model: Callable[[], Seq2Seq], width: int
) -> None:
    found = search(SOURCES, MIXED, width=width, model=model)
    for row, (source, options) in enumerate(zip(SOURCES, MIXED, strict=True)):
        expected = plain_beam(next_token_of(model(), source, [0]), options, width)
        assert_same(found, row, expected, count=len(expected))
        assert np.sum(found.lengths.numpy()[row] > 0) == len(expected)


def test_rows_keep_their_answers_in_any_padded_batch() -> None:
    together = search(SOURCES, MIXED, width=3)
    for row, (source, options) in enumerate(zip(SOURCES, MIXED, strict=True)):
        alone = search([source], [options], width=3, padding=4)
        columns = int(alone.lengths.numpy().max())
        assert (
            alone.tokens.numpy()[0].tolist() == together.tokens.numpy()[row, :, :columns].tolist()
        )
        assert alone.ranks.numpy()[0] == pytest.approx(together.ranks.numpy()[row], abs=1e-5)
        seen = alone.attention.numpy()[0, :, :, : len(source)]
        expected = together.attention.numpy()[row, :, :columns, : len(source)]
        assert seen == pytest.approx(expected, abs=1e-5)


WIDTHS = [2, 5, 1, 3]


@pytest.mark.parametrize("model", [recurrent, transformer])
def test_a_row_of_a_narrow_beam_answers_beside_wide_ones_as_it_does_alone(
    model: Callable[[], Seq2Seq],
) -> None:
    together = search(SOURCES, MIXED, width=WIDTHS, model=model)
    for row, width in enumerate(WIDTHS):
        alone = search([SOURCES[row]], [MIXED[row]], width=width, model=model)
        columns, length = int(alone.lengths.numpy().max()), len(SOURCES[row])
        for name in RankedHypotheses._fields:
            expected = getattr(alone, name).numpy()[0]
            found = getattr(together, name).numpy()[row, :width]
            if name in ("tokens", "token_scores", "attention"):
                assert not np.any(found[:, columns:]), name
                found = found[:, :columns]
            if name == "attention":
                found = found[..., :length]
            assert found == pytest.approx(expected, abs=1e-5), name


def test_places_beyond_a_rows_own_width_are_empty() -> None:
    found = search(SOURCES, MIXED, width=WIDTHS)
    lowest = np.finfo(np.float32).min
    for row, width in enumerate(WIDTHS):
        assert np.all(found.lengths.numpy()[row, :width] > 0)
        for name in ("tokens", "lengths", "token_scores", "attention"):
            assert not np.any(getattr(found, name).numpy()[row, width:]), name
        for name in ("scores", "ranks"):
            assert np.all(getattr(found, name).numpy()[row, width:] == lowest), name


def test_a_wide_beam_finds_every_output_beside_narrow_ones() -> None:
    options = PlainOptions(3, length_penalty=0.8)
    found = search(SOURCES[:3], [options] * 3, width=[2, 300, 1])
    for row, (source, width) in enumerate(zip(SOURCES[:3], [2, 300, 1], strict=True)):
        next_token = next_token_of(small_model(), source, [0])
        expected = plain_beam(next_token, options, width)
        if width == 300:
            expected = all_outputs(next_token, options)
        assert np.sum(found.lengths.numpy()[row] > 0) == len(expected)
        assert_same(found, row, expected, count=len(expected))


def test_hypotheses_are_sorted_and_distinct_and_keep_their_options() -> None:
    found = search(SOURCES, MIXED, width=5)
    assert np.all(np.diff(found.ranks.numpy(), axis=1) <= 0)
    for row, options in enumerate(MIXED):
        outputs = [
            tuple(tokens[:length].tolist())
            for tokens, length in zip(
                found.tokens.numpy()[row], found.lengths.numpy()[row], strict=True
            )
        ]
        assert len(set(outputs)) == len(outputs)
        free = len(options.prefix)
        for output in outputs:
            assert output[:free] == options.prefix
            assert len(output) <= options.max_length
            places = range(free + 1, len(output) + 1)
            assert not any(repeats(output[:end], options.no_repeat_ngram) for end in places)


def test_the_graph_is_what_eager_code_is() -> None:
    found = search(SOURCES, MIXED, width=3)
    tf.config.run_functions_eagerly(True)
    try:
        expected = search(SOURCES, MIXED, width=3)
    finally:
        tf.config.run_functions_eagerly(False)
    for name in RankedHypotheses._fields:
        assert getattr(found, name).numpy() == pytest.approx(
            getattr(expected, name).numpy(), abs=1e-5
        ), name


@pytest.mark.parametrize("model", [recurrent, transformer])
def test_scores_and_attention_of_every_hypothesis_are_those_of_forced_scoring(
    model: Callable[[], Seq2Seq],
) -> None:
    found = search(SOURCES, MIXED, width=3, model=model)
    columns = max(map(len, SOURCES))
    tokens = tf.constant([source + [7] * (columns - len(source)) for source in SOURCES])
    for place in range(3):
        scored = score_targets(
            model(),
            tokens,
            lengths=tf.constant([len(source) for source in SOURCES]),
            target_tokens=found.tokens[:, place],
            target_lengths=found.lengths[:, place],
            attention_layers=[0],
        )
        for name in ("scores", "token_scores", "attention"):
            expected = getattr(scored, name).numpy()
            assert getattr(found, name).numpy()[:, place] == pytest.approx(expected, abs=1e-4)
