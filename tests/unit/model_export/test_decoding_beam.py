"""Beam search over a model that is a table: numbers that a person can check by hand."""

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    RankedHypotheses,
    beam_search,
    greedy_search,
)
from tests.support.table_model import BEGIN, END, A, B, C, TableModel

LOWEST = np.finfo(np.float32).min

# Greedy takes A (0.5) and ends with 0.5 * 0.4 = 0.20; B C END has 0.4 * 0.9 * 0.9 = 0.324.
GARDEN = TableModel(
    {BEGIN: {A: 0.5, B: 0.4}, A: {END: 0.4, C: 0.3}, B: {C: 0.9}, C: {END: 0.9, A: 0.05}}
)


def limits_of(
    max_lengths: list[int],
    *,
    min_lengths: list[int] | None = None,
    prefixes: list[list[int]] | None = None,
) -> DecodingOptions:
    rows = len(max_lengths)
    prefixes = prefixes or [[]] * rows
    width = max((len(prefix) for prefix in prefixes), default=0)
    padded = [prefix + [10**6] * (width - len(prefix)) for prefix in prefixes]
    return DecodingOptions(
        tf.constant(max_lengths, tf.int32),
        tf.constant(min_lengths or [0] * rows, tf.int32),
        tf.reshape(tf.constant(padded, tf.int32), [rows, width]),
        tf.constant([len(prefix) for prefix in prefixes], tf.int32),
    )


def search(
    model: TableModel,
    limits: DecodingOptions,
    *,
    width: int | list[int],
    length_penalty: float = 0.0,
    coverage_penalty: float = 0.0,
    no_repeat_ngram: int = 0,
) -> RankedHypotheses:
    rows = limits.max_lengths.shape[0]
    beam = BeamOptions(
        tf.broadcast_to(tf.constant(width), [rows]),
        tf.fill([rows], length_penalty),
        tf.fill([rows], coverage_penalty),
        tf.fill([rows], no_repeat_ngram),
    )
    return beam_search(
        model,
        tf.fill([rows, 3], A),
        lengths=tf.fill([rows], 3),
        options=(limits, beam),
        attention_layers=[0],
    )


def texts(hypotheses: RankedHypotheses, row: int = 0) -> list[list[int]]:
    lengths = hypotheses.lengths.numpy()[row]
    return [
        tokens[:length].tolist()
        for tokens, length in zip(hypotheses.tokens.numpy()[row], lengths, strict=True)
    ]


def test_a_beam_finds_what_greedy_search_walks_past() -> None:
    hypotheses = search(GARDEN, limits_of([6]), width=2)
    assert texts(hypotheses) == [[B, C, END], [A, END]]
    assert np.exp(hypotheses.scores.numpy()[0]) == pytest.approx([0.324, 0.2], rel=1e-4)
    assert np.exp(hypotheses.token_scores.numpy()[0, 0]) == pytest.approx([0.4, 0.9, 0.9])


def test_without_penalties_ranks_are_the_scores() -> None:
    hypotheses = search(GARDEN, limits_of([6]), width=3)
    assert hypotheses.ranks.numpy() == pytest.approx(hypotheses.scores.numpy(), rel=1e-6)


@pytest.mark.parametrize("max_length", [1, 2, 3, 7])
def test_a_beam_of_1_is_greedy_search(max_length: int) -> None:
    limits = limits_of([max_length, 4], min_lengths=[0, 3], prefixes=[[], [A]])
    expected = greedy_search(
        GARDEN,
        tf.fill([2, 3], A),
        lengths=tf.fill([2], 3),
        options=limits,
        attention_layers=[0],
    )
    found = search(GARDEN, limits, width=1)
    for name in expected._fields:
        assert getattr(found, name).numpy() == pytest.approx(
            getattr(expected, name).numpy(), abs=1e-6
        ), name


def test_the_length_penalty_turns_the_order_as_computed_by_hand() -> None:
    # [END] has 0.45, [B, B, B, B] 0.4 * 0.9^3; lp is 1 and ((5 + 4) / 6)^2 = 2.25.
    model = TableModel({BEGIN: {END: 0.45, B: 0.4}, B: {B: 0.9}})
    short = search(model, limits_of([4]), width=2)
    long = search(model, limits_of([4]), width=2, length_penalty=2.0)
    assert texts(short)[0] == [END]
    assert texts(long)[:2] == [[B, B, B, B], [END]]
    by_hand = [np.log(0.4 * 0.9**3) / 2.25, np.log(0.45)]
    assert long.ranks.numpy()[0] == pytest.approx(by_hand, rel=1e-3)
    assert long.scores.numpy()[0, 0] == pytest.approx(np.log(0.4 * 0.9**3), rel=1e-3)


