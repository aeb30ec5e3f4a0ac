"""Classify from a trained model to the caller: gateway, client and command line."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest

from heed.client import AsyncClient, Client, InvalidRequestError, ModelVersion
from heed.contract import Contract
from heed.text import Tokenizer
from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from model_export.config import load_recipe
from service.backends.model_server import PREDICT
from service.backends.tensor_codec import decode_tensor, encode_tensor
from tests.support.exported_classifiers import (
    CLUES,
    FLAT,
    HIERARCHICAL,
    HOP_COUNT,
    MAX_TOKENS,
    classifier_models_dir,
)
from tests.support.exported_model import MODEL_NAME
from tests.support.gateway import (
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
    violations_of,
)
from tests.support.pages import DOCS, block_with

__all__ = ["classifier_models_dir"]

TEXTS = [
    "The film was dreadful. Many people in the town.",
    "Wonderful.",
    "In a large town. The film. People at night. It was seen ordinary by many.",
]
EXPECTED = ["bad", "good", "so-so"]
TOLERANCE = 1e-5
HTTP_LINE = re.compile(r"http://(127\.0\.0\.1:\d+)")


@pytest.fixture(scope="module")
def classifiers(classifier_models_dir: Path) -> Iterator[GatewayProcess]:
    """A gateway with both classifiers, and its own model server behind it."""
    with running_gateway(["--models-dir", str(classifier_models_dir), "--http-port", "0"]) as one:
        yield one


@pytest.fixture(scope="module")
def client(classifiers: GatewayProcess) -> Iterator[Client]:
    with Client(classifiers.address) as one:
        yield one


def ask(gateway: GatewayProcess, *texts: str, model: str = FLAT, **options: Any) -> Any:
    request = inference_pb2.ClassifyRequest(
        model=inference_pb2.ModelSelector(name=model),
        texts=texts,
        options=inference_pb2.ClassifyOptions(**options),
    )
    return gateway.stub.Classify(request, timeout=30)


def direct_answer(gateway: GatewayProcess, model: str, text: str) -> dict[str, Any]:
    """What the model server itself answers to a single row; for the flat model."""
    arguments = gateway.model_server_child().cmdline()
    address = next(
        f"127.0.0.1:{connection.laddr.port}"
        for connection in gateway.model_server_child().net_connections("tcp")
        if connection.status == "LISTEN"
    )
    assert "model_server" in arguments
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            PREDICT,
            request_serializer=serving_pb2.PredictRequest.SerializeToString,
            response_deserializer=serving_pb2.PredictResponse.FromString,
        )

        def predict(signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
            request = serving_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = model, signature
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(encode_tensor(np.asarray(array, np.int32)))
            outputs = call(request, timeout=30).outputs
            return {name: decode_tensor(tensor) for name, tensor in outputs.items()}

        described = predict("contract", {"request": [0]})
        assert described["target_tokenizer"][0] == b""
        ids = Tokenizer(described["source_tokenizer"][0]).encode_ids(text)
        answer = predict("classify", {"tokens": [ids], "lengths": [len(ids)]})
        return {**answer, "labels": Contract.from_json(described["contract"][0]).labels}


@pytest.mark.parametrize("model", [FLAT, HIERARCHICAL])
def test_labels_are_right_and_their_probabilities_sum_to_1(
    classifiers: GatewayProcess, model: str
) -> None:
    response = ask(classifiers, *TEXTS, model=model)
    assert (response.model.name, response.model.version) == (model, 1)
    assert [result.labels[0].label for result in response.results] == EXPECTED
    for result in response.results:
        probabilities = [each.probability for each in result.labels]
        assert sum(probabilities) == pytest.approx(1.0, abs=TOLERANCE)
        assert probabilities == sorted(probabilities, reverse=True)
        assert {each.label for each in result.labels} == CLUES.keys()
        assert not result.HasField("attention")


@pytest.mark.parametrize("model", [FLAT, HIERARCHICAL])
@pytest.mark.parametrize("level", ["PIECES", "WORDS", "HEADS"])
def test_weights_sum_to_1_over_what_they_are_of(
    classifiers: GatewayProcess, model: str, level: str
) -> None:
    level_value = inference_pb2.AttentionLevel.Value(f"ATTENTION_LEVEL_{level}")
    for text, result in zip(
        TEXTS,
        ask(classifiers, *TEXTS, model=model, attention=level_value).results,
        strict=True,
    ):
        attention = result.attention
        assert sum(attention.weights) == pytest.approx(1.0, abs=TOLERANCE)
        assert len(attention.weights) == len(attention.source_tokens)
        for token in attention.source_tokens:
            assert text[token.begin_offset : token.end_offset] == token.text
        if level == "WORDS":
            assert [token.text for token in attention.source_tokens] == text.split()
        else:
            assert list(attention.source_tokens) == list(result.source_tokens)
        expected_heads = {FLAT: HOP_COUNT, HIERARCHICAL: 1}[model] if level == "HEADS" else 0
        assert [head.head_index for head in attention.heads] == list(range(expected_heads))
        for head in attention.heads:
            assert sum(head.weights) == pytest.approx(1.0, abs=TOLERANCE)
        if expected_heads:
            mean = np.mean([head.weights for head in attention.heads], axis=0)
            np.testing.assert_allclose(mean, attention.weights, atol=TOLERANCE)


def test_sentences_have_weights_that_those_of_their_words_add_up_to(
    classifiers: GatewayProcess,
) -> None:
    level = inference_pb2.ATTENTION_LEVEL_WORDS
    for text in TEXTS:
        (result,) = ask(classifiers, text, model=HIERARCHICAL, attention=level).results
        sentences = result.attention.sentences
        shown = [text[each.begin_offset : each.end_offset] for each in sentences]
        assert " ".join(shown) == text
        assert all(each.endswith(".") for each in shown)
        assert sum(each.weight for each in sentences) == pytest.approx(1.0, abs=TOLERANCE)
        for sentence in sentences:
            inside = [
                weight
                for token, weight in zip(
                    result.attention.source_tokens, result.attention.weights, strict=True
                )
                if sentence.begin_offset <= token.begin_offset < sentence.end_offset
            ]
            assert sum(inside) == pytest.approx(sentence.weight, abs=TOLERANCE)


def test_a_flat_model_tells_of_no_sentences(classifiers: GatewayProcess) -> None:
    (result,) = ask(classifiers, TEXTS[0], attention=inference_pb2.ATTENTION_LEVEL_WORDS).results
    assert not result.attention.sentences


def test_the_gateway_answers_what_the_model_server_answers(classifiers: GatewayProcess) -> None:
    """Equality 6, in a batch of other texts."""
    level = inference_pb2.ATTENTION_LEVEL_HEADS
    for text, result in zip(TEXTS, ask(classifiers, *TEXTS, attention=level).results, strict=True):
        direct = direct_answer(classifiers, FLAT, text)
        by_label = {each.label: each.probability for each in result.labels}
        found = [by_label[label] for label in direct["labels"]]
        np.testing.assert_allclose(found, direct["probabilities"][0], atol=TOLERANCE)
        np.testing.assert_allclose(result.attention.weights, direct["attention"][0], atol=TOLERANCE)
        for head, weights in zip(result.attention.heads, direct["attention_heads"][0], strict=True):
            np.testing.assert_allclose(head.weights, weights, atol=TOLERANCE)


def test_only_as_many_labels_as_wanted_are_sent(classifiers: GatewayProcess) -> None:
    (result,) = ask(classifiers, TEXTS[0], max_labels=2).results
    assert len(result.labels) == 2
    (result,) = ask(classifiers, TEXTS[0], max_labels=99).results
    assert len(result.labels) == 3


@pytest.mark.parametrize(
    ("texts", "options", "field", "words"),
    [
        ([], {}, "texts", "must have 1 to 256 entries, got 0"),
        (["ok", "  "], {}, "texts[1]", "must hold at least one token"),
        (["q " * 99], {}, "texts[0]", f"must have at most {MAX_TOKENS} tokens for model"),
        (["ok"], {"max_labels": 0}, "options.max_labels", "must be 1 or more, got 0"),
        (["ok"], {"attention": 99}, "options.attention", "must be one of"),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    classifiers: GatewayProcess,
    texts: list[str],
    options: dict[str, Any],
    field: str,
    words: str,
) -> None:
    error = error_of(lambda: ask(classifiers, *texts, **options))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in violations_of(error)[field]


def test_a_classifier_writes_nothing_and_says_so(classifiers: GatewayProcess) -> None:
    selector = inference_pb2.ModelSelector(name=FLAT)
    pair = inference_pb2.TextPair(source_text="a", target_text="b")
    calls = [
        lambda: classifiers.stub.Generate(
            inference_pb2.GenerateRequest(model=selector, texts=["film"]), timeout=30
        ),
        lambda: classifiers.stub.Score(
            inference_pb2.ScoreRequest(model=selector, pairs=[pair]), timeout=30
        ),
        lambda: list(
            classifiers.stub.StreamGenerate(
                inference_pb2.StreamGenerateRequest(model=selector, text="film"), timeout=30
            )
        ),
        lambda: classifiers.stub.Tokenize(
            inference_pb2.TokenizeRequest(
                model=selector, texts=["film"], side=inference_pb2.TEXT_SIDE_TARGET
            ),
            timeout=30,
        ),
    ]
    for call in calls:
        error = error_of(call)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert violations_of(error) == {
            "model": f"'{FLAT}' classifies texts and writes none: use Classify"
        }


def test_a_model_that_writes_has_no_labels_and_says_so(gateway: GatewayProcess) -> None:
    error = error_of(lambda: ask(gateway, "attention", model=MODEL_NAME))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "writes texts and has no labels: use Generate" in violations_of(error)["model"]
    assert gateway.stub.Generate(generate_request("attention"), timeout=30).results


def test_the_list_of_models_tells_task_labels_and_signatures(client: Client) -> None:
    flat, hierarchical = client.models()
    assert (flat.name, flat.task, flat.max_target_tokens) == (FLAT, "classify", 0)
    assert flat.class_labels == tuple(sorted(CLUES))
    assert flat.signatures == ("classify", "contract")
    assert [(kind.name, kind.head_count) for kind in flat.attention] == [("structured", HOP_COUNT)]
    assert [kind.name for kind in hierarchical.attention] == ["context_vector", "context_vector"]
    assert "times its sentence's" in hierarchical.attention_average


def test_the_command_that_lists_models_tells_of_labels(classifiers: GatewayProcess) -> None:
    command = [sys.executable, "-m", "heed", "models", "--address", classifiers.address]
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True, timeout=60, env={"COLUMNS": "200"}
    )
    assert "48 tokens → 3 labels" in shown.stdout
    assert "dev accuracy" in shown.stdout


def test_the_client_gives_labels_weights_and_a_picture(client: Client, tmp_path: Path) -> None:
    result = client.classify(TEXTS[0], model=HIERARCHICAL, attention="words", max_labels=1)
    assert (result.label, len(result.labels)) == ("bad", 1)
    assert result.probability > 0.5
    assert result.model == ModelVersion(HIERARCHICAL, 1)
    attention = result.attention
    assert attention is not None
    assert np.asarray(attention).sum() == pytest.approx(1.0, abs=TOLERANCE)
    assert len(attention.sentences) == 2
    assert "dreadful" in str(attention)
    attention.plot(tmp_path / "text.png")
    assert (tmp_path / "text.png").stat().st_size > 1000
    heads = client.classify([TEXTS[1]], model=FLAT, attention="heads")[0].attention
    assert heads is not None
    assert heads.heads is not None
    assert heads.heads.shape == (HOP_COUNT, len(heads.tokens))


async def test_the_asynchronous_client_gives_the_same(
    classifiers: GatewayProcess, client: Client
) -> None:
    async with AsyncClient(classifiers.address) as other:
        results = await other.classify(TEXTS, model=FLAT)
        with pytest.raises(InvalidRequestError, match=r"texts\[0\]"):
            await other.classify("", model=FLAT)
    assert [result.label for result in results] == EXPECTED
    assert [r.labels for r in results] == [r.labels for r in client.classify(TEXTS, model=FLAT)]


PAGE = DOCS / "classification.md"


def test_the_example_of_the_page_runs_as_it_stands(
    classifiers: GatewayProcess, capsys: pytest.CaptureFixture[str]
) -> None:
    example = block_with(PAGE, "import heed")
    there = re.sub(r'Client\("[\d.:]+"\)', f'Client("{classifiers.address}")', example)
    exec(compile(there, "example", "exec"), {})
    shown = capsys.readouterr().out
    assert shown.startswith("bad ")
    assert shown.rstrip().endswith("Many people.")


def test_the_recipe_of_the_page_is_one(tmp_path: Path) -> None:
    path = tmp_path / "reviews.yaml"
    path.write_text(block_with(PAGE, "name: reviews"), encoding="utf-8")
    assert load_recipe(str(path)).classifier_model.sentences is not None


def run_command(
    gateway: GatewayProcess, *arguments: str, lines: str | None = None
) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heed", "classify", "--address", gateway.address, *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, input=lines, check=False, timeout=60
    )


def test_the_command_paints_what_the_model_looked_at(
    classifiers: GatewayProcess, tmp_path: Path
) -> None:
    picture = tmp_path / "words.png"
    shown = run_command(
        classifiers, TEXTS[0], "--model", HIERARCHICAL, "--attention", "terminal", "--top", "2"
    )
    assert shown.returncode == 0, shown.stderr
    lines = shown.stdout.splitlines()
    assert re.fullmatch(r"1\t[01]\.\d{3}\tbad", lines[0])
    assert lines[1].startswith("2\t")
    assert re.fullmatch(r" *\d+%  The film was dreadful\.", lines[3])
    written = run_command(classifiers, *TEXTS[:2], "--model", FLAT, "--attention", str(picture))
    assert written.stdout.split() == [
        "bad",
        written.stdout.split()[1],
        "good",
        *written.stdout.split()[3:],
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["words-1.png", "words-2.png"]


def test_the_command_answers_line_by_line(classifiers: GatewayProcess) -> None:
    lines = f"{TEXTS[0]}\n\n{TEXTS[1]}\n"
    plain = run_command(classifiers, "--model", FLAT, lines=lines)
    assert [line.split("\t")[0] for line in plain.stdout.splitlines()] == ["bad", "", "good"]
    as_json = run_command(classifiers, "--model", FLAT, "--json", lines=lines)
    documents = [json.loads(line) for line in as_json.stdout.splitlines()]
    assert documents[1] is None
    assert documents[0]["label"] == "bad"
    assert sum(documents[0]["attention"]["weights"]) == pytest.approx(1.0, abs=1e-4)
    assert [token["text"] for token in documents[2]["attention"]["tokens"]] == ["Wonderful."]
    bad = run_command(classifiers, "--model", FLAT, lines=f"film\n{'q ' * 99}\n")
    assert bad.returncode == 1
    assert "heed: error: line 2: must have at most 48 tokens" in bad.stderr


def test_http_answers_as_grpc_does(classifiers: GatewayProcess) -> None:
    address = classifiers.wait_for_log(HTTP_LINE)[1]
    body = {
        "model": {"name": FLAT},
        "texts": TEXTS[:1],
        "options": {"attention": "ATTENTION_LEVEL_WORDS", "maxLabels": 1},
    }
    request = urllib.request.Request(
        f"http://{address}/v1/classify",
        json.dumps(body).encode(),
        {"Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=30) as response:
        (result,) = json.load(response)["results"]
    assert [each["label"] for each in result["labels"]] == ["bad"]
    assert sum(result["attention"]["weights"]) == pytest.approx(1.0, abs=TOLERANCE)
