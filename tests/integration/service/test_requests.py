"""Requests that are wrong, against the real stack: each names the field and the limit."""

from __future__ import annotations

import grpc
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2
from tests.support.exported_model import MAX_SOURCE_TOKENS, MAX_TARGET_TOKENS
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    violations_of,
)

GENERATE = "/heed.v1.InferenceService/Generate"
SCORE = "/heed.v1.InferenceService/Score"


def rejected(gateway: GatewayProcess, request: inference_pb2.GenerateRequest) -> dict[str, str]:
    error = error_of(lambda: gateway.stub.Generate(request, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert detail_of(error, error_details_pb2.ErrorInfo).reason == "INVALID_REQUEST"
    return violations_of(error)


def test_no_text_is_refused(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request()) == {"texts": "must have 1 to 256 entries, got 0"}


def test_ten_thousand_texts_are_refused_and_the_limit_is_named(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request(*["heed"] * 10_000)) == {
        "texts": "must have 1 to 256 entries, got 10000"
    }


@pytest.mark.parametrize("text", ["", " ", "\t\n ", "\u00a0"])
def test_a_text_without_tokens_is_refused(gateway: GatewayProcess, text: str) -> None:
    assert rejected(gateway, generate_request("heed", text)) == {
        "texts[1]": "must hold at least one token; it is empty or white space alone"
    }


def test_a_text_beyond_the_longest_source_is_refused(gateway: GatewayProcess) -> None:
    text = "a" * (MAX_SOURCE_TOKENS + 1)
    assert rejected(gateway, generate_request("heed", "heed", "heed", text)) == {
        "texts[3]": f"must have at most {MAX_SOURCE_TOKENS} tokens for model 'g2p', "
        f"got {MAX_SOURCE_TOKENS + 1}"
    }


def test_every_wrong_text_of_a_call_is_named_up_to_ten(gateway: GatewayProcess) -> None:
    assert list(rejected(gateway, generate_request("heed", *[""] * 30))) == [
        f"texts[{index}]" for index in range(1, 11)
    ]


def test_a_huge_text_is_refused_before_it_is_tokenized(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request("a" * 100_000)) == {
        "texts[0]": "must have at most 20000 characters, got 100000"
    }


@pytest.mark.parametrize("max_length", [0, -1, MAX_TARGET_TOKENS + 1])
def test_a_max_length_out_of_range_is_refused(gateway: GatewayProcess, max_length: int) -> None:
    assert rejected(gateway, generate_request("heed", max_length=max_length)) == {
        "options.max_length": f"must be 1 to {MAX_TARGET_TOKENS}, got {max_length}"
    }


def test_a_min_length_that_reaches_max_length_is_refused(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request("heed", max_length=5, min_length=5)) == {
        "options.min_length": "must be 0 to 4 (less than max_length), got 5"
    }


def test_a_prefix_that_reaches_max_length_is_refused(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request("heed", max_length=2, prefix="AA AA")) == {
        "options.prefix": "must have at most 1 tokens (less than max_length), got 2"
    }


def test_a_prefix_that_the_model_cannot_write_is_refused(gateway: GatewayProcess) -> None:
    assert rejected(gateway, generate_request("heed", prefix="AA éé K")) == {
        "options.prefix": "must consist of pieces that the model can write; "
        "characters 4 to 5 are none"
    }


def test_an_unknown_attention_level_is_refused(gateway: GatewayProcess) -> None:
    violations = rejected(gateway, generate_request("heed", attention=77))
    assert list(violations) == ["options.attention"]
    assert "ATTENTION_LEVEL_PIECES" in violations["options.attention"]
    assert "got 77" in violations["options.attention"]


def test_an_unknown_model_is_not_found_and_the_models_are_listed(gateway: GatewayProcess) -> None:
    request = inference_pb2.GenerateRequest(
        model=inference_pb2.ModelSelector(name="nope"), texts=["heed"]
    )
    error = error_of(lambda: gateway.stub.Generate(request))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == "model 'nope' is not served here; the models are: g2p"
    info = detail_of(error, error_details_pb2.ErrorInfo)
    assert (info.reason, info.domain) == ("UNKNOWN_MODEL", "heed")
    assert dict(info.metadata) == {"model": "nope", "models": "g2p"}


def test_an_unknown_version_is_not_found_and_the_ready_ones_are_listed(
    gateway: GatewayProcess,
) -> None:
    request = inference_pb2.GetModelRequest(
        model=inference_pb2.ModelSelector(name="g2p", version=9)
    )
    error = error_of(lambda: gateway.stub.GetModel(request))
    assert error.code() is grpc.StatusCode.NOT_FOUND
    assert error.details() == ("version 9 of model 'g2p' is not ready; the versions that are: 1")


def test_a_version_below_one_is_refused(gateway: GatewayProcess) -> None:
    request = generate_request("heed")
    request.model.version = 0
    assert rejected(gateway, request) == {"model.version": "must be 1 or more, got 0"}


@pytest.mark.parametrize(
    ("method", "serialized", "field"),
    [
        (GENERATE, b"\x12\x04heed\x12\x02\xff\xfe", "texts[1]"),
        (GENERATE, b"\x0a\x03\x0a\x01\xff\x12\x04heed", "model.name"),
        (GENERATE, b"\x12\x04heed\x1a\x03\x1a\x01\xc3", "options.prefix"),
        (SCORE, b"\x12\x00\x12\x06\x0a\x01a\x12\x01\x80", "pairs[1].target_text"),
    ],
)
def test_invalid_utf8_is_refused_and_its_field_is_named(
    gateway: GatewayProcess, method: str, serialized: bytes, field: str
) -> None:
    error = error_of(lambda: gateway.channel.unary_unary(method)(serialized, timeout=10))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    violations = violations_of(error)
    assert list(violations) == [field]
    assert violations[field].startswith("must be valid UTF-8: ")


def test_bytes_that_are_no_message_are_refused(gateway: GatewayProcess) -> None:
    error = error_of(lambda: gateway.channel.unary_unary(GENERATE)(b"\xff\xff\xff", timeout=10))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {"(message)": "the bytes are no heed.v1.GenerateRequest"}


def test_a_message_of_100_mb_is_refused_with_both_sizes_and_the_gateway_goes_on(
    gateway: GatewayProcess,
) -> None:
    huge = generate_request("a" * 100_000_000)
    error = error_of(lambda: gateway.stub.Generate(huge, timeout=60))
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert str(huge.ByteSize()) in error.details()
    assert str(4 * 1024 * 1024) in error.details()
    assert gateway.stub.Generate(generate_request("heed"), timeout=20).results


def test_a_pair_without_a_target_or_with_too_long_a_one_is_refused(
    gateway: GatewayProcess,
) -> None:
    too_long = " ".join(["AA"] * MAX_TARGET_TOKENS)
    request = inference_pb2.ScoreRequest(
        pairs=[
            inference_pb2.TextPair(source_text="heed", target_text=""),
            inference_pb2.TextPair(source_text="", target_text=too_long),
        ]
    )
    error = error_of(lambda: gateway.stub.Score(request, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {
        "pairs[0].target_text": "must hold at least one token; it is empty or white space alone",
        "pairs[1].source_text": "must hold at least one token; it is empty or white space alone",
        "pairs[1].target_text": f"must have at most {MAX_TARGET_TOKENS - 1} tokens for model "
        f"'g2p', got {MAX_TARGET_TOKENS}",
    }


def test_a_models_name_of_many_characters_is_refused(gateway: GatewayProcess) -> None:
    model = inference_pb2.ModelSelector(name="n" * 100_000)
    request = inference_pb2.GenerateRequest(model=model, texts=["heed"])
    assert rejected(gateway, request) == {
        "model.name": "must have at most 128 characters, got 100000"
    }


def test_of_many_invalid_strings_the_first_ones_are_named(gateway: GatewayProcess) -> None:
    call = gateway.channel.unary_unary(GENERATE)
    error = error_of(lambda: call(b"\x12\x01\xff" * 10_000, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert list(violations_of(error)) == [f"texts[{index}]" for index in range(10)]


def test_every_error_carries_the_request_id_of_its_caller(gateway: GatewayProcess) -> None:
    error = error_of(
        lambda: gateway.stub.Generate(
            generate_request(), metadata=[("x-request-id", "my-request-7")], timeout=10
        )
    )
    assert detail_of(error, error_details_pb2.RequestInfo).request_id == "my-request-7"
    assert ("x-request-id", "my-request-7") in error.trailing_metadata()


def test_no_text_reaches_the_log(gateway: GatewayProcess) -> None:
    secret = "xyzzyxyzzyxyzzyxyzzyxyzzyxyzzy"
    error_of(lambda: gateway.stub.Generate(generate_request(secret), timeout=10))
    gateway.stub.Generate(generate_request(secret[:10]), timeout=20)
    assert "xyzzy" not in gateway.log()
