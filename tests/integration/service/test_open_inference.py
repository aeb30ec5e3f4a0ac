"""The Open Inference Protocol, asked with Triton's own client and message by message."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import grpc
import numpy as np
import pytest

from heed.v1 import inference_pb2
from heed.wire.inference import grpc_inference_pb2 as wire
from heed.wire.inference import grpc_inference_pb2_grpc as wire_grpc
from tests.support.exported_model import MODEL_NAME
from tests.support.gateway import GatewayProcess, error_of, generate_request, violations_of
from tests.support.pages import DOCS, block_with
from tests.support.triton_calls import ask_with_triton


@pytest.fixture(scope="module")
def triton(gateway: GatewayProcess) -> dict[str, Any]:
    """What Triton's client was answered."""
    return ask_with_triton(gateway.address, MODEL_NAME)


def results(
    gateway: GatewayProcess, *texts: str, **options: object
) -> list[inference_pb2.GenerateResult]:
    return list(gateway.stub.Generate(generate_request(*texts, **options), timeout=30).results)


def tensor(answer: dict[str, Any], name: str) -> Any:
    return np.array(answer[name]["values"], object).reshape(answer[name]["shape"])


def test_triton_finds_the_gateway_and_its_model_ready(triton: dict[str, Any]) -> None:
    assert triton["live"]
    assert triton["ready"]
    assert triton["model_ready"]
    assert triton["version_ready"]
    assert not triton["other_version_ready"]
    assert not triton["other_model_ready"]


def test_triton_reads_what_the_gateway_and_its_model_are(triton: dict[str, Any]) -> None:
    assert triton["server"]["name"] == "heed"
    assert triton["model"]["name"] == MODEL_NAME
    assert triton["model"]["versions"] == ["1"]
    assert triton["model"]["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": ["-1"]}]
    assert triton["model"]["outputs"] == [
        {"name": "text", "datatype": "BYTES", "shape": ["-1"]},
        {"name": "score", "datatype": "FP32", "shape": ["-1"]},
    ]
    config = triton["config"]["config"]
    assert config["input"] == [{"name": "text", "data_type": "TYPE_STRING", "dims": ["-1"]}]
    assert config.get("max_batch_size", 0) == 0


@pytest.mark.parametrize("name", ["plain", "column"])
def test_triton_gets_the_answers_of_the_gateway(
    gateway: GatewayProcess, triton: dict[str, Any], name: str
) -> None:
    answer = triton[name]
    expected = [result.hypotheses[0] for result in results(gateway, "attention", "chicago")]
    assert tensor(answer, "text").tolist() == [hypothesis.text for hypothesis in expected]
    np.testing.assert_allclose(
        tensor(answer, "score").astype(float), [h.score for h in expected], atol=1e-4
    )
    assert (answer["id"], answer["model"], answer["version"]) == ("mine", MODEL_NAME, "1")


def test_triton_gets_tokens_and_attention_if_it_asks_for_them(
    gateway: GatewayProcess, triton: dict[str, Any]
) -> None:
    answer = triton["everything"]
    expected = results(gateway, "attention", "a", prefix="AH", max_length=5, attention=2)
    for row, result in enumerate(expected):
        (best,) = result.hypotheses
        tokens = [token.text for token in best.tokens]
        sources = [token.text for token in result.source_tokens]
        assert tensor(answer, "tokens")[row, : len(tokens)].tolist() == tokens
        assert tensor(answer, "source_tokens")[row].tolist()[: len(sources)] == sources
        weights = tensor(answer, "attention")[row].astype(float)
        np.testing.assert_allclose(
            weights[: len(tokens), : len(sources)].ravel(), best.attention.weights, atol=1e-4
        )
        assert weights[len(tokens) :].sum() == 0
        assert weights[:, len(sources) :].sum() == 0
        scores = tensor(answer, "token_scores")[row].astype(float)
        assert scores.sum() == pytest.approx(best.score, abs=1e-4)
    assert answer["attention"]["shape"] == [2, 5, 9]


def test_several_hypotheses_have_an_axis_of_their_own(
    gateway: GatewayProcess, triton: dict[str, Any]
) -> None:
    answer = triton["beam"]
    expected = results(gateway, "attention", "a", beam_width=4, num_hypotheses=3)
    assert answer["text"]["shape"] == answer["score"]["shape"] == [2, 3]
    for row, result in enumerate(expected):
        texts = [hypothesis.text for hypothesis in result.hypotheses]
        assert tensor(answer, "text")[row].tolist() == texts
    assert answer["attention"]["shape"][:2] == answer["tokens"]["shape"][:2] == [2, 3]
    assert answer["source_tokens"]["shape"] == [2, 9]


def test_sampling_by_parameters_is_sampling(
    gateway: GatewayProcess, triton: dict[str, Any]
) -> None:
    sampling = inference_pb2.SamplingOptions(seed=7, temperature=0.5, top_k=5)
    (expected,) = results(gateway, "attention", sampling=sampling)
    assert triton["sample"]["text"]["values"] == [expected.hypotheses[0].text]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("unknown_parameter", "parameters: must be some of max_length, min_length"),
        ("wrong_parameter", 'parameters["beam_width"]: must be an integer'),
        ("too_wide", 'parameters["beam_width"]: must be 1 to'),
        ("empty", 'inputs["text"][1]: must hold at least one token'),
        ("unknown_output", "outputs: must be some of text, score"),
        ("wrong_shape", 'inputs["text"].shape: must be [N] or [N, 1]'),
    ],
)
def test_triton_is_told_what_is_wrong(triton: dict[str, Any], name: str, message: str) -> None:
    assert triton[name]["status"] == "StatusCode.INVALID_ARGUMENT"
    assert message in triton[name]["message"]


