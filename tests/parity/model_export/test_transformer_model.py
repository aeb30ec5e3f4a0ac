"""Equalities 2, 3, 5 and 7 for the Transformer: steps = whole, graph = eager, row = batch."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.config import EmbeddingSharing, TransformerSettings
from model_export.decoding import default_options, greedy_search, score_targets
from model_export.models import Seq2Seq, Seq2SeqOutput, build_model
from tests.support.small_transformer import MODERN, PAPER, VOCABULARY_SIZE, small_transformer

LENGTHS = [6, 3, 1, 4]
TARGET_LENGTH = 5
LAYERS, HEADS = PAPER.decoder_layers, PAPER.head_count


@pytest.fixture(params=[PAPER, MODERN], ids=["paper", "modern"], scope="module")
def model(request: pytest.FixtureRequest) -> Seq2Seq:
    return small_transformer(request.param)


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    generator = np.random.default_rng(2)
    targets = generator.integers(4, VOCABULARY_SIZE, [len(LENGTHS), TARGET_LENGTH])
    targets[:, 0] = 2
    tokens = generator.integers(4, VOCABULARY_SIZE, [len(LENGTHS), max(LENGTHS)])
    return {
        "tokens": tf.constant(tokens, tf.int32),
        "lengths": tf.constant(LENGTHS, tf.int32),
        "target_inputs": tf.constant(targets, tf.int32),
    }


@pytest.fixture(scope="module")
def output(model: Seq2Seq, inputs: dict[str, Any]) -> Seq2SeqOutput:
    return model(inputs)


def test_the_weights_of_every_layer_and_head_sum_to_one_over_real_tokens(
    output: Seq2SeqOutput,
) -> None:
    heads = output.attention_heads.numpy()
    assert heads.shape == (len(LENGTHS), LAYERS, HEADS, TARGET_LENGTH, max(LENGTHS))
    np.testing.assert_allclose(heads.sum(-1), np.ones(heads.shape[:-1]), atol=1e-5)
    for row, length in enumerate(LENGTHS):
        assert not heads[row, ..., length:].any()


def test_layers_and_heads_differ(output: Seq2SeqOutput) -> None:
    heads = output.attention_heads.numpy()[0].reshape(LAYERS * HEADS, -1)
    distances = np.abs(heads[:, np.newaxis] - heads).max(-1)
    assert distances[~np.eye(len(heads), dtype=bool)].min() > 0.01


def test_steps_give_what_the_whole_sequence_gives(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    for position in range(TARGET_LENGTH):
        step = model.decode_step(inputs["target_inputs"][:, position], state, memory)
        np.testing.assert_allclose(step.logits, output.logits[:, position], atol=1e-5)
        np.testing.assert_allclose(
            step.attention_heads, output.attention_heads[:, :, :, position], atol=1e-5
        )
        state = step.state


def test_a_state_may_be_reordered_by_rows(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    order = [3, 1, 0, 2]
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    for position in range(2):
        state = model.decode_step(inputs["target_inputs"][:, position], state, memory).state
    state, memory = tf.nest.map_structure(lambda x: tf.gather(x, order), (state, memory))
    last = tf.gather(inputs["target_inputs"][:, 2], order)
    step = model.decode_step(last, state, memory)
    np.testing.assert_allclose(step.logits, tf.gather(output.logits[:, 2], order), atol=1e-5)


def test_later_target_tokens_do_not_change_earlier_positions(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    changed = inputs["target_inputs"].numpy()
    changed[:, 3:] = 4
    other = model(inputs | {"target_inputs": tf.constant(changed)})
    np.testing.assert_allclose(other.logits[:, :3], output.logits[:, :3], atol=1e-6)
    assert np.abs(other.logits[:, 3:] - output.logits[:, 3:]).max() > 0.01


def test_a_graph_of_unknown_shapes_gives_what_eager_gives(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    signature = {
        name: tf.TensorSpec([None] * value.shape.rank, tf.int32) for name, value in inputs.items()
    }
    graph_output = tf.function(model, input_signature=[signature])(inputs)
    np.testing.assert_allclose(graph_output.logits, output.logits, atol=1e-5)
    np.testing.assert_allclose(graph_output.attention_heads, output.attention_heads, atol=1e-5)


@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_a_row_alone_is_the_same_row_in_a_batch(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput, row: int
) -> None:
    alone = model(
        {
            "tokens": inputs["tokens"][row : row + 1, : LENGTHS[row]],
            "lengths": inputs["lengths"][row : row + 1],
            "target_inputs": inputs["target_inputs"][row : row + 1],
        }
    )
    np.testing.assert_allclose(alone.logits[0], output.logits[row], atol=1e-5)
    np.testing.assert_allclose(
        alone.attention_heads[0], output.attention_heads[row, ..., : LENGTHS[row]], atol=1e-5
    )


def test_padding_with_the_first_token_changes_nothing(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    tokens = inputs["tokens"]
    padded = tf.concat([tokens, tf.repeat(tokens[:, :1], 3, axis=1)], axis=1)
    other = model(inputs | {"tokens": padded})
    np.testing.assert_allclose(other.logits, output.logits, atol=1e-5)
    assert not other.attention_heads.numpy()[..., max(LENGTHS) :].any()


def test_greedy_search_in_the_graph_is_that_of_single_rows_and_is_what_scoring_gives(
    model: Seq2Seq, inputs: dict[str, Any]
) -> None:
    @tf.function(
        input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    )
    def search(tokens: tf.Tensor, lengths: tf.Tensor) -> Any:
        options = default_options(tf.shape(tokens)[0], PAPER.max_target_tokens)
        return greedy_search(
            model, tokens, lengths=lengths, options=options, attention_layers=[0, 2]
        )

    together = search(inputs["tokens"], inputs["lengths"])
    scores = score_targets(
        model,
        inputs["tokens"],
        lengths=inputs["lengths"],
        target_tokens=together.tokens[:, 0],
        target_lengths=together.lengths[:, 0],
        attention_layers=[0, 2],
    )
    np.testing.assert_allclose(scores.token_scores, together.token_scores[:, 0], atol=1e-4)
    np.testing.assert_allclose(scores.attention, together.attention[:, 0], atol=1e-5)
    for row, length in enumerate(LENGTHS):
        alone = search(inputs["tokens"][row : row + 1, :length], tf.constant([length]))
        count = int(alone.lengths[0, 0])
        np.testing.assert_array_equal(alone.tokens[0, 0], together.tokens[row, 0, :count])
        assert count == int(together.lengths[row, 0])


def test_the_model_bears_one_token_and_no_rows(model: Seq2Seq) -> None:
    for rows in (1, 0):
        nothing = {
            "tokens": tf.fill([rows, 1], 4),
            "lengths": tf.fill([rows], 1),
            "target_inputs": tf.fill([rows, 1], 2),
        }
        assert model(nothing).logits.shape == (rows, 1, VOCABULARY_SIZE)


def test_shared_vectors_are_one_table() -> None:
    tables = [
        sum("tokens/table" in weight.path for weight in _build(sharing).weights)
        for sharing in (EmbeddingSharing.ALL, EmbeddingSharing.OUTPUT, EmbeddingSharing.NONE)
    ]
    assert tables == [1, 2, 2]
    assert len(_build(EmbeddingSharing.NONE).weights) == 2 + len(
        _build(EmbeddingSharing.OUTPUT).weights
    )


def test_different_vocabularies_cannot_share_vectors() -> None:
    with pytest.raises(ValueError, match="11 source ids and 12 target ids cannot share vectors"):
        build_model(PAPER, source_vocabulary_size=11, target_vocabulary_size=12)


def test_saved_weights_are_restored(tmp_path: Any, inputs: dict[str, Any]) -> None:
    path = tmp_path / "model.weights.h5"
    for settings in (PAPER, MODERN):
        model = small_transformer(settings)
        model.save_weights(path)
        other = build_model(
            settings,
            source_vocabulary_size=VOCABULARY_SIZE,
            target_vocabulary_size=VOCABULARY_SIZE,
        )
        other.load_weights(path)
        np.testing.assert_array_equal(other(inputs).logits, model(inputs).logits)


@pytest.fixture
def mixed_bfloat16() -> Iterator[None]:
    keras.config.set_dtype_policy("mixed_bfloat16")
    yield
    keras.config.set_dtype_policy("float32")


def test_in_mixed_bfloat16_the_numbers_are_close_and_the_weights_sum_to_one(
    mixed_bfloat16: None, inputs: dict[str, Any]
) -> None:
    wide = small_transformer(MODERN)
    narrow = build_model(
        MODERN, source_vocabulary_size=VOCABULARY_SIZE, target_vocabulary_size=VOCABULARY_SIZE
    )
    narrow.set_weights(wide.get_weights())
    output, expected = narrow(inputs), wide(inputs)
    assert output.logits.dtype == output.attention_heads.dtype == tf.float32
    np.testing.assert_allclose(
        tf.reduce_sum(output.attention_heads, axis=-1), np.ones([4, LAYERS, HEADS, 5]), atol=1e-5
    )
    np.testing.assert_allclose(output.attention_heads, expected.attention_heads, atol=0.1)
    state, memory = narrow.encode(inputs["tokens"], inputs["lengths"])
    step = narrow.decode_step(inputs["target_inputs"][:, 0], state, memory)
    np.testing.assert_allclose(step.logits, output.logits[:, 0], atol=0.2)


def _build(sharing: EmbeddingSharing) -> Seq2Seq:
    settings: TransformerSettings = PAPER.model_copy(update={"embeddings": sharing})
    return build_model(
        settings, source_vocabulary_size=VOCABULARY_SIZE, target_vocabulary_size=VOCABULARY_SIZE
    )
