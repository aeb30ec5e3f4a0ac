"""Equalities 2, 3 and 5 for every recurrent model: steps = whole, graph = eager, padding."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import AttentionKind, RnnSettings
from model_export.models import Seq2Seq, Seq2SeqOutput
from tests.support.small_model import random_inputs, small_model

LENGTHS = [6, 3, 1]
WIDTHS = {"embedding_width": 3, "encoder_width": 4, "decoder_width": 8, "readout_width": 7}
LSTM = {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2}
LOCAL_P = {"kind": "luong_local_p", "half_width": 2}
VARIANTS: dict[str, dict[str, Any]] = {
    **{str(kind): {"attention": str(kind)} for kind in AttentionKind},
    "bahdanau, lstm, 2 layers": LSTM,
    "luong_general, lstm, 2 layers": {**LSTM, "attention": "luong_general"},
    "bahdanau, counting": {"attention": {"kind": "bahdanau", "coverage": "count"}},
    "bahdanau after the recurrence, coverage vector": {
        "attention": {"kind": "bahdanau", "coverage": "vector"},
        "decoder": "luong",
    },
    "luong_dot, forwards alone": {
        "attention": "luong_dot",
        "bidirectional": False,
        "decoder_width": 4,
        "input_feeding": False,
    },
    "luong_local_p before the recurrence": {"attention": LOCAL_P, "decoder": "bahdanau"},
    "bahdanau after the recurrence": {"decoder": "luong", "encoder_layers": 2},
}


@pytest.fixture(scope="module", params=list(VARIANTS))
def model(request: pytest.FixtureRequest) -> Seq2Seq:
    values = {**WIDTHS, "max_source_tokens": 6, **VARIANTS[request.param]}
    return small_model(RnnSettings.model_validate(values))


@pytest.fixture(scope="module")
def inputs() -> dict[str, Any]:
    return random_inputs(LENGTHS, 4)


@pytest.fixture(scope="module")
def output(model: Seq2Seq, inputs: dict[str, Any]) -> Seq2SeqOutput:
    return model(inputs)


def test_steps_give_what_the_whole_sequence_gives(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    state, memory = model.encode(inputs["tokens"], inputs["lengths"])
    for position in range(4):
        step = model.decode_step(inputs["target_inputs"][:, position], state, memory)
        np.testing.assert_allclose(step.logits, output.logits[:, position], atol=1e-5)
        heads = output.attention_heads[:, :, :, position]
        np.testing.assert_allclose(step.attention_heads, heads, atol=1e-6)
        state = step.state


def test_a_graph_of_unknown_shapes_gives_what_eager_gives(
    model: Seq2Seq, inputs: dict[str, Any], output: Seq2SeqOutput
) -> None:
    signature = {
        name: tf.TensorSpec([None] * value.shape.rank, tf.int32) for name, value in inputs.items()
    }
    graph_output = tf.function(model, input_signature=[signature])(inputs)
    np.testing.assert_allclose(graph_output.logits, output.logits, atol=1e-5)
    np.testing.assert_allclose(graph_output.attention_heads, output.attention_heads, atol=1e-6)


@pytest.mark.parametrize("row", range(len(LENGTHS)))
def test_a_row_alone_is_the_same_row_in_a_wider_batch(
    model: Seq2Seq, inputs: dict[str, Any], row: int
) -> None:
    filler = tf.repeat(inputs["tokens"][:, :1], 3, axis=1)
    batch = model(inputs | {"tokens": tf.concat([inputs["tokens"], filler], axis=1)})
    alone = model(
        {
            "tokens": inputs["tokens"][row : row + 1, : LENGTHS[row]],
            "lengths": inputs["lengths"][row : row + 1],
            "target_inputs": inputs["target_inputs"][row : row + 1],
        }
    )
    np.testing.assert_allclose(alone.logits[0], batch.logits[row], atol=1e-5)
    heads = batch.attention_heads[row, ..., : LENGTHS[row]]
    np.testing.assert_allclose(alone.attention_heads[0], heads, atol=1e-6)
    assert not batch.attention_heads.numpy()[row, ..., LENGTHS[row] :].any()


def test_states_and_memory_have_the_rows_as_dimension_0(
    model: Seq2Seq, inputs: dict[str, Any]
) -> None:
    tensors = tf.nest.flatten(model.encode(inputs["tokens"], inputs["lengths"]))
    assert {tensor.shape[0] for tensor in tensors} == {len(LENGTHS)}
