"""What recurrent models drop in training, and when it is the same."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import CellKind, RnnSettings
from model_export.decoders.cell_dropout import CellDropout, at_step
from model_export.models import build_model
from model_export.rnn_dropout import RnnDropout
from tests.support.small_model import random_inputs


def _model(**settings: Any) -> Any:
    widths = {"embedding_width": 8, "encoder_width": 6, "decoder_width": 12, "readout_width": 6}
    values = {**widths, "dropout": 0.0, **settings}
    return build_model(
        RnnSettings.model_validate(values), source_vocabulary_size=11, target_vocabulary_size=9
    )


@pytest.mark.parametrize("variational", [True, False])
def test_between_layers_the_same_is_dropped_at_every_step_if_variational(
    variational: bool,
) -> None:
    dropout = CellDropout([50], RnnDropout(inputs=0.4, variational=variational))
    (kept,) = dropout(tf.zeros([7, 20, 3]))
    steps = [at_step((kept,), tf.constant(step))[0].numpy() for step in range(7)]
    assert steps[0].shape == (20, 50)
    np.testing.assert_allclose(np.unique(steps), [0.0, 1 / 0.6], rtol=1e-6)
    assert np.mean(steps[0] == 0) == pytest.approx(0.4, abs=0.06)
    assert np.array_equal(steps[0], steps[6]) == variational
    assert not np.array_equal(steps[0][0], steps[0][1])  # rows differ


@pytest.mark.parametrize("variational", [True, False])
def test_the_encoder_drops_the_same_inputs_at_every_position_if_variational(
    variational: bool,
) -> None:
    model = _model(dropout=0.5, variational_dropout=variational)
    kept = model.encoder.dropouts[0](tf.ones([3, 9, 40]), training=True).numpy()
    assert bool((kept == kept[:, :1]).all()) == variational
    assert not np.array_equal(kept[0], kept[1])


@pytest.mark.parametrize("cell", list(CellKind))
def test_the_encoders_state_is_dropped_where_there_is_one(cell: CellKind) -> None:
    model = _model(cell=cell, recurrent_dropout=0.5, bidirectional=False)
    tokens, mask = tf.constant([[4, 5, 6]]), tf.ones([1, 3], tf.bool)
    exact = model.encoder(tokens, mask=mask).values.numpy()
    trained = model.encoder(tokens, mask=mask, training=True).values.numpy()
    np.testing.assert_allclose(trained[:, 0], exact[:, 0], atol=1e-6)  # its first state is 0
    assert not np.allclose(trained[:, 1], exact[:, 1])
    np.testing.assert_array_equal(model.encoder(tokens, mask=mask).values, exact)


@pytest.mark.parametrize("cell", list(CellKind))
@pytest.mark.parametrize("compiled", [True, False])
def test_the_decoder_drops_the_same_state_at_every_step(cell: CellKind, compiled: bool) -> None:
    """The step's inputs are always the same, and so is the state it starts with: the mask shows."""
    model = _model(
        cell=cell,
        recurrent_dropout=0.5,
        decoder="luong",
        attention="luong_general",
        input_feeding=False,
    )
    decoder = model.decoder
    inputs = random_inputs([3], 4)
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    cell_layer = decoder.cells[0]
    drawn: list[Any] = []
    draw = cell_layer.get_recurrent_dropout_mask

    def watched(step_input: Any) -> Any:
        mask = draw(step_input)
        drawn.append(mask)
        return mask

    cell_layer.get_recurrent_dropout_mask = watched
    run = tf.function(decoder, autograph=False) if compiled else decoder
    features = run(inputs["target_inputs"], state, memory, training=True).features.numpy()
    # Drawn before the loop, and the same tensors in it.
    assert len(drawn) >= 2
    assert all(mask[0] is drawn[0][0] for mask in drawn) or compiled
    assert cell_layer._recurrent_dropout_mask is None
    exact = run(inputs["target_inputs"], state, memory, training=False).features.numpy()
    assert not np.allclose(features, exact)
    again = run(inputs["target_inputs"], state, memory, training=True).features.numpy()
    assert not np.allclose(features, again)


def test_dropout_between_decoder_layers_is_active_in_training_alone() -> None:
    model = _model(decoder_layers=2, dropout=0.5)
    inputs = random_inputs([4, 2], 3)
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    exact = model.decoder(inputs["target_inputs"], state, memory).features
    np.testing.assert_array_equal(
        model.decoder(inputs["target_inputs"], state, memory).features, exact
    )
    # Without dropout of the embeddings, what differs comes from between the layers.
    model.decoder.dropout.rate = 0.0
    trained = model.decoder(inputs["target_inputs"], state, memory, training=True).features
    assert not np.allclose(trained, exact)
