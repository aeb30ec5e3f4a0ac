"""Equality 3 for greedy search: graph = eager = a search that a person can read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import DecodingOptions, Hypotheses, greedy_search
from tests.support.exported_model import MAX_TARGET_TOKENS, exportable

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel

__all__ = ["exportable"]

PAD, BEGIN, END = 0, 2, 3
TOKENS = [[5, 6, 7, 8, 9], [8, 9, 4, 0, 0], [12, 0, 0, 0, 0], [20, 21, 22, 23, 0]]
LENGTHS = [5, 3, 1, 4]
MAX_LENGTHS = [MAX_TARGET_TOKENS, 1, MAX_TARGET_TOKENS, 6]
MIN_LENGTHS = [0, 0, 9, 2]
PREFIXES = [[7, 8], [9, 4], [4, 4], [11, 12]]
PREFIX_LENGTHS = [0, 1, 0, 2]


def options() -> DecodingOptions:
    rows = (MAX_LENGTHS, MIN_LENGTHS, PREFIXES, PREFIX_LENGTHS)
    return DecodingOptions(*(tf.constant(values, tf.int32) for values in rows))


def decode(exportable: ExportableModel, tokens: tf.Tensor, lengths: tf.Tensor) -> Hypotheses:
    return greedy_search(
        exportable.model, tokens, lengths=lengths, options=options(), attention_layers=[0]
    )


@pytest.fixture(scope="module")
def eager(exportable: ExportableModel) -> Hypotheses:
    return decode(exportable, tf.constant(TOKENS), tf.constant(LENGTHS))


def test_the_graph_decodes_as_eager_code_does(
    exportable: ExportableModel, eager: Hypotheses
) -> None:
    spec = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]

    @tf.function(input_signature=spec, autograph=False)
    def graph(tokens: tf.Tensor, lengths: tf.Tensor) -> Hypotheses:
        return decode(exportable, tokens, lengths)

    found = graph(tf.constant(TOKENS), tf.constant(LENGTHS))
    for name in Hypotheses._fields:
        expected = getattr(eager, name).numpy()
        assert getattr(found, name).numpy() == pytest.approx(expected, abs=1e-5), name


@pytest.mark.parametrize("row", range(len(TOKENS)))
def test_the_search_finds_what_a_plain_loop_over_the_whole_model_finds(
    exportable: ExportableModel, eager: Hypotheses, row: int
) -> None:
    tokens, scores, attention = plain_search(exportable, row)
    length = len(tokens)
    assert eager.lengths.numpy()[row, 0] == length
    assert eager.tokens.numpy()[row, 0, :length].tolist() == tokens
    assert eager.token_scores.numpy()[row, 0, :length] == pytest.approx(scores, abs=1e-5)
    assert eager.scores.numpy()[row, 0] == pytest.approx(sum(scores), abs=1e-4)
    width = LENGTHS[row]
    assert eager.attention.numpy()[row, 0, :length, :width] == pytest.approx(attention, abs=1e-5)


def test_attention_sums_to_1_over_the_source_at_every_token(eager: Hypotheses) -> None:
    sums = eager.attention.numpy().sum(axis=-1)
    is_token = eager.tokens.numpy() != PAD
    assert sums[is_token] == pytest.approx(1.0, abs=1e-5)
    assert np.all(sums[~is_token] == 0)


def plain_search(
    exportable: ExportableModel, row: int
) -> tuple[list[int], list[float], np.ndarray]:
    """One row, one token at a time, from the scores of whole targets (`Seq2Seq.call`)."""
    target: list[int] = []
    scores: list[float] = []
    attention: list[np.ndarray] = []
    while len(target) < MAX_LENGTHS[row] and END not in target:
        output = exportable.model(
            {
                "tokens": tf.constant([TOKENS[row][: LENGTHS[row]]]),
                "lengths": tf.constant([LENGTHS[row]]),
                "target_inputs": tf.constant([[BEGIN, *target]]),
            }
        )
        logits = output.logits.numpy()[0, -1].astype(np.float64)
        log_probabilities = logits - np.log(np.sum(np.exp(logits)))
        choosable = log_probabilities.copy()
        choosable[[PAD, BEGIN]] = -np.inf
        if len(target) < MIN_LENGTHS[row]:
            choosable[END] = -np.inf
        is_forced = len(target) < PREFIX_LENGTHS[row]
        token = PREFIXES[row][len(target)] if is_forced else int(np.argmax(choosable))
        target.append(token)
        scores.append(float(log_probabilities[token]))
        attention.append(output.attention_heads.numpy()[0, :, :, -1].mean(axis=(0, 1)))
    return target, scores, np.array(attention)
