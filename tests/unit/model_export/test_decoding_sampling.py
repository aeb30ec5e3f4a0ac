"""Sampling over a model that is a table."""

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import (
    DecodingOptions,
    Hypotheses,
    SampleOptions,
    default_options,
    sample_search,
)
from model_export.random_numbers import uniform_numbers
from service.pipeline.samples import sample_seeds
from tests.support.table_model import BEGIN, END, PAD, UNKNOWN, A, B, C, TableModel

DICE = TableModel({BEGIN: {A: 0.5, B: 0.25, C: 0.15, END: 0.05}, A: {END: 0.5, B: 0.3}})
DRAWS = 4000
CRITICAL = {2: 21.4, 4: 26.1, 24: 65.0}
"""Chi-square for so many degrees of freedom: exceeded by chance at most once in 33,000 runs.

The seeds are fixed, so that a run that passes passes always.
"""


def sample(
    seeds: list[int] | np.ndarray,
    *,
    temperature: float | list[float] = 1.0,
    top_k: int | list[int] = 0,
    top_p: float | list[float] = 1.0,
    limits: DecodingOptions | None = None,
) -> Hypotheses:
    rows = len(seeds)
    options = SampleOptions(
        tf.broadcast_to(tf.constant(temperature, tf.float32), [rows]),
        tf.broadcast_to(tf.constant(top_k, tf.int32), [rows]),
        tf.broadcast_to(tf.constant(top_p, tf.float32), [rows]),
        tf.constant(seeds, tf.int32),
    )
    return graph(limits or default_options(rows, 6), options)


@tf.function(reduce_retracing=True, autograph=False)
def graph(limits: DecodingOptions, options: SampleOptions) -> Hypotheses:
    rows = tf.shape(options.seed)[0]
    return sample_search(
        DICE,
        tf.fill(tf.stack([rows, 3]), A),
        lengths=tf.fill([rows], 3),
        options=(limits, options),
        attention_layers=[0],
    )


def first_tokens(hypotheses: Hypotheses) -> np.ndarray:
    return hypotheses.tokens.numpy()[:, 0, 0]


def chi_square(drawn: np.ndarray, probabilities: dict[int, float]) -> float:
    assert set(drawn.tolist()) <= set(probabilities)
    total = sum(probabilities.values())
    return sum(
        (np.sum(drawn == token) - len(drawn) * p / total) ** 2 / (len(drawn) * p / total)
        for token, p in probabilities.items()
    )


FIRST = {A: 0.5, B: 0.25, C: 0.15, END: 0.05, UNKNOWN: 0.05}


def test_tokens_come_as_often_as_the_model_says() -> None:
    drawn = first_tokens(sample(np.arange(DRAWS)))
    assert chi_square(drawn, FIRST) < CRITICAL[4]


def test_the_second_token_is_drawn_anew() -> None:
    hypotheses = sample(np.arange(DRAWS))
    tokens = hypotheses.tokens.numpy()[:, 0]
    second = tokens[tokens[:, 0] == A, 1]
    assert chi_square(second, {END: 0.5, B: 0.3, UNKNOWN: 0.2}) < CRITICAL[2]


def test_a_temperature_sharpens_or_flattens() -> None:
    for temperature in (0.5, 2.0):
        drawn = first_tokens(sample(np.arange(DRAWS), temperature=temperature))
        expected = {token: p ** (1 / temperature) for token, p in FIRST.items()}
        assert PAD not in drawn
        assert BEGIN not in drawn
        assert chi_square(drawn, expected) < CRITICAL[4]


def test_a_temperature_near_0_is_greedy_search() -> None:
    assert set(first_tokens(sample(np.arange(200), temperature=0.01))) == {A}


def test_top_k_draws_from_the_k_most_probable() -> None:
    drawn = first_tokens(sample(np.arange(DRAWS), top_k=3))
    assert chi_square(drawn, {A: 0.5, B: 0.25, C: 0.15}) < CRITICAL[2]
    assert set(first_tokens(sample(np.arange(200), top_k=1))) == {A}


def test_top_p_draws_from_the_fewest_that_have_that_probability() -> None:
    drawn = first_tokens(sample(np.arange(DRAWS), top_p=0.8))
    assert chi_square(drawn, {A: 0.5, B: 0.25, C: 0.15}) < CRITICAL[2]
    assert set(first_tokens(sample(np.arange(200), top_p=0.49))) == {A}


def test_top_p_is_taken_of_what_top_k_leaves() -> None:
    # Of A 0.5 and B 0.25, A has two thirds: enough for 0.6, though it has only half of all.
    assert set(first_tokens(sample(np.arange(200), top_k=2, top_p=0.6))) == {A}
    assert set(first_tokens(sample(np.arange(200), top_p=0.6))) == {A, B}


