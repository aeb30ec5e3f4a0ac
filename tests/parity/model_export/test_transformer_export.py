"""Equalities 4, 5 and 7 for an exported Transformer, which `heed verify` has found to be right."""

from __future__ import annotations

import numpy as np
import pytest

from heed.contract import Contract, Signature
from model_export.export.graph_session import GraphSession
from model_export.export.reference_cases import training_side_outputs
from tests.support.exported_model import MAX_SOURCE_TOKENS, MAX_TARGET_TOKENS
from tests.support.exported_transformer import (
    AVERAGED_LAYERS,
    HEAD_COUNT,
    LAYER_COUNT,
    random_transformer,
    transformer_models_dir,
    transformer_session,
)

__all__ = ["transformer_models_dir", "transformer_session"]

ROWS = 4
LENGTHS = np.array([9, 1, MAX_SOURCE_TOKENS, 4], np.int32)
TARGET_LENGTHS = np.array([MAX_TARGET_TOKENS, 3, 1, 6], np.int32)


def _source() -> dict[str, np.ndarray]:
    random = np.random.default_rng(4)
    tokens = random.integers(4, 30, (ROWS, MAX_SOURCE_TOKENS)).astype(np.int32)
    return {"tokens": tokens, "lengths": LENGTHS}


def _scored() -> dict[str, np.ndarray]:
    targets = np.random.default_rng(6).integers(4, 40, (ROWS, MAX_TARGET_TOKENS))
    return {
        **_source(),
        "target_tokens": targets.astype(np.int32),
        "target_lengths": TARGET_LENGTHS,
    }


def test_the_contract_names_every_layer_and_what_is_averaged(
    transformer_session: GraphSession,
) -> None:
    answer = transformer_session.run("contract", {"request": np.zeros([1], np.int32)})
    contract = Contract.from_json(answer["contract"][0])
    assert [(a.kind, a.layer_index, a.head_count, a.normalized) for a in contract.attention] == [
        ("multi_head", index, HEAD_COUNT, True) for index in range(LAYER_COUNT)
    ]
    assert list(contract.attention_average.layer_indices) == AVERAGED_LAYERS
    assert contract.attention_average.description == "all 2 heads of decoder layers 0, 2"


def test_scoring_gives_the_heads_of_every_decoder_layer(transformer_session: GraphSession) -> None:
    inputs = _scored()
    found = transformer_session.run("score", inputs)
    expected = training_side_outputs(random_transformer(), Signature.SCORE, inputs)
    heads = found["attention_heads"]
    assert heads.shape == (ROWS, LAYER_COUNT, HEAD_COUNT, MAX_TARGET_TOKENS, MAX_SOURCE_TOKENS)
    for name, array in expected.items():
        np.testing.assert_allclose(found[name], array, atol=1e-4, err_msg=name)
    for row in range(ROWS):
        real = heads[row, :, :, : TARGET_LENGTHS[row]]
        np.testing.assert_allclose(real.sum(-1), np.ones(real.shape[:-1]), atol=1e-5)
        assert not real[..., LENGTHS[row] :].any()
        assert not heads[row, :, :, TARGET_LENGTHS[row] :].any()
    np.testing.assert_allclose(
        found["attention"], heads[:, AVERAGED_LAYERS].mean(axis=(1, 2)), atol=1e-6
    )


def test_greedy_search_is_what_scoring_gives(transformer_session: GraphSession) -> None:
    decoded = transformer_session.run("serving_default", _source())
    scored = transformer_session.run(
        "score",
        {
            **_source(),
            "target_tokens": decoded["tokens"][:, 0],
            "target_lengths": decoded["lengths"][:, 0],
        },
    )
    for name in ("token_scores", "scores", "attention"):
        np.testing.assert_allclose(scored[name], decoded[name][:, 0], atol=1e-4, err_msg=name)


@pytest.mark.parametrize("row", range(ROWS))
def test_a_row_alone_is_the_same_row_in_a_batch(
    transformer_session: GraphSession, row: int
) -> None:
    together = transformer_session.run("serving_default", _source())
    length = int(LENGTHS[row])
    alone = transformer_session.run(
        "serving_default",
        {"tokens": _source()["tokens"][row : row + 1, :length], "lengths": LENGTHS[row : row + 1]},
    )
    count = int(alone["lengths"][0, 0])
    assert count == together["lengths"][row, 0]
    np.testing.assert_array_equal(alone["tokens"][0, 0], together["tokens"][row, 0, :count])
    np.testing.assert_allclose(
        alone["attention"][0, 0], together["attention"][row, 0, :count, :length], atol=1e-5
    )


def test_every_hypothesis_of_a_beam_has_the_score_that_scoring_gives(
    transformer_session: GraphSession,
) -> None:
    beam_width = 3
    decoded = transformer_session.run("beam", {**_source(), **_beam_options(beam_width)})
    assert decoded["tokens"].shape[:2] == (ROWS, beam_width)
    for rank in range(beam_width):
        scored = transformer_session.run(
            "score",
            {
                **_source(),
                "target_tokens": decoded["tokens"][:, rank],
                "target_lengths": decoded["lengths"][:, rank],
            },
        )
        for name in ("token_scores", "scores", "attention"):
            np.testing.assert_allclose(
                scored[name], decoded[name][:, rank], atol=1e-4, err_msg=name
            )


def _beam_options(beam_width: int) -> dict[str, np.ndarray]:
    whole = {
        "max_lengths": MAX_TARGET_TOKENS,
        "min_lengths": 0,
        "prefix_lengths": 0,
        "beam_width": beam_width,
        "no_repeat_ngram": 0,
    }
    options = {name: np.full([ROWS], value, np.int32) for name, value in whole.items()}
    return options | {
        "prefix_tokens": np.zeros([ROWS, 0], np.int32),
        "length_penalty": np.ones([ROWS], np.float32),
        "coverage_penalty": np.zeros([ROWS], np.float32),
    }
