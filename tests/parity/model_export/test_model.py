"""Equalities 2, 3 and 5 for the whole model: steps = whole, graph = eager, padding and order."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.models import Seq2SeqOutput
from tests.support.small_model import random_inputs, small_model

LENGTHS = [6, 3, 1, 4]
TARGET_LENGTH = 5


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    return random_inputs(LENGTHS, TARGET_LENGTH)


@pytest.fixture(scope="module")
def output(inputs: dict[str, Any]) -> Seq2SeqOutput:
    return small_model()(inputs)


def test_steps_give_what_the_whole_sequence_gives(
    inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    model = small_model()
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    for position in range(TARGET_LENGTH):
        step = model.decode_step(inputs["target_inputs"][:, position], state, memory)
        np.testing.assert_allclose(step.logits, output.logits[:, position], atol=1e-5)
        np.testing.assert_allclose(
            step.attention_heads, output.attention_heads[:, :, :, position], atol=1e-6
        )
        state = step.state


@pytest.mark.parametrize("jit_compile", [False, True], ids=["graph", "xla"])
def test_the_graph_gives_what_eager_gives(
    inputs: dict[str, Any], output: Seq2SeqOutput, jit_compile: bool
) -> None:
    model = small_model()
    graph_output = tf.function(model, jit_compile=jit_compile)(inputs)
    np.testing.assert_allclose(graph_output.logits, output.logits, atol=1e-5)
    np.testing.assert_allclose(graph_output.attention_heads, output.attention_heads, atol=1e-6)


def test_a_graph_of_unknown_shapes_gives_what_eager_gives(
    inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    model = small_model()
    signature = {
        name: tf.TensorSpec([None] * value.shape.rank, tf.int32) for name, value in inputs.items()
    }
    graph_output = tf.function(model, input_signature=[signature])(inputs)
    np.testing.assert_allclose(graph_output.logits, output.logits, atol=1e-5)
    np.testing.assert_allclose(graph_output.attention_heads, output.attention_heads, atol=1e-6)


@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_a_row_alone_is_the_same_row_in_a_batch(
    inputs: dict[str, Any], output: Seq2SeqOutput, row: int
) -> None:
    length = LENGTHS[row]
    alone = small_model()(
        {
            "tokens": inputs["tokens"][row : row + 1, :length],
            "lengths": inputs["lengths"][row : row + 1],
            "target_inputs": inputs["target_inputs"][row : row + 1],
        }
    )
    np.testing.assert_allclose(alone.logits[0], output.logits[row], atol=1e-5)
    np.testing.assert_allclose(
        alone.attention_heads[0], output.attention_heads[row, ..., :length], atol=1e-6
    )


def test_the_order_of_rows_changes_nothing(inputs: dict[str, Any], output: Seq2SeqOutput) -> None:
    order = [2, 0, 3, 1]
    shuffled = small_model()({name: tf.gather(value, order) for name, value in inputs.items()})
    np.testing.assert_allclose(shuffled.logits, tf.gather(output.logits, order), atol=1e-5)


def test_padding_with_the_first_token_changes_nothing(
    inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    tokens = inputs["tokens"]
    filler = tf.repeat(tokens[:, :1], 3, axis=1)
    padded = small_model()(inputs | {"tokens": tf.concat([tokens, filler], axis=1)})
    np.testing.assert_allclose(padded.logits, output.logits, atol=1e-5)
    assert not padded.attention_heads.numpy()[..., 6:].any()


def test_later_target_tokens_do_not_change_earlier_positions(
    inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    changed = inputs["target_inputs"].numpy()
    changed[:, 3:] = 4
    other = small_model()(inputs | {"target_inputs": tf.constant(changed)})
    np.testing.assert_allclose(other.logits[:, :3], output.logits[:, :3], atol=1e-6)


def test_the_model_bears_one_token_and_no_rows() -> None:
    model = small_model()
    assert model(random_inputs([1], 1)).logits.shape == (1, 1, 9)
    empty = {
        "tokens": tf.zeros([0, 2], tf.int32),
        "lengths": tf.zeros([0], tf.int32),
        "target_inputs": tf.zeros([0, 3], tf.int32),
    }
    assert model(empty).logits.shape == (0, 3, 9)