def test_the_coverage_penalty_is_the_one_computed_by_hand() -> None:
    # The only head looks at position 0 alone: positions 1 and 2 count 0.01 each.
    model = TableModel({BEGIN: {END: 0.6, A: 0.3}, A: {END: 0.9}})
    hypotheses = search(model, limits_of([5]), width=1, coverage_penalty=0.5)
    penalty = 0.5 * 2 * np.log(0.01)
    assert hypotheses.ranks.numpy()[0, 0] == pytest.approx(np.log(0.6) + penalty, rel=1e-5)
    assert hypotheses.scores.numpy()[0, 0] == pytest.approx(np.log(0.6), rel=1e-5)


def test_no_ngram_comes_twice() -> None:
    model = TableModel({BEGIN: {A: 0.9}, A: {B: 0.9}, B: {A: 0.8, C: 0.1}, C: {A: 0.9}})
    free = search(model, limits_of([8]), width=1)
    assert texts(free) == [[A, B, A, B, A, B, A, B]]
    for n in (1, 2, 3):
        hypotheses = search(model, limits_of([8]), width=3, no_repeat_ngram=n)
        for tokens in texts(hypotheses):
            ngrams = [tuple(tokens[place : place + n]) for place in range(len(tokens) - n + 1)]
            assert len(set(ngrams)) == len(ngrams), (n, tokens)


def test_an_output_that_cannot_go_on_without_repeating_ends() -> None:
    # 4 tokens may be used once: unknown, A, B, C. Then the end comes although it is too early.
    limits = limits_of([9], min_lengths=[9])
    hypotheses = search(GARDEN, limits, width=2, no_repeat_ngram=1)
    assert hypotheses.lengths.numpy().tolist() == [[5, 5]]
    assert all(tokens[-1] == END for tokens in texts(hypotheses))


def test_prefixes_are_honoured_by_every_hypothesis_and_row_by_row() -> None:
    limits = limits_of([6, 6, 6], prefixes=[[C, A], [], [B]])
    hypotheses = search(GARDEN, limits, width=3)
    assert all(tokens[:2] == [C, A] for tokens in texts(hypotheses, 0))
    assert texts(hypotheses, 1)[0] == [B, C, END]
    assert all(tokens[0] == B for tokens in texts(hypotheses, 2))
    assert hypotheses.token_scores.numpy()[0, 0, 0] == pytest.approx(GARDEN.score(BEGIN, C))


def test_a_prefix_may_repeat_itself_where_the_rest_may_not() -> None:
    limits = limits_of([5], prefixes=[[A, A]])
    hypotheses = search(GARDEN, limits, width=2, no_repeat_ngram=1)
    assert all(tokens[:2] == [A, A] and A not in tokens[2:] for tokens in texts(hypotheses))


def test_a_row_with_fewer_outputs_than_the_beam_fills_up_with_none() -> None:
    # One token, and it is forced: there is a single output.
    hypotheses = search(GARDEN, limits_of([1], prefixes=[[B]]), width=3)
    assert hypotheses.lengths.numpy().tolist() == [[1, 0, 0]]
    assert hypotheses.scores.numpy()[0, 1:].tolist() == [LOWEST, LOWEST]
    assert hypotheses.ranks.numpy()[0, 1:].tolist() == [LOWEST, LOWEST]
    assert np.all(hypotheses.tokens.numpy()[0, 1:] == 0)
    assert np.all(hypotheses.attention.numpy()[0, 1:] == 0)


def test_rows_do_not_depend_on_each_other() -> None:
    several = search(GARDEN, limits_of([6, 1, 3], min_lengths=[0, 0, 2]), width=3)
    for row, (longest, shortest) in enumerate([(6, 0), (1, 0), (3, 2)]):
        alone = search(GARDEN, limits_of([longest], min_lengths=[shortest]), width=3)
        assert texts(several, row) == texts(alone)
        assert several.ranks.numpy()[row] == pytest.approx(alone.ranks.numpy()[0])


def test_each_row_keeps_as_many_hypotheses_as_its_own_beam_is_wide() -> None:
    hypotheses = search(GARDEN, limits_of([6, 6, 6]), width=[1, 3, 2])
    greedy = [[A, END], [], []]  # 0.20: the beam of 1 walks past what the others find
    assert texts(hypotheses, 0) == greedy
    assert texts(hypotheses, 1)[:2] == [[B, C, END], [A, END]]
    assert len(texts(hypotheses, 1)[2]) > 0
    assert texts(hypotheses, 2) == [[B, C, END], [A, END], []]
    assert hypotheses.ranks.numpy()[0, 1:].tolist() == [LOWEST, LOWEST]


def test_a_batch_of_no_rows_gives_no_hypotheses() -> None:
    hypotheses = search(GARDEN, limits_of([]), width=3)
    assert hypotheses.tokens.shape == (0, 1, 0)
    assert hypotheses.attention.shape == (0, 1, 0, 3)
