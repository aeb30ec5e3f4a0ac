"""Classifiers: the equations, the graph, and a row alone against any batch."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.config.classifier import ClassifierSettings
from model_export.models.build_classifier import AnyClassifier, build_classifier
from tests.support.numpy_reference import softmax

LABELS, VOCABULARY = 3, 12
LENGTHS = [9, 5, 1]
SENTENCES = [[0, 0, 0, 1, 1, 2, 2, 2, 2], [0, 1, 1, 1, 1, 9, 9, 9, 9], [0] * 9]
"""The sentence of each token; what stands behind a row's length is never read."""
_RNN = {"kind": "rnn", "embedding_width": 3, "width": 4}
_TRANSFORMER = {
    "kind": "transformer",
    "layers": 1,
    "width": 6,
    "feed_forward_width": 5,
    "head_count": 2,
}
_UPPER = {"max_count": 8, "max_tokens": 8, "width": 3, "attention": {"kind": "feed_forward"}}
SETTINGS: dict[str, dict[str, Any]] = {
    "rnn, context vector": {"encoder": _RNN, "attention": {"kind": "context_vector", "units": 5}},
    "lstm, two layers, local-p*": {
        "encoder": {**_RNN, "cell": "lstm", "layers": 2},
        "attention": {"kind": "local_p_star", "units": 5, "kept_positions": 2},
        "hidden_width": 5,
    },
    "transformer, hops": {
        "encoder": _TRANSFORMER,
        "attention": {"kind": "structured", "units": 5, "hop_count": 3},
    },
    "hierarchical rnn": {
        "encoder": _RNN,
        "attention": {"kind": "feed_forward"},
        "sentences": _UPPER,
    },
    "hierarchical transformer, hops": {
        "encoder": _TRANSFORMER,
        "attention": {"kind": "structured", "units": 5, "hop_count": 2},
        "sentences": {**_UPPER, "cell": "lstm"},
    },
}
each_model = pytest.mark.parametrize("name", list(SETTINGS))


@functools.cache
def model_of(name: str) -> AnyClassifier:
    settings = ClassifierSettings.model_validate({**SETTINGS[name], "dropout": 0.5})
    model = build_classifier(settings, vocabulary_size=VOCABULARY, label_count=LABELS)
    generator = np.random.default_rng(4)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(scale=0.7, size=weight.shape))
    return model


def inputs_of(rows: list[int] | None = None, *, columns: int = 9) -> dict[str, tf.Tensor]:
    """Rows of the batch, padded with real ids that must not be read."""
    tokens = np.random.default_rng(2).integers(1, VOCABULARY, [3, 9])
    chosen = [0, 1, 2] if rows is None else rows
    wide = np.full([len(chosen), columns], 7)
    ids = np.full([len(chosen), columns], 3)
    for place, row in enumerate(chosen):
        width = min(9, columns)
        wide[place, :width] = tokens[row, :width]
        ids[place, :width] = SENTENCES[row][:width]
    return {
        "tokens": tf.constant(wide, tf.int32),
        "lengths": tf.constant([LENGTHS[row] for row in chosen], tf.int32),
        "sentence_ids": tf.constant(ids, tf.int32),
    }


@each_model
def test_weights_sum_to_1_over_real_tokens_and_are_0_elsewhere(name: str) -> None:
    output = model_of(name)(inputs_of())
    for row, length in enumerate(LENGTHS):
        heads = output.attention_heads.numpy()[row]
        np.testing.assert_allclose(heads[:, :length].sum(axis=-1), 1.0, atol=1e-6)
        assert not heads[:, length:].any()
        np.testing.assert_allclose(output.attention[row], heads.mean(axis=0), atol=1e-7)
        if output.sentence_attention is not None:
            count = SENTENCES[row][length - 1] + 1
            weights = output.sentence_attention.numpy()[row]
            assert weights[:count].sum() == pytest.approx(1.0, abs=1e-6)
            assert not weights[count:].any()
            for sentence in range(count):
                places = [s for s in range(length) if SENTENCES[row][s] == sentence]
                np.testing.assert_allclose(
                    heads[:, places].sum(axis=-1), weights[sentence], atol=1e-6
                )


