"""Greedy search over a model that is a table: each row's next token depends on its last alone."""

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import DecodingOptions, Hypotheses, default_options, greedy_search
from tests.support.table_model import BEGIN, END, PAD, A, B, C, TableModel

ABC = TableModel({BEGIN: {A: 0.9}, A: {B: 0.6, END: 0.3}, B: {C: 0.5, A: 0.2}, C: {END: 0.8}})


def search(
    model: TableModel,
    *,
    max_lengths: list[int],
    min_lengths: list[int] | None = None,
    prefixes: list[list[int]] | None = None,
    prefix_lengths: list[int] | None = None,
    attention_layers: tuple[int, ...] = (0,),
) -> Hypotheses:
    rows = len(max_lengths)
    none = [0] * rows
    options = DecodingOptions(
        max_lengths=tf.constant(max_lengths, tf.int32),
        min_lengths=tf.constant(min_lengths or none, tf.int32),
        prefix_tokens=tf.reshape(tf.constant(prefixes or [[]] * rows, tf.int32), [rows, -1])
        if rows
        else tf.zeros([0, 0], tf.int32),
        prefix_lengths=tf.constant(prefix_lengths or none, tf.int32),
    )
    return greedy_search(
        model,
        tf.fill([rows, 3], A),
        lengths=tf.fill([rows], 3),
        options=options,
        attention_layers=attention_layers,
    )


def test_the_most_probable_token_is_taken_until_the_end_token_which_counts() -> None:
    hypotheses = search(ABC, max_lengths=[10])
    assert hypotheses.tokens.numpy().tolist() == [[[A, B, C, END]]]
    assert hypotheses.lengths.numpy().tolist() == [[4]]
    assert np.exp(hypotheses.token_scores.numpy()[0, 0]) == pytest.approx([0.9, 0.6, 0.5, 0.8])
    assert np.exp(hypotheses.scores.numpy()[0, 0]) == pytest.approx(0.9 * 0.6 * 0.5 * 0.8)


def test_a_hypothesis_cut_at_its_longest_has_no_end_token() -> None:
    hypotheses = search(ABC, max_lengths=[2])
    assert hypotheses.tokens.numpy().tolist() == [[[A, B]]]
    assert hypotheses.lengths.numpy().tolist() == [[2]]


def test_the_end_token_may_be_the_last_token_allowed() -> None:
    hypotheses = search(ABC, max_lengths=[4])
    assert hypotheses.tokens.numpy().tolist() == [[[A, B, C, END]]]


def test_everything_behind_a_hypothesis_is_zero_and_the_width_is_the_longest() -> None:
    hypotheses = search(ABC, max_lengths=[10, 1, 3])
    assert hypotheses.tokens.numpy().tolist() == [[[A, B, C, END]], [[A, 0, 0, 0]], [[A, B, C, 0]]]
    assert hypotheses.lengths.numpy().tolist() == [[4], [1], [3]]
    assert np.all(hypotheses.token_scores.numpy()[1, 0, 1:] == 0)
    assert np.all(hypotheses.attention.numpy()[1, 0, 1:] == 0)
    assert np.all(hypotheses.attention.numpy()[1, 0, 0] == [1, 0, 0])
    assert hypotheses.scores.numpy()[1, 0] == pytest.approx(np.log(0.9))


def test_the_end_token_waits_for_the_shortest_length_and_keeps_the_models_scores() -> None:
    model = TableModel({BEGIN: {END: 0.7, A: 0.2}, A: {END: 0.6, B: 0.3}, B: {END: 0.9}})
    hypotheses = search(model, max_lengths=[9, 9, 9], min_lengths=[0, 1, 2])
    assert hypotheses.tokens.numpy().tolist() == [[[END, 0, 0]], [[A, END, 0]], [[A, B, END]]]
    assert np.exp(hypotheses.token_scores.numpy()[2, 0]) == pytest.approx([0.2, 0.3, 0.9])


def test_a_shortest_length_equal_to_the_longest_never_ends() -> None:
    model = TableModel({BEGIN: {END: 0.9, A: 0.05}, A: {END: 0.9, A: 0.05}})
    hypotheses = search(model, max_lengths=[3], min_lengths=[3])
    assert END not in hypotheses.tokens.numpy()
    assert hypotheses.lengths.numpy().tolist() == [[3]]


def test_a_prefix_is_forced_and_scored_as_the_model_scores_it() -> None:
    hypotheses = search(ABC, max_lengths=[9, 9], prefixes=[[B, A], [C, C]], prefix_lengths=[2, 1])
    assert hypotheses.tokens.numpy().tolist() == [[[B, A, B, C, END]], [[C, END, 0, 0, 0]]]
    assert hypotheses.token_scores.numpy()[0, 0, 0] == pytest.approx(ABC.score(BEGIN, B), rel=1e-5)
    assert hypotheses.token_scores.numpy()[0, 0, 1] == pytest.approx(np.log(0.2))


def test_what_stands_behind_a_prefix_length_is_never_read() -> None:
    wide = search(ABC, max_lengths=[9], prefixes=[[B, 10**6]], prefix_lengths=[1])
    narrow = search(ABC, max_lengths=[9], prefixes=[[B]], prefix_lengths=[1])
    assert wide.tokens.numpy().tolist() == narrow.tokens.numpy().tolist()


def test_a_prefix_as_long_as_the_longest_output_is_the_output() -> None:
    hypotheses = search(ABC, max_lengths=[2], prefixes=[[B, A]], prefix_lengths=[2])
    assert hypotheses.tokens.numpy().tolist() == [[[B, A]]]


def test_pad_and_begin_are_never_generated() -> None:
    model = TableModel({BEGIN: {PAD: 0.5, BEGIN: 0.3, A: 0.1}, A: {PAD: 0.6, END: 0.2}})
    hypotheses = search(model, max_lengths=[9])
    assert hypotheses.tokens.numpy().tolist() == [[[A, END]]]
    assert np.exp(hypotheses.token_scores.numpy()[0, 0]) == pytest.approx([0.1, 0.2])


def test_attention_is_the_mean_over_all_heads_of_the_named_layers() -> None:
    model = TableModel({BEGIN: {END: 0.9}}, layers=3, heads=2)
    # Layer 0 looks at positions 0 and 1, layer 2 at 2 and (3 mod 3) = 0.
    top = search(model, max_lengths=[5], attention_layers=(2,))
    both = search(model, max_lengths=[5], attention_layers=(0, 2))
    assert top.attention.numpy().tolist() == [[[[0.5, 0.0, 0.5]]]]
    assert both.attention.numpy().tolist() == [[[[0.5, 0.25, 0.25]]]]


def test_a_batch_of_no_rows_gives_no_hypotheses() -> None:
    hypotheses = search(ABC, max_lengths=[])
    assert hypotheses.tokens.shape == (0, 1, 0)
    assert hypotheses.scores.shape == (0, 1)
    assert hypotheses.attention.shape == (0, 1, 0, 3)


def test_the_default_options_limit_the_length_alone() -> None:
    hypotheses = greedy_search(
        ABC,
        tf.fill([2, 3], A),
        lengths=tf.constant([3, 1]),
        options=default_options(2, 3),
        attention_layers=[0],
    )
    assert hypotheses.tokens.numpy().tolist() == [[[A, B, C]], [[A, B, C]]]
