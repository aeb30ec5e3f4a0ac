"""Forced scoring of a model whose logits a person can read."""

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoding import TargetScores, score_targets
from model_export.models import Seq2SeqOutput

BEGIN, END, A, B = 2, 3, 4, 5
VOCABULARY_SIZE = 6


class RepeatingModel:
    """Gives the token it was just fed a probability of 0.6, each other one 0.08."""

    def __init__(self, *, layers: int = 1) -> None:
        self.layers = layers
        self.target_inputs: list[list[int]] = []

    def __call__(self, inputs: dict[str, tf.Tensor]) -> Seq2SeqOutput:
        self.target_inputs = inputs["target_inputs"].numpy().tolist()
        probabilities = tf.one_hot(inputs["target_inputs"], VOCABULARY_SIZE, 0.6, 0.08)
        rows, steps = inputs["target_inputs"].shape
        width = inputs["tokens"].shape[1]
        layers = tf.range(1, self.layers + 1, dtype=tf.float32)[:, tf.newaxis, tf.newaxis]
        heads = tf.broadcast_to(layers[:, tf.newaxis], [rows, self.layers, 1, steps, width])
        return Seq2SeqOutput(tf.math.log(probabilities) - 1.0, heads)


def score(model: RepeatingModel, targets: list[list[int]], lengths: list[int]) -> TargetScores:
    return score_targets(
        model,
        tf.fill([len(targets), 2], A),
        lengths=tf.fill([len(targets)], 2),
        target_tokens=tf.constant(targets),
        target_lengths=tf.constant(lengths),
        attention_layers=[model.layers - 1],
    )


def test_each_token_is_scored_after_the_ones_before_it() -> None:
    model = RepeatingModel()
    scores = score(model, [[A, A, END]], [3])
    assert model.target_inputs == [[BEGIN, A, A]]
    assert np.exp(scores.token_scores.numpy()) == pytest.approx(np.array([[0.08, 0.6, 0.08]]))
    assert np.exp(scores.scores.numpy()) == pytest.approx([0.08 * 0.6 * 0.08])


def test_what_stands_behind_a_target_is_not_scored() -> None:
    scores = score(RepeatingModel(layers=2), [[A, A, END], [B, 0, 0]], [3, 1])
    assert scores.token_scores.numpy()[1, 1:].tolist() == [0, 0]
    assert scores.scores.numpy()[1] == pytest.approx(np.log(0.08))
    assert np.all(scores.attention.numpy()[1, 1:] == 0)
    assert np.all(scores.attention_heads.numpy()[1, :, :, 1:] == 0)


def test_attention_averages_the_named_layers_and_heads_are_given_in_full() -> None:
    scores = score(RepeatingModel(layers=2), [[A, END]], [2])
    assert np.all(scores.attention.numpy() == 2)
    assert scores.attention_heads.shape == (1, 2, 1, 2, 2)
    assert np.all(scores.attention_heads.numpy()[:, 0] == 1)
