"""Inputs that no well-meaning caller sends, given to the exported graph as a server would."""

from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from model_export.export.graph_session import GraphSession
from model_export.export.signature_table import signature_table
from tests.support.exported_model import (
    MAX_SOURCE_TOKENS,
    MAX_TARGET_TOKENS,
    exported_models_dir,
    graph_session,
)

__all__ = ["exported_models_dir", "graph_session"]

SOURCE = {"tokens": [[5, 6, 7], [8, 9, 9]], "lengths": [3, 2]}
OPTIONS = {
    "max_lengths": [5, 5],
    "min_lengths": [0, 0],
    "prefix_tokens": [[4, 5], [4, 5]],
    "prefix_lengths": [0, 2],
}
BEAM = {
    "beam_width": [2, 2],
    "length_penalty": [0.0, 0.6],
    "coverage_penalty": [0.2, 0.0],
    "no_repeat_ngram": [0, 2],
}
SAMPLING = {"temperature": [1.0, 0.5], "top_k": [0, 3], "top_p": [1.0, 0.9], "seed": [1, -1]}
TARGET = {"target_tokens": [[4, 5, 3], [6, 3, 3]], "target_lengths": [3, 2]}
GOOD: dict[str, dict[str, Any]] = {
    "serving_default": SOURCE,
    "greedy": {**SOURCE, **OPTIONS},
    "beam": {**SOURCE, **OPTIONS, **BEAM},
    "sample": {**SOURCE, **OPTIONS, **SAMPLING},
    "score": {**SOURCE, **TARGET},
    "contract": {"request": [0, 0]},
}
TABLE = signature_table(layer_count=1, head_count=1)


def request(signature: str, **changes: Any) -> dict[str, np.ndarray]:
    rules = TABLE[signature].inputs  # type: ignore[index]
    return {
        name: np.array(value, rules[name].dtype)
        for name, value in {**GOOD[signature], **changes}.items()
    }


