"""Equality 6: the gateway's answer = a direct Predict call, token by token, weights included."""

from __future__ import annotations

from typing import Any

import grpc
import numpy as np
import pytest

from heed.contract import Contract
from heed.text import Tokenizer
from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from service.backends.model_server import PREDICT
from service.backends.tensor_codec import decode_tensor, encode_tensor
from tests.support.exported_model import MAX_TARGET_TOKENS, MODEL_NAME
from tests.support.gateway import GatewayProcess, generate_request
from tests.support.model_server import ModelServerProcess

TEXTS = ["attention", "heed", "a", "Zeitgeist", "o'clock", "co-operate", "ﬁ", "q" * 24, "b c", "é"]
TOLERANCE = 1e-5


class DirectCaller:
    """Asks the model server without the gateway, one row a call."""

    def __init__(self, address: str) -> None:
        self._channel = grpc.insecure_channel(address)
        outputs = self.predict("contract", {"request": np.zeros(1, np.int32)})
        self.contract = Contract.from_json(outputs["contract"][0])
        self.source = Tokenizer(outputs["source_tokenizer"][0])
        self.target = Tokenizer(outputs["target_tokenizer"][0])

    def predict(self, signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
        request = serving_pb2.PredictRequest()
        request.model_spec.name = MODEL_NAME
        request.model_spec.signature_name = signature
        for name, array in inputs.items():
            request.inputs[name].CopyFrom(encode_tensor(np.asarray(array, np.int32)))
        call = self._channel.unary_unary(
            PREDICT,
            request_serializer=serving_pb2.PredictRequest.SerializeToString,
            response_deserializer=serving_pb2.PredictResponse.FromString,
        )
        return {name: decode_tensor(t) for name, t in call(request, timeout=30).outputs.items()}

    def greedy(self, text: str, *, max_length: int, min_length: int, prefix: str) -> dict[str, Any]:
        source, forced = self.source.encode_ids(text), self.target.encode_ids(prefix)
        return self.predict(
            "greedy",
            {
                "tokens": [source],
                "lengths": [len(source)],
                "max_lengths": [max_length],
                "min_lengths": [min_length],
                "prefix_tokens": np.reshape(forced, (1, -1)),
                "prefix_lengths": [len(forced)],
            },
        )

    def close(self) -> None:
        self._channel.close()


@pytest.fixture(scope="module")
def direct(model_server: ModelServerProcess) -> Any:
    caller = DirectCaller(model_server.address)
    yield caller
    caller.close()


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"max_length": 3},
        {"min_length": 9},
        {"prefix": "AA K"},
        {"prefix": "T", "max_length": 5, "min_length": 4},
    ],
)
def test_an_answer_equals_a_direct_call_token_by_token_and_weight_by_weight(
    gateway: GatewayProcess, direct: DirectCaller, options: dict[str, Any]
) -> None:
    attention = inference_pb2.ATTENTION_LEVEL_PIECES
    request = generate_request(*TEXTS, attention=attention, **options)
    answer = gateway.stub.Generate(request, timeout=60)
    assert len(answer.results) == len(TEXTS)
    for text, result in zip(TEXTS, answer.results, strict=True):
        expected = direct.greedy(
            text,
            max_length=options.get("max_length", MAX_TARGET_TOKENS),
            min_length=options.get("min_length", 0),
            prefix=options.get("prefix", ""),
        )
        check_hypothesis(result.hypotheses[0], expected, len(result.source_tokens))


def check_hypothesis(
    hypothesis: inference_pb2.Hypothesis, expected: dict[str, Any], source_length: int
) -> None:
    length = int(expected["lengths"][0, 0])
    tokens = expected["tokens"][0, 0, :length].tolist()
    assert [token.id for token in hypothesis.tokens] == tokens
    assert hypothesis.score == pytest.approx(float(expected["scores"][0, 0]), abs=TOLERANCE)
    np.testing.assert_allclose(
        [token.score for token in hypothesis.tokens],
        expected["token_scores"][0, 0, :length],
        atol=TOLERANCE,
    )
    weights = np.reshape(hypothesis.attention.weights, (length, source_length))
    np.testing.assert_allclose(
        weights, expected["attention"][0, 0, :length, :source_length], atol=TOLERANCE
    )
    np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-4)


