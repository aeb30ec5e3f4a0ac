"""Equality 7: decoding = forced scoring."""

from __future__ import annotations

import numpy as np
import pytest

from model_export.export.graph_session import GraphSession
from tests.support.exported_model import MAX_TARGET_TOKENS, exported_models_dir, graph_session

__all__ = ["exported_models_dir", "graph_session"]

SOURCE = {
    "tokens": np.array([[5, 6, 7, 8, 9], [8, 9, 4, 8, 8], [12, 5, 5, 5, 5]], np.int32),
    "lengths": np.array([5, 3, 1], np.int32),
}
OPTIONS = {
    "max_lengths": np.array([MAX_TARGET_TOKENS, 4, 7], np.int32),
    "min_lengths": np.array([0, 4, 3], np.int32),
    "prefix_tokens": np.array([[7, 8], [9, 9], [30, 31]], np.int32),
    "prefix_lengths": np.array([0, 1, 2], np.int32),
}


@pytest.mark.parametrize("signature", ["serving_default", "greedy"])
def test_the_score_of_a_hypothesis_is_what_score_gives_for_it(
    graph_session: GraphSession, signature: str
) -> None:
    options = OPTIONS if signature == "greedy" else {}
    decoded = graph_session.run(signature, {**SOURCE, **options})
    scored = graph_session.run(
        "score",
        {
            **SOURCE,
            "target_tokens": decoded["tokens"][:, 0],
            "target_lengths": decoded["lengths"][:, 0],
        },
    )
    for name in ("token_scores", "scores", "attention"):
        assert scored[name] == pytest.approx(decoded[name][:, 0], abs=1e-4), name


def test_the_heads_average_to_the_attention(graph_session: GraphSession) -> None:
    scored = graph_session.run("score", {**SOURCE, **targets()})
    assert scored["attention_heads"].mean(axis=(1, 2)) == pytest.approx(
        scored["attention"], abs=1e-6
    )


def test_each_set_of_outputs_has_the_same_numbers(graph_session: GraphSession) -> None:
    inputs = {**SOURCE, **targets()}
    everything = graph_session.run("score", inputs)
    scores_alone = graph_session.run("score", inputs, ["token_scores", "scores"])
    assert set(scores_alone) == {"token_scores", "scores"}
    for name, array in scores_alone.items():
        assert array == pytest.approx(everything[name], abs=1e-6)


def targets() -> dict[str, np.ndarray]:
    return {
        "target_tokens": np.array([[7, 8, 3], [9, 3, 9], [3, 9, 9]], np.int32),
        "target_lengths": np.array([3, 2, 1], np.int32),
    }
