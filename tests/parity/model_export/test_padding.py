"""Equality 5: a row alone = the same row in any padded batch, in any order."""

from __future__ import annotations

import numpy as np
import pytest

from heed.contract import Signature
from model_export.export.batching import merged, row_of
from model_export.export.comparison import trimmed_row
from model_export.export.graph_session import GraphSession
from tests.support.exported_model import exported_models_dir, graph_session

__all__ = ["exported_models_dir", "graph_session"]

ROWS = 6
REQUEST = {
    "tokens": np.random.default_rng(3).integers(4, 30, (ROWS, 20)).astype(np.int32),
    "lengths": np.array([20, 1, 7, 13, 2, 5], np.int32),
}
OPTIONS = {
    "max_lengths": np.array([12, 12, 1, 5, 12, 9], np.int32),
    "min_lengths": np.array([0, 3, 1, 5, 0, 2], np.int32),
    "prefix_tokens": np.random.default_rng(4).integers(4, 40, (ROWS, 3)).astype(np.int32),
    "prefix_lengths": np.array([0, 3, 1, 2, 0, 1], np.int32),
}
BEAM = {
    "beam_width": np.array([3, 1, 4, 2, 3, 5], np.int32),
    "length_penalty": np.array([0, 1, 0.6, 0, 2, 0], np.float32),
    "coverage_penalty": np.array([0, 0.2, 0, 0.5, 0, 0], np.float32),
    "no_repeat_ngram": np.array([0, 1, 0, 2, 3, 0], np.int32),
}
SAMPLING = {
    "temperature": np.array([1, 0.5, 2, 1, 1, 0.8], np.float32),
    "top_k": np.array([0, 4, 0, 0, 2, 0], np.int32),
    "top_p": np.array([1, 1, 0.8, 1, 0.5, 0.9], np.float32),
    "seed": np.array([1, 2, 3, -4, 5, 0], np.int32),
}
TARGETS = {
    "target_tokens": np.random.default_rng(5).integers(4, 40, (ROWS, 11)).astype(np.int32),
    "target_lengths": np.array([3, 11, 1, 7, 2, 5], np.int32),
}
INPUTS = {
    Signature.SERVING_DEFAULT: REQUEST,
    Signature.GREEDY: {**REQUEST, **OPTIONS},
    Signature.BEAM: {**REQUEST, **OPTIONS, **BEAM},
    Signature.SAMPLE: {**REQUEST, **OPTIONS, **SAMPLING},
    Signature.SCORE: {**REQUEST, **TARGETS},
}


@pytest.mark.parametrize("signature", list(INPUTS))
@pytest.mark.parametrize("widen", [0, 9])
@pytest.mark.parametrize("order", [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [2, 0, 5, 1, 4, 3]])
def test_a_row_alone_answers_as_in_a_batch_padded_as_tensorflow_serving_pads(
    graph_session: GraphSession, signature: Signature, widen: int, order: list[int]
) -> None:
    alone = [row_of(INPUTS[signature], row) for row in order]
    batch = merged(alone, widen=widen)
    in_batch = graph_session.run(signature, batch)
    for place, inputs in enumerate(alone):
        outputs = graph_session.run(signature, inputs)
        expected = trimmed_row(signature, inputs, outputs, 0)
        found = trimmed_row(signature, batch, in_batch, place)
        assert found.keys() == expected.keys()
        for name, array in expected.items():
            assert found[name] == pytest.approx(array, abs=1e-4), name


def test_copies_of_a_row_that_fill_a_batch_change_nothing(graph_session: GraphSession) -> None:
    """TensorFlow Serving rounds batches up with copies of a row."""
    inputs = INPUTS[Signature.GREEDY]
    filled = {name: np.concatenate([array, array[[0, 0]]]) for name, array in inputs.items()}
    expected = graph_session.run("greedy", inputs)
    found = graph_session.run("greedy", filled)
    for name, array in expected.items():
        assert found[name][:ROWS] == pytest.approx(array, abs=1e-4), name


@pytest.mark.parametrize("signature", list(INPUTS))
def test_attention_is_exactly_0_behind_the_source(
    graph_session: GraphSession, signature: Signature
) -> None:
    attention = graph_session.run(signature, INPUTS[signature])["attention"]
    for row, length in enumerate(REQUEST["lengths"]):
        assert np.all(attention[row, ..., length:] == 0)