def test_forced_scoring_of_an_output_equals_its_decoding(
    gateway: GatewayProcess, direct: DirectCaller
) -> None:
    request = generate_request(
        *TEXTS, attention=inference_pb2.ATTENTION_LEVEL_PIECES, max_length=MAX_TARGET_TOKENS // 2
    )
    generated = gateway.stub.Generate(request, timeout=60)
    outputs = [
        (text, result.hypotheses[0])
        for text, result in zip(TEXTS, generated.results, strict=True)
        if is_its_own_text(result.hypotheses[0], direct.target)
    ]
    assert outputs, "no output can be given as a target: the test shows nothing"
    pairs = [inference_pb2.TextPair(source_text=t, target_text=h.text) for t, h in outputs]
    scored = gateway.stub.Score(
        inference_pb2.ScoreRequest(pairs=pairs, attention=inference_pb2.ATTENTION_LEVEL_HEADS),
        timeout=60,
    )
    for (_, hypothesis), result in zip(outputs, scored.results, strict=True):
        assert result.target.text == hypothesis.text
        assert result.target.tokens[-1].kind == inference_pb2.TOKEN_KIND_END
        check_beginning(result.target, hypothesis)


def is_its_own_text(hypothesis: inference_pb2.Hypothesis, tokenizer: Tokenizer) -> bool:
    """Whether the text of an output is split into the very tokens that made it."""
    ids = [t.id for t in hypothesis.tokens if t.kind != inference_pb2.TOKEN_KIND_END]
    return bool(ids) and tokenizer.encode_ids(hypothesis.text) == ids


def check_beginning(target: inference_pb2.Hypothesis, hypothesis: inference_pb2.Hypothesis) -> None:
    """Compares as far as decoding came: an output that was cut has no end token."""
    count = len(hypothesis.tokens)
    beginning = target.tokens[:count]
    assert [token.id for token in beginning] == [token.id for token in hypothesis.tokens]
    np.testing.assert_allclose(
        [token.score for token in beginning],
        [token.score for token in hypothesis.tokens],
        atol=1e-4,
    )
    assert hypothesis.score == pytest.approx(sum(t.score for t in beginning), abs=1e-4)
    expected = hypothesis.attention.weights
    np.testing.assert_allclose(target.attention.weights[: len(expected)], expected, atol=1e-4)
    assert [(h.layer_index, h.head_index) for h in target.attention.heads] == [(0, 0)]


def test_a_score_equals_a_direct_call(gateway: GatewayProcess, direct: DirectCaller) -> None:
    pair = inference_pb2.TextPair(source_text="heed", target_text="HH IY D")
    answer = gateway.stub.Score(
        inference_pb2.ScoreRequest(pairs=[pair], attention=inference_pb2.ATTENTION_LEVEL_HEADS),
        timeout=60,
    )
    source, target = direct.source.encode_ids("heed"), [*direct.target.encode_ids("HH IY D"), 3]
    expected = direct.predict(
        "score",
        {
            "tokens": [source],
            "lengths": [len(source)],
            "target_tokens": [target],
            "target_lengths": [len(target)],
        },
    )
    scored = answer.results[0].target
    assert [token.id for token in scored.tokens] == target
    assert [token.text for token in scored.tokens] == ["HH", "IY", "D", ""]
    np.testing.assert_allclose(
        [token.score for token in scored.tokens], expected["token_scores"][0], atol=TOLERANCE
    )
    np.testing.assert_allclose(
        scored.attention.weights, expected["attention"][0].ravel(), atol=TOLERANCE
    )
    np.testing.assert_allclose(
        scored.attention.heads[0].weights,
        expected["attention_heads"][0, 0, 0].ravel(),
        atol=TOLERANCE,
    )


