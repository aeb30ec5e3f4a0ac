"""Equalities 1 and 2 for the decoder: the equations, and steps = the whole sequence."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_export.decoders import RnnDecoder, RnnMemory, RnnState
from tests.support.numpy_reference import additive_attention, gru_step
from tests.support.small_model import random_inputs, small_model

LENGTHS = [6, 3, 1]


@pytest.fixture(scope="module")
def decoder() -> RnnDecoder:
    return small_model().decoder


@pytest.fixture(scope="module")
def memory_and_state() -> tuple[RnnMemory, RnnState]:
    state, memory = small_model().encode(random_inputs(LENGTHS, 1)["tokens"], tf.constant(LENGTHS))
    return memory, state


def test_it_gives_what_the_equations_give(
    decoder: RnnDecoder, memory_and_state: tuple[RnnMemory, RnnState]
) -> None:
    memory, state = memory_and_state
    tokens = random_inputs(LENGTHS, 4)["target_inputs"]
    features, heads = decoder(tokens, state, memory)
    kernel, recurrent_kernel, bias = decoder.cells[0].get_weights()
    for row, length in enumerate(LENGTHS):
        hidden = state.cells[0][0][row].numpy()
        for position in range(4):
            vector = decoder.embedding.embeddings.numpy()[tokens[row, position].numpy()]
            context, weights = additive_attention(
                hidden,
                memory.values[row, :length].numpy(),
                w=decoder.attention.score.query_projection.kernel.numpy(),
                u=decoder.attention.score.key_projection.kernel.numpy(),
                v=decoder.attention.score.score_projection.kernel.numpy()[:, 0],
            )
            hidden = gru_step(
                np.concatenate([vector, context]),
                hidden,
                kernel=kernel,
                recurrent_kernel=recurrent_kernel,
                bias=bias,
            )
            expected = np.concatenate([hidden, context, vector])
            np.testing.assert_allclose(features[row, position], expected, atol=1e-5)
            np.testing.assert_allclose(heads[row, 0, 0, position, :length], weights, atol=1e-5)


def test_the_first_state_follows_from_the_summary(decoder: RnnDecoder) -> None:
    model = small_model()
    tokens = random_inputs(LENGTHS, 1)["tokens"]
    encoded = model.encoder(tokens, mask=tf.sequence_mask(LENGTHS, 6))
    ((state,),) = decoder.initial_state(encoded).cells
    kernel, bias = decoder.initial_projections[0][0].get_weights()
    np.testing.assert_allclose(state, np.tanh(encoded.summary.numpy() @ kernel + bias), atol=1e-6)


def test_steps_give_what_the_whole_sequence_gives(
    decoder: RnnDecoder, memory_and_state: tuple[RnnMemory, RnnState]
) -> None:
    memory, state = memory_and_state
    tokens = random_inputs(LENGTHS, 5)["target_inputs"]
    features, heads = decoder(tokens, state, memory)
    for position in range(5):
        step = decoder.step(tokens[:, position], state, memory)
        np.testing.assert_allclose(step.features, features[:, position], atol=1e-6)
        np.testing.assert_allclose(step.attention_heads, heads[:, :, :, position], atol=1e-6)
        state = step.state
