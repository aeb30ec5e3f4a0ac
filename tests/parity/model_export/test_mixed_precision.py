"""A model that computes in bfloat16 gives nearly what it gives in float32, and learns."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.config import (
    RnnSettings,
    TrainingPrecision,
    TrainingSettings,
    TransformerSettings,
)
from model_export.decoding import default_options, greedy_search
from model_export.models import build_model
from model_export.models.precision import computing_in
from model_export.training.steps import training_step
from tests.support.small_model import (
    SOURCE_VOCABULARY_SIZE,
    TARGET_VOCABULARY_SIZE,
    random_inputs,
)

WIDTHS = {"embedding_width": 4, "encoder_width": 4, "decoder_width": 8, "readout_width": 6}
SETTINGS: dict[str, Any] = {
    # Mechanisms themselves are compared in test_attention_mechanisms.py.
    **{kind: RnnSettings(**WIDTHS, attention=kind) for kind in ("luong_local_p", "xu_hard")},
    "coverage": RnnSettings(
        **WIDTHS, cell="lstm", attention={"kind": "bahdanau", "coverage": "vector"}
    ),
    "transformer": TransformerSettings(
        encoder_layers=1, decoder_layers=2, width=8, feed_forward_width=8, head_count=2
    ),
}


def _model(name: str, precision: TrainingPrecision) -> Any:
    with computing_in(precision):
        return build_model(
            SETTINGS[name],
            source_vocabulary_size=SOURCE_VOCABULARY_SIZE,
            target_vocabulary_size=TARGET_VOCABULARY_SIZE,
        )


@pytest.mark.parametrize("name", list(SETTINGS))
def test_it_gives_nearly_what_float32_gives(name: str) -> None:
    inputs = random_inputs([5, 3, 1], 4)
    exact = _model(name, TrainingPrecision.FLOAT32)
    mixed = _model(name, TrainingPrecision.MIXED_BFLOAT16)
    assert keras.config.dtype_policy().name == "float32"
    assert {weight.dtype for weight in mixed.trainable_variables} == {"float32"}
    for one, other in zip(exact.variables, mixed.variables, strict=True):
        assert np.array_equal(one, other)
    expected, found = exact(inputs), mixed(inputs)
    assert found.logits.dtype == found.attention_heads.dtype == tf.float32
    np.testing.assert_allclose(found.logits, expected.logits, atol=0.06)
    if name != "xu_hard":  # where two places are nearly as likely, rounding decides
        np.testing.assert_allclose(found.attention_heads, expected.attention_heads, atol=0.03)
    options = default_options(tf.constant(3), 3)
    source = {"lengths": inputs["lengths"], "options": options, "attention_layers": [0]}
    hypotheses = greedy_search(mixed, inputs["tokens"], **source)
    assert hypotheses.scores.dtype == tf.float32


@pytest.mark.parametrize("name", ["coverage", "transformer"])
def test_it_learns_as_well_as_float32(name: str) -> None:
    batch = random_inputs([5, 3, 1], 4) | {"target_lengths": tf.constant([4, 4, 2])}
    batch["targets"] = tf.concat([batch["target_inputs"][:, 1:], tf.fill([3, 1], 3)], axis=1)
    losses = {}
    for precision in TrainingPrecision:
        settings = TrainingSettings(precision=precision, jit_compile=False)
        step = training_step(_model(name, precision), keras.optimizers.Adam(0.02), settings)
        losses[precision] = [float(step(batch)[0]) for _ in range(12)]
    exact, mixed = losses[TrainingPrecision.FLOAT32], losses[TrainingPrecision.MIXED_BFLOAT16]
    assert mixed[0] == pytest.approx(exact[0], rel=0.1)
    assert exact[-1] < 0.8 * exact[0]
    assert mixed[-1] < 0.8 * mixed[0]
