"""The client and the command line against the real gateway and the real model server."""

import inspect
import json
import subprocess
import sys
import textwrap

import numpy as np
import pytest

import heed
from heed import AsyncClient, Client
from heed.client import (
    BulkSettings,
    InvalidRequestError,
    ModelVersion,
    NotFoundError,
    TokenKind,
)
from tests.support.exported_model import (
    MAX_SOURCE_TOKENS,
    MAX_TARGET_TOKENS,
    MODEL_NAME,
    copy_models_dir,
    exported_models_dir,
    publish_copy,
)
from tests.support.gateway import running_gateway

__all__ = ["exported_models_dir"]

WORDS = ["attention", "chicago", "a", "it's", "thorough"]


@pytest.fixture(scope="module")
def models_dir(exported_models_dir, tmp_path_factory):
    return copy_models_dir(exported_models_dir, tmp_path_factory.mktemp("models") / "models")


@pytest.fixture(scope="module")
def address(models_dir):
    with running_gateway(["--models-dir", str(models_dir)]) as gateway:
        yield gateway.address


@pytest.fixture
def client(address):
    with Client(address) as opened:
        yield opened


def test_attention_rows_are_target_tokens_and_sum_to_one(client):
    answer = client.generate("attention", attention="pieces")
    weights = np.asarray(answer.attention)
    assert weights.shape == (len(answer.tokens), len("attention"))
    np.testing.assert_allclose(weights.sum(axis=1), 1, atol=1e-5)
    assert "".join(token.text for token in answer.attention.source_tokens) == "attention"
    assert [token.id for token in answer.attention.target_tokens] == [
        token.id for token in answer.tokens
    ]
    assert answer.score == pytest.approx(sum(token.score for token in answer.tokens), abs=1e-4)


def test_the_only_head_of_the_only_layer_is_the_average(client):
    attention = client.generate("attention", attention="heads").attention
    assert attention.heads.shape == (1, 1, *attention.shape)
    np.testing.assert_allclose(attention.head(0, 0), attention.weights, atol=1e-4)


def test_bulk_answers_equal_single_answers(address, client):
    texts = [word[: 1 + index % len(word)] for index in range(40) for word in WORDS]
    with Client(address, bulk=BulkSettings(texts_in_flight=16)) as bulk_client:
        many = list(bulk_client.generate_many(texts))
    assert [result.source_text for result in many] == texts
    single = {text: client.generate(text) for text in set(texts)}
    for result in many:
        assert result.text == single[result.source_text].text
        assert result.score == pytest.approx(single[result.source_text].score, abs=1e-4)


def test_scoring_an_answer_gives_the_scores_it_came_with(client):
    text = "AH T EH N"
    answer = client.generate("attention", prefix=text, max_length=5)
    assert answer.text.startswith(text)
    scored = client.score("attention", text, attention="pieces")
    assert scored.tokens[-1].kind is TokenKind.END
    assert scored.attention.shape == (5, len("attention"))
    np.testing.assert_allclose(
        [token.score for token in scored.tokens[:4]],
        [token.score for token in answer.tokens[:4]],
        atol=1e-4,
    )


def test_options_and_versions_are_obeyed(client):
    answer = client.generate("chicago", model=ModelVersion(MODEL_NAME, 1), max_length=3)
    assert len(answer.tokens) <= 3
    assert answer.model == ModelVersion(MODEL_NAME, 1)
    assert client.generate("chicago", prefix="K").text.startswith("K")
    assert len(client.generate("chicago", min_length=5).tokens) >= 5


@pytest.mark.parametrize(
    ("texts", "options", "field", "limit"),
    [
        (["ok", "x" * (MAX_SOURCE_TOKENS + 1)], {}, "texts[1]", str(MAX_SOURCE_TOKENS)),
        (["ok", " "], {}, "texts[1]", "at least one token"),
        (["ok"], {"max_length": MAX_TARGET_TOKENS + 1}, "options.max_length", "12"),
        (["a"] * 10_000, {}, "texts", "256"),
    ],
)
def test_a_broken_rule_names_the_field_and_the_limit(client, texts, options, field, limit):
    with pytest.raises(InvalidRequestError) as caught:
        client.generate(texts, **options)
    assert caught.value.field_violations[0].field == field
    assert limit in str(caught.value)


def test_an_unknown_model_or_version_is_not_found(client):
    with pytest.raises(NotFoundError, match=MODEL_NAME):
        client.generate("a", model="nothing")
    with pytest.raises(NotFoundError, match="99"):
        client.generate("a", model=ModelVersion(MODEL_NAME, 99))


def test_a_message_of_a_hundred_megabytes_is_refused_and_the_gateway_goes_on(client):
    with pytest.raises(InvalidRequestError, match="larger than"):
        client.generate("x" * 100_000_000)
    assert client.generate("a").source_text == "a"


def test_models_describe_what_was_exported(client):
    (model,) = client.models()
    assert (model.name, model.ready, model.task) == (MODEL_NAME, True, "pronounce")
    assert (model.max_source_tokens, model.max_target_tokens) == (
        MAX_SOURCE_TOKENS,
        MAX_TARGET_TOKENS,
    )
    assert [kind.name for kind in model.attention] == ["bahdanau"]


async def test_the_asynchronous_client_gets_the_same_answers(address, client):
    expected = [answer.text for answer in client.generate(WORDS)]
    async with AsyncClient(address) as asynchronous:
        answers = [answer.text async for answer in asynchronous.generate_many(WORDS)]
        with pytest.raises(InvalidRequestError):
            await asynchronous.generate("")
    assert answers == expected


def test_the_five_lines_of_the_documentation_work(address, capsys):
    example = inspect.cleandoc(heed.__doc__).partition("Example:\n")[2]
    exec(textwrap.dedent(example).replace("Client()", f"Client({address!r})"), {})
    text, heading, *rows = capsys.readouterr().out.splitlines()
    assert heading.split() == list("attention")
    assert [row.split()[0] for row in rows[: len(text.split())]] == text.split()


def test_the_command_line_prints_what_the_client_answers(address, client):
    finished = subprocess.run(
        [sys.executable, "-m", "heed", "generate", "--address", address, "--json", *WORDS],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    documents = [json.loads(line) for line in finished.stdout.splitlines()]
    for document, answer in zip(documents, client.generate(WORDS), strict=True):
        assert (document["source_text"], document["text"]) == (answer.source_text, answer.text)
        assert np.shape(document["attention"]["weights"]) == (
            len(answer.tokens),
            len(answer.source_tokens),
        )


def test_bulk_work_outlives_a_new_version_and_a_restart_of_the_gateway(models_dir):
    flags = ["--models-dir", str(models_dir)]
    with running_gateway(flags) as gateway:
        client = Client(gateway.address, timeout_s=60, bulk=BulkSettings(8))
        answers = client.generate_many(WORDS[index % 5] for index in range(200))
        first = [next(answers).text for _ in range(20)]
        publish_copy(models_dir, 2)
        first += [next(answers).text for _ in range(80)]
    port = gateway.address.rpartition(":")[2]
    with running_gateway([*flags, f"--grpc-port={port}"]), client:
        rest = [answer.text for answer in answers]
    assert len(first) + len(rest) == 200
    assert first[:5] == rest[:5]
