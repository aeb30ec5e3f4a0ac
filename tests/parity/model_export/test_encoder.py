"""Equality 1 for the encoder: the layer gives what the paper's equations give."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import CellKind
from model_export.encoders import EncoderOutput, RnnEncoder
from tests.support.numpy_reference import FloatArray, gru_step, lstm_step
from tests.support.small_model import SETTINGS, random_inputs, small_model


@pytest.fixture(scope="module")
def encoder() -> RnnEncoder:
    return small_model().encoder


def _encode(encoder: RnnEncoder, tokens: Any, lengths: list[int]) -> EncoderOutput:
    return encoder(tokens, mask=tf.sequence_mask(lengths, tokens.shape[1]))


def _reference_states(encoder: RnnEncoder, tokens: list[int], *, backwards: bool) -> FloatArray:
    layer = (encoder.backward if backwards else encoder.forward)[0]
    kernel, recurrent_kernel, bias = layer.get_weights()
    state = np.zeros(recurrent_kernel.shape[0])
    states = []
    for token in reversed(tokens) if backwards else tokens:
        vector = encoder.embedding.embeddings.numpy()[token]
        state = gru_step(vector, state, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias)
        states.append(state)
    return np.array(states[::-1] if backwards else states)


def test_it_gives_what_the_equations_give(encoder: RnnEncoder) -> None:
    lengths = [6, 3, 1]
    tokens = random_inputs(lengths, 1)["tokens"]
    values, summary = _encode(encoder, tokens, lengths)
    for row, length in enumerate(lengths):
        real_tokens = tokens[row, :length].numpy().tolist()
        forward = _reference_states(encoder, real_tokens, backwards=False)
        backward = _reference_states(encoder, real_tokens, backwards=True)
        expected = np.concatenate([forward, backward], axis=-1)
        np.testing.assert_allclose(values[row, :length], expected, atol=1e-5)
        np.testing.assert_allclose(summary[row], backward[0], atol=1e-5)


def test_values_behind_a_length_are_zero(encoder: RnnEncoder) -> None:
    values, _ = _encode(encoder, random_inputs([5, 2], 1)["tokens"], [5, 2])
    assert not values.numpy()[1, 2:].any()


def test_a_row_does_not_depend_on_its_padding(encoder: RnnEncoder) -> None:
    tokens = random_inputs([4], 1)["tokens"]
    values, summary = _encode(encoder, tokens, [4])
    for filler in (0, int(tokens[0, 0])):
        padded = tf.pad(tokens, [[0, 0], [0, 5]], constant_values=filler)
        padded_values, padded_summary = _encode(encoder, padded, [4])
        np.testing.assert_allclose(padded_values[:, :4], values, atol=1e-6)
        np.testing.assert_allclose(padded_summary, summary, atol=1e-6)


def test_a_row_of_length_zero_is_all_zero(encoder: RnnEncoder) -> None:
    values, summary = _encode(encoder, random_inputs([3, 3], 1)["tokens"], [3, 0])
    assert not values.numpy()[1].any()
    assert not summary.numpy()[1].any()


def test_dropout_works_in_training_alone(encoder: RnnEncoder) -> None:
    tokens = random_inputs([6], 1)["tokens"]
    mask = tf.sequence_mask([6], 6)
    plain, _ = encoder(tokens, mask=mask)
    dropped, _ = encoder(tokens, mask=mask, training=True)
    assert not np.allclose(plain, dropped)


@pytest.mark.parametrize("bidirectional", [True, False])
def test_two_lstm_layers_give_what_the_equations_give(bidirectional: bool) -> None:
    changes = {"cell": CellKind.LSTM, "encoder_layers": 2, "bidirectional": bidirectional}
    encoder = small_model(SETTINGS.model_copy(update=changes)).encoder
    lengths = [6, 3, 1]
    tokens = random_inputs(lengths, 1)["tokens"]
    values, summary = _encode(encoder, tokens, lengths)
    for row, length in enumerate(lengths):
        expected = encoder.embedding.embeddings.numpy()[tokens[row, :length].numpy()]
        for layer in range(2):
            parts = [_lstm_states(encoder.forward[layer], expected)]
            if bidirectional:
                parts.append(_lstm_states(encoder.backward[layer], expected[::-1])[::-1])
            expected = np.concatenate(parts, axis=-1)
        np.testing.assert_allclose(values[row, :length], expected, atol=1e-5)
        end = parts[1][0] if bidirectional else parts[0][-1]
        np.testing.assert_allclose(summary[row], end, atol=1e-5)


def _lstm_states(layer: Any, vectors: FloatArray) -> FloatArray:
    kernel, recurrent_kernel, bias = layer.get_weights()
    h = c = np.zeros(recurrent_kernel.shape[0])
    states = []
    for vector in vectors:
        h, c = lstm_step(vector, h, c, kernel=kernel, recurrent_kernel=recurrent_kernel, bias=bias)
        states.append(h)
    return np.array(states)
