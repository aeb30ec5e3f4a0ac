"""Inputs sent straight to the model server: the graph refuses them by name, and goes on."""

from __future__ import annotations

import re
from typing import Any

import grpc
import numpy as np
import pytest

from heed.contract import Signature
from service.backends.model_server import ModelServer
from service.domain.models import VersionKey
from service.domain.signatures import AttentionLevel, PredictTarget, output_names
from service.errors import ModelRejectedInputError
from tests.support.exported_model import MAX_TARGET_TOKENS, MODEL_NAME
from tests.support.model_server import ModelServerProcess

SOURCE = {"tokens": [[5, 6, 7]], "lengths": [3]}
LIMITS = {"max_lengths": [6], "min_lengths": [0], "prefix_tokens": [[4, 5]], "prefix_lengths": [1]}
BEAM = {
    "beam_width": [3],
    "length_penalty": [0.6],
    "coverage_penalty": [0.2],
    "no_repeat_ngram": [2],
}
SAMPLING = {"temperature": [1.0], "top_k": [0], "top_p": [1.0], "seed": [1]}
GOOD: dict[Signature, dict[str, Any]] = {
    Signature.GREEDY: {**SOURCE, **LIMITS},
    Signature.BEAM: {**SOURCE, **LIMITS, **BEAM},
    Signature.SAMPLE: {**SOURCE, **LIMITS, **SAMPLING},
    Signature.SCORE: {**SOURCE, "target_tokens": [[4, 3]], "target_lengths": [2]},
}
FLOATS = {"length_penalty", "coverage_penalty", "temperature", "top_p"}


async def ask(server: ModelServer, signature: Signature, **changes: Any) -> dict[str, Any]:
    outputs = output_names(signature, AttentionLevel.PIECES)
    inputs = {
        name: np.array(value, np.float32 if name in FLOATS else np.int32)
        for name, value in {**GOOD[signature], **changes}.items()
    }
    target = PredictTarget(VersionKey(MODEL_NAME, 1), signature, outputs)
    return dict(await server.predict(target, inputs, timeout_s=60))


@pytest.mark.parametrize(
    ("signature", "changes", "message"),
    [
        (Signature.GREEDY, {"tokens": [[5, 999, 7]]}, "tokens: ids must be 0 to"),
        (Signature.GREEDY, {"tokens": [[5, -1, 7]]}, "tokens: ids must be 0 to"),
        (Signature.GREEDY, {"prefix_tokens": [[999]]}, "prefix_tokens: ids must be 0 to"),
        (
            Signature.GREEDY,
            {"prefix_tokens": [[4] * 7], "prefix_lengths": [7]},
            "prefix_lengths: must be 0 to max_lengths of the row",
        ),
        (Signature.GREEDY, {"min_lengths": [7]}, "min_lengths: must be 0 to"),
        (
            Signature.GREEDY,
            {"max_lengths": [MAX_TARGET_TOKENS + 1]},
            f"max_lengths: must be 1 to {MAX_TARGET_TOKENS}",
        ),
        (Signature.BEAM, {"beam_width": [33]}, "beam_width: must be 1 to 32"),
        (Signature.BEAM, {"length_penalty": [float("nan")]}, "length_penalty: must be 0 to 10"),
        (Signature.SAMPLE, {"temperature": [0]}, "temperature: must be 0.01 to 100"),
        (Signature.SAMPLE, {"top_k": [10**6]}, "top_k: must be 0 to"),
        (Signature.SCORE, {"target_tokens": [[999, 3]]}, "target_tokens: ids must be 0 to"),
    ],
)
async def test_a_wrong_input_is_refused_by_name_and_the_server_goes_on(
    model_server: ModelServerProcess, signature: Signature, changes: dict[str, Any], message: str
) -> None:
    server = ModelServer(model_server.address)
    try:
        expected = await ask(server, signature)
        with pytest.raises(ModelRejectedInputError) as raised:
            await ask(server, signature, **changes)
        again = await ask(server, signature)
    finally:
        await server.close()
    refusal = raised.value.__cause__
    assert isinstance(refusal, grpc.RpcError)
    assert refusal.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert re.search(message, refusal.details())
    assert again.keys() == expected.keys()
    for name, array in expected.items():
        np.testing.assert_array_equal(again[name], array)