HOSTILE: list[tuple[str, dict[str, Any], str]] = [
    ("greedy", {"tokens": [[5, 6, 999], [8, 9, 9]]}, "tokens: ids must be 0 to"),
    ("greedy", {"tokens": [[5, -1, 7], [8, 9, 9]]}, "tokens: ids must be 0 to"),
    ("greedy", {"lengths": [3, 0]}, "lengths: must be 1 to the columns of tokens"),
    ("greedy", {"lengths": [3, -(2**31)]}, "lengths: must be 1 to the columns of tokens"),
    ("greedy", {"lengths": [4, 1]}, "lengths: must be 1 to the columns of tokens"),
    ("greedy", {"tokens": np.zeros([2, 0])}, "lengths: must be 1 to the columns of tokens"),
    (
        "greedy",
        {"tokens": np.full([2, 30], 5), "lengths": [MAX_SOURCE_TOKENS + 1, 1]},
        f"at most {MAX_SOURCE_TOKENS}",
    ),
    (
        "serving_default",
        {"tokens": np.full([2, 2 * MAX_SOURCE_TOKENS + 1], 5)},
        f"tokens: must have at most {2 * MAX_SOURCE_TOKENS} columns; found] [49]",
    ),
    (
        "score",
        {"target_tokens": np.full([2, 2 * MAX_TARGET_TOKENS + 1], 5)},
        f"target_tokens: must have at most {2 * MAX_TARGET_TOKENS} columns; found] [25]",
    ),
    ("greedy", {"max_lengths": [0, 5]}, f"max_lengths: must be 1 to {MAX_TARGET_TOKENS}"),
    ("greedy", {"max_lengths": [MAX_TARGET_TOKENS + 1, 5]}, "max_lengths: must be 1 to"),
    ("greedy", {"max_lengths": [2**31 - 1, 5]}, "max_lengths: must be 1 to"),
    ("greedy", {"min_lengths": [-1, 0]}, "min_lengths: must be 0 to"),
    ("greedy", {"min_lengths": [6, 0]}, "min_lengths: must be 0 to"),
    ("greedy", {"prefix_lengths": [0, 3]}, "prefix_lengths: must be 0 to"),
    ("greedy", {"prefix_lengths": [0, -1]}, "prefix_lengths: must be 0 to"),
    ("greedy", {"max_lengths": [5, 1]}, "prefix_lengths: must be 0 to"),
    ("greedy", {"prefix_tokens": [[4, 5], [4, 500]]}, "prefix_tokens: ids must be 0 to"),
    (
        "greedy",
        {"prefix_tokens": np.full([2, 2 * MAX_TARGET_TOKENS + 1], 5)},
        f"prefix_tokens: must have at most {2 * MAX_TARGET_TOKENS} columns; found] [25]",
    ),
    ("greedy", {"prefix_tokens": [[4, 5], [-1, 5]]}, "prefix_tokens: ids must be 0 to"),
    ("greedy", {"prefix_tokens": [[4, 5], [3, 5]]}, "pad, begin, end"),
    ("score", {"target_tokens": [[4, 5, 77], [6, 3, 3]]}, "target_tokens: ids must be 0 to"),
    ("score", {"target_lengths": [3, 0]}, "target_lengths: must be 1 to"),
    ("score", {"target_lengths": [4, 1]}, "target_lengths: must be 1 to"),
    ("contract", {"request": np.zeros([1025])}, "request: must have at most 1024 rows"),
    ("beam", {"beam_width": [0, 0]}, "beam_width: must be 1 to 32; found] [0] [to] [0]"),
    ("beam", {"beam_width": [33, 33]}, "beam_width: must be 1 to 32"),
    ("beam", {"beam_width": [2**31 - 1] * 2}, "beam_width: must be 1 to 32"),
    ("beam", {"beam_width": [2, 33]}, "beam_width: must be 1 to 32; found] [2] [to] [33]"),
    ("beam", {"length_penalty": [-0.1, 0]}, "length_penalty: must be 0 to 10"),
    ("beam", {"length_penalty": [np.nan, 0]}, "length_penalty: must be 0 to 10"),
    ("beam", {"coverage_penalty": [0, np.inf]}, "coverage_penalty: must be 0 to 10"),
    ("beam", {"no_repeat_ngram": [-1, 0]}, "no_repeat_ngram: must be 0 to"),
    ("beam", {"no_repeat_ngram": [0, MAX_TARGET_TOKENS + 1]}, "no_repeat_ngram: must be 0 to"),
    ("beam", {"max_lengths": [0, 5]}, "max_lengths: must be 1 to"),
    ("beam", {"prefix_tokens": [[4, 5], [4, 500]]}, "prefix_tokens: ids must be 0 to"),
    ("beam", {"beam_width": [2]}, "beam_width: must have as many rows as tokens"),
    ("sample", {"temperature": [0, 1]}, "temperature: must be 0.01 to 100"),
    ("sample", {"temperature": [-1, 1]}, "temperature: must be 0.01 to 100"),
    ("sample", {"temperature": [np.nan, 1]}, "temperature: must be 0.01 to 100"),
    ("sample", {"top_k": [-1, 0]}, "top_k: must be 0 to"),
    ("sample", {"top_k": [10**6, 0]}, "top_k: must be 0 to"),
    ("sample", {"top_p": [0, 1]}, "top_p: must be above 0 and at most 1"),
    ("sample", {"top_p": [1.5, 1]}, "top_p: must be above 0 and at most 1"),
    ("sample", {"top_p": [np.nan, 1]}, "top_p: must be above 0 and at most 1"),
    ("sample", {"min_lengths": [6, 0]}, "min_lengths: must be 0 to"),
    ("sample", {"tokens": [[5, 6, 999], [8, 9, 9]]}, "tokens: ids must be 0 to"),
    ("sample", {"seed": [[1], [2]]}, "sample_seed"),
    # Other rows than the first input's, which would broadcast if nobody looked.
    ("serving_default", {"lengths": [3]}, "lengths: must have as many rows as tokens"),
    ("greedy", {"max_lengths": [5]}, "max_lengths: must have as many rows as tokens"),
    ("score", {"target_tokens": [[4, 5, 3]]}, "target_tokens: must have as many rows"),
    # Other ranks, which a server does not compare with the signature.
    ("serving_default", {"tokens": 5, "lengths": 1}, "Shape of tensor"),
    ("serving_default", {"tokens": [5, 6]}, "serving_default_tokens"),
    ("serving_default", {"tokens": [[[5, 6]]], "lengths": [1]}, "serving_default_tokens"),
    ("greedy", {"max_lengths": [[5], [5]]}, "greedy_max_lengths"),
    ("score", {"target_lengths": 3}, "score_target_lengths"),
    ("contract", {"request": 0}, "contract_request"),
]