def test_heads_come_with_the_average_and_name_both_axes(gateway: GatewayProcess) -> None:
    answer = gateway.stub.Generate(
        generate_request("heed", attention=inference_pb2.ATTENTION_LEVEL_HEADS), timeout=60
    )
    hypothesis = answer.results[0].hypotheses[0]
    attention = hypothesis.attention
    assert [token.text for token in attention.source_tokens] == ["h", "e", "e", "d"]
    assert list(attention.target_tokens) == list(hypothesis.tokens)
    assert len(attention.weights) == 4 * len(hypothesis.tokens)
    np.testing.assert_allclose(attention.heads[0].weights, attention.weights, atol=1e-4)


def test_attention_comes_only_when_asked_for(gateway: GatewayProcess) -> None:
    for attention in (0, inference_pb2.ATTENTION_LEVEL_NONE):
        answer = gateway.stub.Generate(generate_request("heed", attention=attention), timeout=60)
        assert not answer.results[0].hypotheses[0].HasField("attention")


def test_offsets_point_into_the_text_in_code_points(gateway: GatewayProcess) -> None:
    text = "n😀eb"
    answer = gateway.stub.Generate(generate_request(text), timeout=60)
    tokens = answer.results[0].source_tokens
    assert [text[token.begin_offset : token.end_offset] for token in tokens] == list(text)
    assert tokens[1].kind == inference_pb2.TOKEN_KIND_UNKNOWN
    assert not tokens[0].HasField("score")
    hypothesis = answer.results[0].hypotheses[0]
    for token in hypothesis.tokens:
        assert hypothesis.text[token.begin_offset : token.end_offset] == token.text
        assert token.score <= 0


def test_timings_are_filled_and_add_up(gateway: GatewayProcess) -> None:
    timings = gateway.stub.Generate(generate_request("heed"), timeout=60).timings
    assert timings.model_duration.ToNanoseconds() > 0
    assert timings.tokenize_duration.ToNanoseconds() > 0
    parts = (timings.tokenize_duration, timings.queue_duration, timings.model_duration)
    total = timings.total_duration.ToNanoseconds()
    assert sum(part.ToNanoseconds() for part in parts) <= total


def test_256_texts_of_many_lengths_come_back_in_order(gateway: GatewayProcess) -> None:
    texts = ["abcdefgh"[: 1 + index % 8] * (1 + index % 3) for index in range(256)]
    answer = gateway.stub.Generate(generate_request(*texts), timeout=60)
    read = ["".join(token.text for token in result.source_tokens) for result in answer.results]
    assert read == texts


def test_models_are_listed_and_described(gateway: GatewayProcess, direct: DirectCaller) -> None:
    listed = gateway.stub.ListModels(inference_pb2.ListModelsRequest()).models
    got = gateway.stub.GetModel(inference_pb2.GetModelRequest()).model
    assert list(listed) == [got]
    assert (got.name, got.version, got.ready) == ("g2p", 1, True)
    assert list(got.ready_versions) == [1]
    assert got.status_message == ""
    assert got.max_target_tokens == direct.contract.max_target_tokens
    assert got.source_tokenizer_sha256 == direct.source.sha256
    assert {"greedy", "score", "contract"} <= set(got.signatures)


def test_health_knows_the_gateway_and_each_model(gateway: GatewayProcess) -> None:
    for service in ("", "heed.v1.InferenceService", "g2p"):
        assert gateway.health(service) == "SERVING"


def test_reflection_names_the_service(gateway: GatewayProcess) -> None:
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import (
        ProtoReflectionDescriptorDatabase,
    )

    services = ProtoReflectionDescriptorDatabase(gateway.channel).get_services()
    assert "heed.v1.InferenceService" in services
    assert "grpc.health.v1.Health" in services
