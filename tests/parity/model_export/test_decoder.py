"""Equalities 1 and 2 for the decoder: the equations, and steps = the whole sequence."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import CellKind, LuongGeneralSettings
from model_export.decoders import RnnDecoder, RnnMemory, RnnState
from tests.support.numpy_attention import context_of, general, global_weights
from tests.support.numpy_reference import additive_attention, gru_step, lstm_step
from tests.support.small_model import SETTINGS, random_inputs, small_model

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
    features, heads, _ = decoder(tokens, state, memory)
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
    features, heads, _ = decoder(tokens, state, memory)
    for position in range(5):
        step = decoder.step(tokens[:, position], state, memory)
        np.testing.assert_allclose(step.features, features[:, position], atol=1e-6)
        np.testing.assert_allclose(step.attention_heads, heads[:, :, :, position], atol=1e-6)
        state = step.state


@pytest.mark.parametrize("input_feeding", [True, False])
def test_a_luong_decoder_of_two_lstm_layers_gives_what_the_equations_give(
    input_feeding: bool,
) -> None:
    changes = {
        "cell": CellKind.LSTM,
        "decoder_layers": 2,
        "attention": LuongGeneralSettings(),
        "input_feeding": input_feeding,
    }
    model = small_model(SETTINGS.model_copy(update=changes))
    decoder, inputs = model.decoder, random_inputs(LENGTHS, 3)
    start, memory = model.encode(inputs["tokens"], inputs["lengths"])
    features, heads, _ = decoder(inputs["target_inputs"], start, memory)
    score = general(decoder.attention.score.key_projection.kernel.numpy().T)
    for row, length in enumerate(LENGTHS):
        values = memory.values[row, :length].numpy()
        states = [[part[row].numpy() for part in layer] for layer in start.cells]
        attentional = np.zeros(SETTINGS.readout_width)
        for position in range(3):
            token = inputs["target_inputs"][row, position].numpy()
            hidden = decoder.embedding.embeddings.numpy()[token]
            if input_feeding:
                hidden = np.concatenate([hidden, attentional])
            for layer, cell in enumerate(decoder.cells):
                names = ("kernel", "recurrent_kernel", "bias")
                weights = dict(zip(names, cell.get_weights(), strict=True))
                states[layer] = list(lstm_step(hidden, *states[layer], **weights))
                hidden = states[layer][0]
            attention = global_weights(hidden, values, score)
            joined = np.concatenate([context_of(attention, values), hidden])
            attentional = np.tanh(joined @ decoder.attentional.kernel.numpy())
            np.testing.assert_allclose(features[row, position], attentional, atol=1e-5)
            np.testing.assert_allclose(heads[row, 0, 0, position, :length], attention, atol=1e-5)
