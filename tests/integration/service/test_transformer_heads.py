"""Equality 6 for many layers and heads: what the gateway gives is what a direct call gives."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from heed.text import Tokenizer
from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from service.backends.model_server import PREDICT
from service.backends.tensor_codec import decode_tensor, encode_tensor
from tests.support.exported_transformer import (
    HEAD_COUNT,
    LAYER_COUNT,
    TRANSFORMER_NAME,
    transformer_models_dir,
)
from tests.support.gateway import GatewayProcess, generate_request, running_gateway
from tests.support.model_server import ModelServerProcess, model_flags, running_model_server

__all__ = ["transformer_models_dir"]

TEXTS = ["attention", "a", "heed"]


@pytest.fixture(scope="module")
def server(transformer_models_dir: Path) -> Iterator[ModelServerProcess]:
    flags = model_flags(TRANSFORMER_NAME, transformer_models_dir / TRANSFORMER_NAME)
    with running_model_server(flags) as server:
        yield server


@pytest.fixture(scope="module")
def gateway(server: ModelServerProcess) -> Iterator[GatewayProcess]:
    with running_gateway(["--model-server", server.address, "--model", TRANSFORMER_NAME]) as one:
        yield one


def test_heads_are_numbered_as_the_model_numbers_them_and_equal_a_direct_score(
    gateway: GatewayProcess, server: ModelServerProcess
) -> None:
    request = generate_request(*TEXTS, attention=inference_pb2.ATTENTION_LEVEL_HEADS)
    answer = gateway.stub.Generate(request, timeout=60)
    tokenizer = Tokenizer(
        _predict(server, "contract", {"request": np.zeros(1)})["source_tokenizer"][0]
    )
    for text, result in zip(TEXTS, answer.results, strict=True):
        hypothesis = result.hypotheses[0]
        source, target = tokenizer.encode_ids(text), [token.id for token in hypothesis.tokens]
        expected = _score(server, source, target)
        heads = hypothesis.attention.heads
        assert [(head.layer_index, head.head_index) for head in heads] == [
            (layer, head) for layer in range(LAYER_COUNT) for head in range(HEAD_COUNT)
        ]
        for head in heads:
            np.testing.assert_allclose(
                np.reshape(head.weights, (len(target), len(source))),
                expected["attention_heads"][0, head.layer_index, head.head_index],
                atol=1e-5,
            )
        np.testing.assert_allclose(
            hypothesis.attention.weights, expected["attention"][0].ravel(), atol=1e-4
        )


def _score(
    server: ModelServerProcess, source: list[int], target: list[int]
) -> dict[str, np.ndarray]:
    inputs = {
        "tokens": [source],
        "lengths": [len(source)],
        "target_tokens": [target],
        "target_lengths": [len(target)],
    }
    return _predict(server, "score", {name: np.array(value) for name, value in inputs.items()})


def _predict(
    server: ModelServerProcess, signature: str, inputs: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    request = serving_pb2.PredictRequest()
    request.model_spec.name = TRANSFORMER_NAME
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode_tensor(array.astype(np.int32)))
    with grpc.insecure_channel(server.address) as channel:
        call = channel.unary_unary(
            PREDICT,
            request_serializer=serving_pb2.PredictRequest.SerializeToString,
            response_deserializer=serving_pb2.PredictResponse.FromString,
        )
        outputs = call(request, timeout=30).outputs
    return {name: decode_tensor(tensor) for name, tensor in outputs.items()}