def test_a_seed_draws_the_same_in_any_batch_and_at_any_place() -> None:
    seeds = np.array([7, -3, 2**31 - 1, 0, 12345, 7])
    together = sample(seeds)
    assert together.tokens.numpy()[0].tolist() == together.tokens.numpy()[5].tolist()
    # Neighbours that need the sorted vocabulary, and a batch that draws more numbers.
    mixed = sample(
        np.concatenate([[99, 98], seeds[::-1]]),
        top_k=[2, 0, *[0] * 6],
        top_p=[1.0, 0.5, *[1.0] * 6],
        temperature=[3.0, 0.5, *[1.0] * 6],
    )
    for row in range(6):
        length = together.lengths.numpy()[row, 0]
        assert mixed.lengths.numpy()[7 - row, 0] == length
        expected = together.tokens.numpy()[row, 0, :length].tolist()
        assert mixed.tokens.numpy()[7 - row, 0, :length].tolist() == expected


def test_another_seed_draws_something_else() -> None:
    tokens = sample(np.arange(50)).tokens.numpy()
    assert len({tuple(row) for row in tokens[:, 0].tolist()}) > 5


def test_samples_of_one_text_are_drawn_as_the_model_says_and_independently() -> None:
    count = 4
    seeds = np.array([sample_seeds(seed, count) for seed in range(DRAWS)])
    drawn = first_tokens(sample(seeds.ravel())).reshape(DRAWS, count)
    for place in range(count):
        assert chi_square(drawn[:, place], FIRST) < CRITICAL[4]
    # Two samples of a text: each pair of tokens as often as the product of their probabilities.
    pairs = {(one, other): FIRST[one] * FIRST[other] for one in FIRST for other in FIRST}
    names = {pair: name for name, pair in enumerate(pairs)}
    probabilities = {names[pair]: probability for pair, probability in pairs.items()}
    for place in range(1, count):
        together = [names[one, other] for one, other in drawn[:, [0, place]].tolist()]
        assert chi_square(np.array(together), probabilities) < CRITICAL[24]


def test_token_scores_are_the_models_own_whatever_was_ruled_out() -> None:
    hypotheses = sample(np.arange(20), temperature=3.0, top_k=2)
    for tokens, scores in zip(
        hypotheses.tokens.numpy()[:, 0], hypotheses.token_scores.numpy()[:, 0], strict=True
    ):
        assert scores[0] == pytest.approx(DICE.score(BEGIN, tokens[0]), rel=1e-4)


def test_limits_and_prefixes_hold_for_samples_too() -> None:
    rows = 100
    limits = DecodingOptions(
        max_lengths=tf.fill([rows], 4),
        min_lengths=tf.fill([rows], 3),
        prefix_tokens=tf.fill([rows, 1], C),
        prefix_lengths=tf.fill([rows], 1),
    )
    hypotheses = sample(np.arange(rows), limits=limits)
    lengths = hypotheses.lengths.numpy()[:, 0]
    assert set(first_tokens(hypotheses)) == {C}
    assert lengths.min() >= 4
    assert lengths.max() <= 4


def test_a_batch_of_no_rows_gives_no_samples() -> None:
    assert sample([]).tokens.shape == (0, 1, 0)


def test_random_numbers_depend_on_seed_and_step_alone() -> None:
    seeds = tf.constant([5, -5, 0])
    many, few = uniform_numbers(seeds, 9).numpy(), uniform_numbers(seeds[1:2], 4).numpy()
    assert many[1, :4].tolist() == few[0].tolist()
    # Computed with Python's integers from the published algorithm.
    assert many[0, 0] == pytest.approx(plain_uniform(5, 0), abs=1e-7)
    assert many[1, 8] == pytest.approx(plain_uniform(-5, 8), abs=1e-7)


def test_random_numbers_are_evenly_spread() -> None:
    numbers = uniform_numbers(tf.range(500), 100).numpy()
    assert numbers.min() >= 0
    assert numbers.max() < 1
    counts, _ = np.histogram(numbers, bins=5, range=(0, 1))
    assert np.sum((counts - 10_000) ** 2 / 10_000) < CRITICAL[4]
    assert abs(np.corrcoef(numbers[:-1].ravel(), numbers[1:].ravel())[0, 1]) < 0.02
    assert abs(np.corrcoef(numbers[:, :-1].ravel(), numbers[:, 1:].ravel())[0, 1]) < 0.02


def plain_uniform(seed: int, step: int) -> float:
    wrap, golden = 2**64 - 1, 0x9E3779B97F4A7C15
    number = mix((mix((seed + golden) & wrap) + (step + 1) * golden) & wrap)
    return (number >> 40) / 2**24


def mix(number: int) -> int:
    wrap = 2**64 - 1
    number = ((number ^ (number >> 30)) * 0xBF58476D1CE4E5B9) & wrap
    number = ((number ^ (number >> 27)) * 0x94D049BB133111EB) & wrap
    return number ^ (number >> 31)