def test_triton_streams_request_by_request(gateway: GatewayProcess, triton: dict[str, Any]) -> None:
    first, second = results(gateway, "attention", "chicago")
    assert triton["stream"][0] == first.hypotheses[0].text
    assert triton["stream"][2] == second.hypotheses[0].text
    assert "must hold at least one token" in triton["stream"][1]


def test_every_field_has_the_number_and_type_that_triton_gives_it(triton: dict[str, Any]) -> None:
    checked = 0
    for name, message in wire.DESCRIPTOR.message_types_by_name.items():
        if name in ("ModelConfig", "ModelInput", "ModelOutput"):
            continue  # these stand in another file of Triton's
        official = triton["fields"][name]
        for field in message.fields:
            assert official[field.name] == [field.number, field.type], f"{name}.{field.name}"
            checked += 1
    assert checked > 40


def test_the_documented_example_runs_as_it_stands(gateway: GatewayProcess) -> None:
    block = block_with(DOCS / "open-inference.md", "import tritonclient")
    code = block.replace("127.0.0.1:50051", gateway.address)
    finished = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    texts = [result.hypotheses[0].text for result in results(gateway, "attention", max_length=10)]
    assert texts[0] in finished.stdout


def infer(gateway: GatewayProcess, **fields: Any) -> wire.ModelInferResponse:
    stub = wire_grpc.GRPCInferenceServiceStub(gateway.channel)
    return stub.ModelInfer(wire.ModelInferRequest(**fields), timeout=30)


def text_tensor(*elements: bytes, **changes: Any) -> dict[str, Any]:
    tensor = {"name": "text", "datatype": "BYTES", "shape": [len(elements)]}
    return {**tensor, "contents": {"bytes_contents": elements}, **changes}


def test_elements_may_come_in_the_message_itself(gateway: GatewayProcess) -> None:
    response = infer(gateway, inputs=[text_tensor(b"attention")])
    assert [output.name for output in response.outputs] == ["text", "score"]
    (expected,) = results(gateway, "attention")
    assert response.raw_output_contents[0][4:].decode() == expected.hypotheses[0].text


def test_parameters_that_triton_adds_by_itself_change_nothing(gateway: GatewayProcess) -> None:
    own = {"triton_enable_empty_final_response": wire.InferParameter(bool_param=True)}
    plain, with_own = (
        infer(gateway, inputs=[text_tensor(b"attention")], parameters=parameters)
        for parameters in ({}, own)
    )
    assert with_own.raw_output_contents[0] == plain.raw_output_contents[0]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({}, "inputs"),
        ({"inputs": [text_tensor(b"a", name="words")]}, "inputs"),
        ({"inputs": [text_tensor(b"a", datatype="INT32")]}, 'inputs["text"].datatype'),
        ({"inputs": [text_tensor(b"a", shape=[2])]}, 'inputs["text"].shape'),
        ({"inputs": [text_tensor(b"a", b"\xff")]}, 'inputs["text"][1]'),
        ({"inputs": [text_tensor(b"")]}, 'inputs["text"][0]'),
        ({"inputs": [text_tensor(shape=[0])]}, 'inputs["text"]'),
        ({"inputs": [text_tensor()], "raw_input_contents": [b"\x09\0\0\0a"]}, "raw_input_contents"),
        ({"inputs": [text_tensor()], "raw_input_contents": [b"\x09"]}, "raw_input_contents"),
        (
            {"inputs": [text_tensor(b"a")], "raw_input_contents": [b"", b""]},
            "raw_input_contents",
        ),
        ({"inputs": [text_tensor(b"a")], "model_version": "new"}, "model_version"),
        ({"inputs": [text_tensor(b"a")], "model_name": "x" * 200}, "model_name"),
        (
            {
                "inputs": [
                    text_tensor(
                        b"a", parameters={"binary_data_size": wire.InferParameter(int64_param=1)}
                    )
                ]
            },
            'inputs["text"].parameters',
        ),
        (
            {
                "inputs": [text_tensor(b"a")],
                "parameters": {"timeout": wire.InferParameter(int64_param=0)},
            },
            'parameters["timeout"]',
        ),
        (
            {
                "inputs": [text_tensor(b"a")],
                "parameters": {"top_p": wire.InferParameter(double_param=7)},
            },
            'parameters["top_p"]',
        ),
        (
            {
                "inputs": [text_tensor(b"a")],
                "parameters": {"priority": wire.InferParameter(uint64_param=7)},
            },
            'parameters["priority"]',
        ),
        (
            {
                "inputs": [text_tensor(b"a")],
                "parameters": {"max_length": wire.InferParameter(double_param=1.5)},
            },
            'parameters["max_length"]',
        ),
        (
            {"inputs": [text_tensor(b"a")], "parameters": {"max_length": wire.InferParameter()}},
            'parameters["max_length"]',
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_that_breaks_a_rule_names_the_field(
    gateway: GatewayProcess, fields: dict[str, Any], field: str
) -> None:
    error = error_of(lambda: infer(gateway, **fields))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert list(violations_of(error)) == [field]


def test_an_unknown_model_is_not_found(gateway: GatewayProcess) -> None:
    error = error_of(lambda: infer(gateway, model_name="x", inputs=[text_tensor(b"a")]))
    assert error.code() is grpc.StatusCode.NOT_FOUND


def test_the_protocol_s_own_timeout_is_a_deadline(gateway: GatewayProcess) -> None:
    parameters = {"timeout": wire.InferParameter(int64_param=1)}
    error = error_of(lambda: infer(gateway, inputs=[text_tensor(b"a")], parameters=parameters))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