@each_model
def test_a_row_alone_is_the_row_in_any_padded_batch_in_any_order(name: str) -> None:
    model = model_of(name)
    together = model(inputs_of())
    turned = model(inputs_of([2, 0, 1], columns=14))
    for place, row in enumerate([2, 0, 1]):
        length = LENGTHS[row]
        alone = model(inputs_of([row], columns=length))
        for other in (alone.logits[0], turned.logits[place]):
            np.testing.assert_allclose(other, together.logits[row], atol=1e-5)
        for heads in (alone.attention_heads[0], turned.attention_heads[place, :, :length]):
            expected = together.attention_heads[row, :, :length]
            np.testing.assert_allclose(heads, expected, atol=1e-6)


@each_model
def test_the_graph_gives_what_eager_gives(name: str) -> None:
    model = model_of(name)
    matrix = tf.TensorSpec([None, None], tf.int32)
    signature = {"tokens": matrix, "lengths": tf.TensorSpec([None], tf.int32)}
    signature["sentence_ids"] = matrix
    graph = tf.function(lambda inputs: model(inputs)[:2], input_signature=[signature])
    eager = model(inputs_of())
    logits, heads = graph(inputs_of())
    np.testing.assert_allclose(logits, eager.logits, atol=1e-5)
    np.testing.assert_allclose(heads, eager.attention_heads, atol=1e-6)
    assert graph(inputs_of([]))[0].shape == (0, LABELS)


@each_model
def test_gradients_reach_every_weight(name: str) -> None:
    model = model_of(name)
    with tf.GradientTape() as tape:
        output = model(inputs_of())
        loss = tf.reduce_sum(output.logits**2) + tf.reduce_sum(output.redundancy)
    gradients = tape.gradient(loss, model.trainable_variables)
    for weight, gradient in zip(model.trainable_variables, gradients, strict=True):
        dense = tf.convert_to_tensor(gradient).numpy()
        assert np.isfinite(dense).all()
        # Softmax knows no constant, so that of the key's bias in self-attention does nothing.
        assert dense.any() or "key_projection/bias" in weight.path, weight.path


def test_a_hierarchical_model_is_words_to_sentences_to_text() -> None:
    """Yang et al. 2016, figure 2, put together in NumPy from the model's own parts."""
    model = model_of("hierarchical rnn")
    inputs = inputs_of()
    found = model(inputs)
    for row, length in enumerate(LENGTHS):
        ids = SENTENCES[row][:length]
        vectors, word_weights = [], []
        for sentence in range(ids[-1] + 1):
            words = [t for t, place in zip(inputs["tokens"].numpy()[row], ids, strict=False)]
            words = [int(t) for t, place in zip(words, ids, strict=True) if place == sentence]
            mask = tf.ones([1, len(words)], tf.bool)
            states = model.encoder(tf.constant([words]), mask=mask).values[0].numpy()
            kernel, bias = model.pooling.score.get_weights()
            weights = softmax(np.tanh(states @ kernel[:, 0] + bias[0]))
            vectors.append(weights @ states)
            word_weights.append(weights)
        stacked = tf.constant(np.array(vectors, np.float32)[np.newaxis])
        mask = tf.ones([1, len(vectors)], tf.bool)
        states = model.sentence_encoder(stacked, mask=mask)[0].numpy()
        kernel, bias = model.sentence_pooling.score.get_weights()
        weights = softmax(np.tanh(states @ kernel[:, 0] + bias[0]))
        kernel, bias = model.labels.projection.get_weights()
        np.testing.assert_allclose(found.logits[row], weights @ states @ kernel + bias, atol=1e-5)
        expected = np.concatenate([w * s for w, s in zip(word_weights, weights, strict=True)])
        np.testing.assert_allclose(found.attention[row, :length], expected, atol=1e-6)
