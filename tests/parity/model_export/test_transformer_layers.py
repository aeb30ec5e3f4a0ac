"""Equality 1 for the parts of a Transformer: positions, feed-forward, layers."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf
from numpy.typing import NDArray

from model_export.attention.multi_head import HeadMemory
from model_export.config.transformer import Activation, NormPlacement
from model_export.decoders.transformer_decoder import TransformerDecoderLayer
from model_export.encoders.transformer_encoder import TransformerEncoderLayer
from model_export.transformer import (
    FeedForward,
    LayerShape,
    LearnedPositions,
    SinusoidalPositions,
    TiedOutput,
    TokenEmbedding,
)
from tests.support.numpy_transformer import (
    decoder_layer,
    encoder_layer,
    gelu,
    relu,
    sinusoid,
    weights_of,
)

WIDTH, INNER, HEADS = 6, 5, 2
ACTIVATIONS = {Activation.RELU: relu, Activation.GELU: gelu}


def _random(*shape: int) -> NDArray[np.float32]:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def _shape(norm: NormPlacement, activation: Activation = Activation.RELU) -> LayerShape:
    return LayerShape(
        width=WIDTH,
        feed_forward_width=INNER,
        head_count=HEADS,
        dropout=0.5,
        activation=activation,
        norm=norm,
    )


def _with_random_weights(layer: keras.layers.Layer) -> None:
    generator = np.random.default_rng(7)
    for weight in layer.trainable_variables:
        weight.assign(generator.normal(scale=0.5, size=weight.shape))


def _encode(layer: TransformerEncoderLayer, inputs: Any, lengths: list[int]) -> tf.Tensor:
    mask = tf.sequence_mask(lengths, inputs.shape[1])[:, tf.newaxis, tf.newaxis]
    return layer(tf.constant(inputs), mask=mask)


def _nothing_before(rows: int) -> HeadMemory:
    return HeadMemory(*[tf.zeros([rows, HEADS, 0, WIDTH // HEADS])] * 2)


def _decode(layer: TransformerDecoderLayer, inputs: Any, source: Any, lengths: list[int]) -> Any:
    count = inputs.shape[1]
    return layer(
        tf.constant(inputs),
        past=_nothing_before(len(lengths)),
        past_mask=tf.linalg.band_part(tf.ones([count, count]), -1, 0)[tf.newaxis, tf.newaxis] > 0,
        source=layer.source_attention.project(tf.constant(source)),
        source_mask=tf.sequence_mask(lengths, source.shape[1])[:, tf.newaxis, tf.newaxis],
    )


@pytest.mark.parametrize("activation", Activation)
@pytest.mark.parametrize("norm", NormPlacement)
def test_an_encoder_layer_gives_what_the_paper_gives(
    norm: NormPlacement, activation: Activation
) -> None:
    layer = TransformerEncoderLayer(_shape(norm, activation))
    inputs, lengths = _random(3, 5, WIDTH), [5, 3, 1]
    _encode(layer, inputs, lengths)
    _with_random_weights(layer)
    outputs = _encode(layer, inputs, lengths)
    for row, length in enumerate(lengths):
        expected = encoder_layer(
            inputs[row, :length],
            weights_of(layer),
            head_count=HEADS,
            pre=norm is NormPlacement.PRE,
            activation=ACTIVATIONS[activation],
        )
        np.testing.assert_allclose(outputs[row, :length], expected, atol=2e-5)


@pytest.mark.parametrize("norm", NormPlacement)
def test_a_decoder_layer_gives_what_the_paper_gives(norm: NormPlacement) -> None:
    layer = TransformerDecoderLayer(_shape(norm))
    inputs, source, lengths = _random(2, 4, WIDTH), _random(2, 5, WIDTH), [5, 2]
    _decode(layer, inputs, source, lengths)
    _with_random_weights(layer)
    output = _decode(layer, inputs, source, lengths)
    for row, length in enumerate(lengths):
        expected, weights = decoder_layer(
            inputs[row],
            source[row, :length],
            weights_of(layer),
            head_count=HEADS,
            pre=norm is NormPlacement.PRE,
            activation=relu,
        )
        np.testing.assert_allclose(output.hidden[row], expected, atol=2e-5)
        np.testing.assert_allclose(output.weights[row, :, :, :length], weights, atol=1e-5)
    assert not output.weights.numpy()[1, ..., 2:].any()


def test_the_gradients_of_a_layer_are_those_of_finite_differences() -> None:
    layer = TransformerDecoderLayer(_shape(NormPlacement.PRE, Activation.GELU))
    inputs, source = tf.constant(_random(1, 2, WIDTH)), tf.constant(_random(1, 3, WIDTH))
    _decode(layer, inputs, source, [2])
    _with_random_weights(layer)

    def loss(inputs: tf.Tensor, source: tf.Tensor) -> tf.Tensor:
        return tf.reduce_mean(tf.sin(_decode(layer, inputs, source, [2]).hidden))

    analytic, numeric = tf.test.compute_gradient(loss, [inputs, source], delta=1e-2)
    for found, expected in zip(analytic, numeric, strict=True):
        np.testing.assert_allclose(found, expected, atol=2e-3)
    assert not analytic[1].reshape(3, WIDTH)[2].any(), "what is masked has no gradient"


def test_dropout_is_active_in_training_alone() -> None:
    layer = TransformerEncoderLayer(_shape(NormPlacement.PRE))
    inputs, mask = tf.constant(_random(1, 3, WIDTH)), tf.ones([1, 1, 1, 3], tf.bool)
    once, again = layer(inputs, mask=mask), layer(inputs, mask=mask)
    np.testing.assert_array_equal(once, again)
    assert np.abs(layer(inputs, mask=mask, training=True) - once).max() > 0.01


def test_sinusoidal_positions_are_the_paper_s() -> None:
    vectors = SinusoidalPositions(8)(tf.constant([0, 1, 7, 60]))
    for row, position in enumerate([0, 1, 7, 60]):
        np.testing.assert_allclose(vectors[row], sinusoid(position, 8), atol=1e-5)


def test_sinusoidal_positions_stay_exact_in_bfloat16() -> None:
    vectors = SinusoidalPositions(8, dtype="mixed_bfloat16")(tf.constant([301]))
    assert vectors.dtype == tf.bfloat16
    np.testing.assert_allclose(tf.cast(vectors[0], tf.float32), sinusoid(301, 8), atol=0.005)


def test_an_odd_width_has_no_sinusoidal_positions() -> None:
    with pytest.raises(ValueError, match="even width, not 7"):
        SinusoidalPositions(7)


def test_learned_positions_are_rows_of_a_table() -> None:
    positions = LearnedPositions(4, max_length=9)
    vectors = positions(tf.constant([2, 8]))
    np.testing.assert_array_equal(vectors, positions.table.embeddings.numpy()[[2, 8]])


@pytest.mark.parametrize("activation", Activation)
def test_the_feed_forward_network_gives_what_the_paper_gives(activation: Activation) -> None:
    layer = FeedForward(WIDTH, inner_width=INNER, activation=activation)
    inputs = _random(2, 3, WIDTH)
    layer(tf.constant(inputs))
    _with_random_weights(layer)
    (inner, inner_bias), (outer, outer_bias) = layer.inner.get_weights(), layer.outer.get_weights()
    expected = ACTIVATIONS[activation](inputs @ inner + inner_bias) @ outer + outer_bias
    np.testing.assert_allclose(layer(tf.constant(inputs)), expected, atol=1e-5)


def test_the_tied_output_multiplies_by_the_token_vectors() -> None:
    embedding = TokenEmbedding(9, width=4)
    vectors = embedding(tf.constant([[5, 3]]))
    table = embedding.table.embeddings.numpy()
    np.testing.assert_allclose(vectors[0], 2.0 * table[[5, 3]], atol=1e-6)
    features = _random(2, 3, 4)
    logits = TiedOutput(embedding)(tf.constant(features))
    np.testing.assert_allclose(logits, features @ table.T, atol=1e-5)