@pytest.mark.parametrize(("signature", "changes", "message"), HOSTILE)
def test_a_wrong_input_is_refused_by_name_whatever_outputs_are_fetched(
    graph_session: GraphSession, signature: str, changes: dict[str, Any], message: str
) -> None:
    inputs = request(signature, **changes)
    outputs = TABLE[signature].outputs  # type: ignore[index]
    for fetched in ([], *([name] for name in outputs), *TABLE[signature].output_sets):  # type: ignore[index]
        with pytest.raises(tf.errors.InvalidArgumentError) as raised:
            graph_session.run(signature, inputs, fetched)
        assert message in str(raised.value)


@pytest.mark.parametrize("signature", list(GOOD))
def test_another_number_format_is_refused(graph_session: GraphSession, signature: str) -> None:
    inputs = {name: array.astype(np.int64) for name, array in request(signature).items()}
    with pytest.raises(tf.errors.InvalidArgumentError):
        graph_session.run(signature, inputs)


@pytest.mark.parametrize("signature", list(GOOD))
def test_the_unchanged_requests_are_answered(graph_session: GraphSession, signature: str) -> None:
    outputs = graph_session.run(signature, request(signature))
    for name, array in outputs.items():
        assert array.shape[0] == 2, name


def test_padding_may_be_anything_even_outside_the_vocabulary(graph_session: GraphSession) -> None:
    clean = graph_session.run("greedy", request("greedy"))
    dirty = graph_session.run(
        "greedy",
        request("greedy", tokens=[[5, 6, 7], [8, 9, -(2**31)]], prefix_tokens=[[-7, 9999], [4, 5]]),
    )
    assert clean["tokens"].tolist() == dirty["tokens"].tolist()
    assert clean["attention"] == pytest.approx(dirty["attention"], abs=1e-6)
    scored = graph_session.run("score", request("score"))
    dirty_target = request("score", target_tokens=[[4, 5, 3], [6, 3, 10**6]])
    assert graph_session.run("score", dirty_target)["scores"] == pytest.approx(scored["scores"])


@pytest.mark.parametrize("signature", list(GOOD))
@pytest.mark.parametrize("width", [0, 3])
def test_a_batch_of_no_rows_is_answered(
    graph_session: GraphSession, signature: str, width: int
) -> None:
    inputs = {
        name: np.zeros([0, width] if array.ndim == 2 else [0], array.dtype)
        for name, array in request(signature).items()
    }
    outputs = graph_session.run(signature, inputs)
    assert {array.shape[0] for array in outputs.values()} == {0}


def test_a_source_of_one_token_and_a_prefix_of_no_columns_are_answered(
    graph_session: GraphSession,
) -> None:
    inputs = request(
        "greedy",
        tokens=[[5], [6]],
        lengths=[1, 1],
        prefix_tokens=np.zeros([2, 0]),
        prefix_lengths=[0, 0],
    )
    outputs = graph_session.run("greedy", inputs)
    assert np.all(outputs["lengths"] >= 1)
    assert outputs["attention"].shape[-1] == 1
