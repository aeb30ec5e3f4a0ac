"""Caption from a trained model to the caller: gateway, HTTP, client and command line."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import httpx
import numpy as np
import pytest
from PIL import Image

from heed.client import AsyncClient, Client, InvalidRequestError, ModelVersion
from heed.client.search import BeamSearch
from heed.contract import Contract
from heed.text import Tokenizer
from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from service.backends.model_server import PREDICT
from service.backends.tensor_codec import decode_tensor, encode_tensor
from tests.support.exported_model import MODEL_NAME
from tests.support.exported_pictures import (
    CELL,
    HEIGHT,
    MAX_WIDTH,
    STRIPS,
    picture_models_dir,
    png,
    strip_pixels,
)
from tests.support.gateway import GatewayProcess, error_of, running_gateway, violations_of
from tests.support.http import body_of
from tests.support.pages import DOCS, block_with

__all__ = ["picture_models_dir"]

PAGE = DOCS / "captions.md"
WIDTHS = [MAX_WIDTH, 3, 50, 81]
ROWS = HEIGHT // CELL
TOLERANCE = 1e-5
MOST_BYTES, MOST_PIXELS = 50_000, 40_000


@pytest.fixture(scope="module")
def reader(picture_models_dir: Path) -> Iterator[GatewayProcess]:
    """A gateway with a model of pictures, and its own model server behind it."""
    limits = [f"--max-image-bytes={MOST_BYTES}", f"--max-image-pixels={MOST_PIXELS}"]
    flags = ["--models-dir", str(picture_models_dir), "--http-port=0", *limits]
    with running_gateway(flags) as one:
        yield one


@pytest.fixture(scope="module")
def client(reader: GatewayProcess) -> Iterator[Client]:
    with Client(reader.address) as one:
        yield one


def ask(reader: GatewayProcess, *contents: bytes, model: str = STRIPS, **options: Any) -> Any:
    request = inference_pb2.CaptionRequest(
        model=inference_pb2.ModelSelector(name=model),
        images=[inference_pb2.Image(content=content) for content in contents],
        options=inference_pb2.GenerateOptions(**options),
    )
    return reader.stub.Caption(request, timeout=60)


def maps_of(result: Any, hypothesis: Any) -> Any:
    attention, grid = hypothesis.attention, result.grid
    shape = len(attention.target_tokens), grid.row_count, grid.column_count
    return np.array(attention.weights).reshape(shape)


def width_of(path: Path) -> int:
    """The width of a picture, in pixels."""
    with Image.open(path) as picture:
        return picture.width


def direct_answer(reader: GatewayProcess, pixels: Any) -> dict[str, Any]:
    """What the model server itself answers to a single picture."""
    address = next(
        f"127.0.0.1:{connection.laddr.port}"
        for connection in reader.model_server_child().net_connections("tcp")
        if connection.status == "LISTEN"
    )
    with grpc.insecure_channel(address) as channel:
        call = channel.unary_unary(
            PREDICT,
            request_serializer=serving_pb2.PredictRequest.SerializeToString,
            response_deserializer=serving_pb2.PredictResponse.FromString,
        )

        def predict(signature: str, inputs: dict[str, Any]) -> dict[str, Any]:
            request = serving_pb2.PredictRequest()
            request.model_spec.name, request.model_spec.signature_name = STRIPS, signature
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(encode_tensor(array))
            outputs = call(request, timeout=60).outputs
            return {name: decode_tensor(tensor) for name, tensor in outputs.items()}

        described = predict("contract", {"request": np.zeros(1, np.int32)})
        assert described["source_tokenizer"][0] == b""
        contract = Contract.from_json(described["contract"][0])
        assert contract.image is not None
        answer = predict(
            "serving_default",
            {
                "images": pixels.T[np.newaxis, :, :, np.newaxis],
                "widths": np.array([pixels.shape[1]], np.int32),
            },
        )
        return {**answer, "tokenizer": Tokenizer(described["target_tokenizer"][0])}


def test_the_gateway_answers_what_the_model_server_answers(reader: GatewayProcess) -> None:
    """Equality 6, in a batch with other pictures; places are numbered row by row there."""
    pictures = [strip_pixels(width) for width in WIDTHS]
    level = inference_pb2.ATTENTION_LEVEL_PIECES

    response = ask(reader, *map(png, pictures), attention=level)

    assert (response.model.name, response.model.version) == (STRIPS, 1)
    for pixels, result in zip(pictures, response.results, strict=True):
        direct = direct_answer(reader, pixels)
        (hypothesis,) = result.hypotheses
        length = int(direct["lengths"][0, 0])
        ids = direct["tokens"][0, 0, :length].tolist()
        assert [token.id for token in hypothesis.tokens] == ids
        assert hypothesis.text == direct["tokenizer"].decode([i for i in ids if i != 3]).text
        assert hypothesis.score == pytest.approx(float(direct["scores"][0, 0]), abs=1e-4)
        by_columns = direct["attention"][0, 0, :length].reshape(length, -1, ROWS)
        np.testing.assert_allclose(
            maps_of(result, hypothesis), by_columns.swapaxes(1, 2), atol=TOLERANCE
        )


def test_weights_sum_to_1_over_the_places_of_the_picture(reader: GatewayProcess) -> None:
    level = inference_pb2.ATTENTION_LEVEL_HEADS
    contents = [png(strip_pixels(width)) for width in WIDTHS]
    results = ask(reader, *contents, attention=level).results
    for width, result in zip(WIDTHS, results, strict=True):
        assert (result.grid.row_count, result.grid.column_count) == (ROWS, -(-width // CELL))
        (hypothesis,) = result.hypotheses
        assert not hypothesis.attention.source_tokens
        maps = maps_of(result, hypothesis)
        np.testing.assert_allclose(maps.sum(axis=(1, 2)), 1.0, atol=1e-4)
        (head,) = hypothesis.attention.heads
        np.testing.assert_allclose(head.weights, maps.ravel(), atol=TOLERANCE)


def test_the_grid_is_told_in_the_pictures_own_pixels(reader: GatewayProcess) -> None:
    (result,) = ask(reader, png(strip_pixels(100, height=48))).results

    grid = result.grid
    assert (grid.image_width, grid.image_height) == (100, 48)
    assert (grid.column_count, grid.row_count) == (13, ROWS)
    assert grid.cell_width == pytest.approx(CELL * 100 / 50)
    assert grid.cell_height == pytest.approx(CELL * 2)
    assert not result.hypotheses[0].HasField("attention")


def test_options_of_decoding_are_kept(reader: GatewayProcess) -> None:
    content = png(strip_pixels(60))
    level = inference_pb2.ATTENTION_LEVEL_PIECES
    (result,) = ask(reader, content, beam_width=3, num_hypotheses=2, attention=level).results
    first, second = result.hypotheses
    assert first.rank_score >= second.rank_score
    np.testing.assert_allclose(maps_of(result, second).sum(axis=(1, 2)), 1.0, atol=1e-4)

    (result,) = ask(reader, content, prefix="12", max_length=4).results
    assert result.hypotheses[0].text.startswith("12")
    assert len(result.hypotheses[0].tokens) <= 4

    sampling = inference_pb2.SamplingOptions(num_samples=3, seed=5, temperature=2)
    options: dict[str, Any] = {"sampling": sampling, "attention": level}
    first, second = ask(reader, content, png(strip_pixels(20)), **options).results
    assert len(first.hypotheses) == len(second.hypotheses) == 3
    alone = ask(reader, content, **options).results[0]
    assert [h.text for h in first.hypotheses] == [h.text for h in alone.hypotheses]
    np.testing.assert_allclose(maps_of(first, first.hypotheses[2]).sum(axis=(1, 2)), 1.0, atol=1e-4)

    packing = inference_pb2.AttentionOptions(top_weights=2)
    (result,) = ask(reader, content, attention=level, attention_options=packing).results
    attention = result.hypotheses[0].attention
    assert attention.packed_weights.weights_per_row == 2
    assert not attention.weights


def test_every_picture_draws_its_own_samples_unless_a_seed_is_named(reader: GatewayProcess) -> None:
    content = png(strip_pixels(60))
    sampling = inference_pb2.SamplingOptions(num_samples=4, temperature=3)
    first, second = ask(reader, content, content, sampling=sampling).results
    assert [h.text for h in first.hypotheses] != [h.text for h in second.hypotheses]
    sampling.seed = 3
    first, second = ask(reader, content, content, sampling=sampling).results
    assert [h.text for h in first.hypotheses] == [h.text for h in second.hypotheses]


def test_rows_of_attention_can_be_words(reader: GatewayProcess) -> None:
    level = inference_pb2.ATTENTION_LEVEL_WORDS
    content = png(strip_pixels(60))
    (result,) = ask(reader, content, prefix="12", attention=level).results

    (hypothesis,) = result.hypotheses
    kinds = [token.kind for token in hypothesis.attention.target_tokens]
    assert kinds[0] == inference_pb2.TOKEN_KIND_WORD
    assert len(kinds) <= 2
    np.testing.assert_allclose(maps_of(result, hypothesis).sum(axis=(1, 2)), 1.0, atol=1e-4)


@pytest.mark.parametrize(
    ("contents", "options", "field", "words"),
    [
        ([], {}, "images", "must have 1 to 256 entries, got 0"),
        ([b""], {}, "images[0].content", f"must be a file of 1 to {MOST_BYTES} bytes, got 0"),
        ([bytes(MOST_BYTES + 1)], {}, "images[0].content", f"got {MOST_BYTES + 1}"),
        (["ok", b"text"], {}, "images[1].content", "must be a PNG or JPEG file"),
        (["half"], {}, "images[0].content", "damaged"),
        (["huge"], {}, "images[0].content", f"at most {MOST_PIXELS} pixels"),
        (["wide"], {}, "images[0].content", "at most 6.67 times as wide as high"),
        (["ok"], {"attention": 99}, "options.attention", "must be one of"),
        (["ok"], {"max_length": 99}, "options.max_length", "must be 1 to 16"),
        (["ok"], {"prefix": "x"}, "options.prefix", "pieces that the model can write"),
        (["ok"], {"alignment": {}}, "options.alignment", "a picture has no words"),
        (["ok"], {"replace_unknown": True}, "options.replace_unknown", "a picture has no words"),
        (
            ["ok"],
            {"attention": 3, "attention_options": {"heads_of_words": True}},
            "options.attention_options.heads_of_words",
            "a picture has no words",
        ),
    ],
)
def test_what_is_wrong_with_a_request_is_said(
    reader: GatewayProcess,
    contents: list[str | bytes],
    options: dict[str, Any],
    field: str,
    words: str,
) -> None:
    files = {
        "ok": png(strip_pixels(20)),
        "half": png(strip_pixels(90))[:400],
        "huge": png(np.zeros((201, 200), np.uint8)),
        "wide": png(np.zeros((24, 161), np.uint8)),
    }
    sent = [each if isinstance(each, bytes) else files[each] for each in contents]

    error = error_of(lambda: ask(reader, *sent, **options))

    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert words in violations_of(error)[field]


def test_every_picture_at_fault_is_named(reader: GatewayProcess) -> None:
    error = error_of(lambda: ask(reader, b"one", png(strip_pixels(9)), b"three"))
    assert violations_of(error).keys() == {"images[0].content", "images[2].content"}


def test_a_model_of_pictures_reads_no_texts_and_says_so(reader: GatewayProcess) -> None:
    selector = inference_pb2.ModelSelector(name=STRIPS)
    pair = inference_pb2.TextPair(source_text="a", target_text="1")
    calls = [
        lambda: reader.stub.Generate(
            inference_pb2.GenerateRequest(model=selector, texts=["a"]), timeout=30
        ),
        lambda: list(
            reader.stub.StreamGenerate(
                inference_pb2.StreamGenerateRequest(model=selector, text="a"), timeout=30
            )
        ),
        lambda: reader.stub.Score(
            inference_pb2.ScoreRequest(model=selector, pairs=[pair]), timeout=30
        ),
        lambda: reader.stub.Classify(
            inference_pb2.ClassifyRequest(model=selector, texts=["a"]), timeout=30
        ),
        lambda: reader.stub.Tokenize(
            inference_pb2.TokenizeRequest(model=selector, texts=["a"]), timeout=30
        ),
    ]
    for call in calls:
        error = error_of(call)
        assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "use Caption" in violations_of(error)["model"]


def test_http_takes_base64_and_answers_alike(reader: GatewayProcess) -> None:
    content = png(strip_pixels(50))
    (expected,) = ask(reader, content, attention=inference_pb2.ATTENTION_LEVEL_PIECES).results
    encoded = base64.b64encode(content).decode()
    with httpx.Client(base_url=reader.url, timeout=60) as http:
        body = {
            "model": {"name": STRIPS},
            "images": [{"content": encoded}],
            "options": {"attention": "ATTENTION_LEVEL_PIECES"},
        }
        answer = body_of(http.post("/v1/caption", json=body), "CaptionResponse")
        (result,) = answer["results"]
        assert result["hypotheses"][0]["text"] == expected.hypotheses[0].text
        assert result["grid"]["columnCount"] == 13
        np.testing.assert_allclose(
            result["hypotheses"][0]["attention"]["weights"],
            expected.hypotheses[0].attention.weights,
            atol=1e-4,
        )
        wrong = http.post("/v1/caption", json={**body, "images": [{"content": "%"}]})
        assert wrong.status_code == 400
        assert "images[0].content" in str(wrong.json())
        wrong = http.post("/v1/caption", json={**body, "images": [{"content": "AAAA"}]})
        assert "PNG or JPEG" in str(wrong.json())


def test_models_tell_what_pictures_they_read(client: Client) -> None:
    (strips,) = client.models()
    assert (strips.name, strips.task) == (STRIPS, "caption")
    assert strips.image is not None
    assert (strips.image.height, strips.image.max_width, strips.image.channel_count) == (
        HEIGHT,
        MAX_WIDTH,
        1,
    )
    assert strips.max_source_tokens == ROWS * MAX_WIDTH // CELL


def test_the_client_gives_texts_maps_and_a_picture(client: Client, tmp_path: Path) -> None:
    path = tmp_path / "strip.png"
    path.write_bytes(png(strip_pixels(60)))

    result = client.caption(path, model=STRIPS, attention="pieces")
    from_bytes = client.caption([path.read_bytes(), str(path)], model=STRIPS)

    assert result.model == ModelVersion(STRIPS, 1)
    assert [each.text for each in from_bytes] == [result.text] * 2
    assert from_bytes[0].attention is None
    attention = result.attention
    assert attention is not None
    assert attention.weights.shape == (len(result.tokens), ROWS, 15)
    np.testing.assert_allclose(np.asarray(attention).sum(axis=(1, 2)), 1.0, atol=1e-4)
    attention.plot(tmp_path / "map.png", title="a strip")
    assert width_of(tmp_path / "map.png") > 200
    heads = client.caption(path, model=STRIPS, attention="heads").attention
    assert heads is not None
    assert heads.heads is not None
    assert heads.heads.shape == (1, 1, *attention.weights.shape)
    beam = client.with_search(BeamSearch(3, num_hypotheses=2)).caption(path, model=STRIPS)
    assert len(beam.captions) == 2
    with pytest.raises(FileNotFoundError):
        client.caption(tmp_path / "none.png", model=STRIPS)
    with pytest.raises(TypeError, match="bytes or a path"):
        client.caption([1], model=STRIPS)  # type: ignore[list-item]


async def test_the_asynchronous_client_gives_the_same(
    reader: GatewayProcess, client: Client
) -> None:
    content = png(strip_pixels(60))
    async with AsyncClient(reader.address) as other:
        result = await other.caption(content, model=STRIPS)
        with pytest.raises(InvalidRequestError, match=r"images\[0\]"):
            await other.caption(b"none", model=STRIPS)
    assert result.captions == client.caption(content, model=STRIPS).captions


def test_the_example_of_the_page_runs_as_it_stands(
    reader: GatewayProcess,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("strip.png").write_bytes(png(strip_pixels(60)))
    example = block_with(PAGE, "import heed")
    there = re.sub(r'Client\("[\d.:]+"\)', f'Client("{reader.address}")', example)

    exec(compile(there, "example", "exec"), {})

    assert f"{float(CELL)} {float(CELL)}" in capsys.readouterr().out
    assert Path("where.png").stat().st_size > 1000


def run_command(reader: GatewayProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "heed", "caption", "--address", reader.address]
    return subprocess.run(
        [*command, "--model", STRIPS, *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_the_command_prints_texts_and_draws_maps(
    reader: GatewayProcess, client: Client, tmp_path: Path
) -> None:
    for number, width in enumerate((40, 60)):
        (tmp_path / f"{number}.png").write_bytes(png(strip_pixels(width)))
    files = [str(tmp_path / "0.png"), str(tmp_path / "1.png")]
    expected = [each.text for each in client.caption(files, model=STRIPS)]

    shown = run_command(reader, *files, "--attention", str(tmp_path / "where.png"))
    assert shown.stdout.splitlines() == expected
    assert shown.returncode == 0
    for name in ("where-1.png", "where-2.png"):
        assert width_of(tmp_path / name) > 200
    shown = run_command(reader, files[0], "--json", "--beam-width", "3", "--num-hypotheses", "2")
    document = json.loads(shown.stdout)
    assert document["file"] == files[0]
    assert len(document["alternatives"]) == 1
    assert document["attention"]["grid"]["column_count"] == 10
    assert np.shape(document["attention"]["weights"])[1:] == (ROWS, 10)


def test_the_command_says_what_is_wrong(reader: GatewayProcess, tmp_path: Path) -> None:
    good, bad = tmp_path / "good.png", tmp_path / "bad.png"
    good.write_bytes(png(strip_pixels(40)))
    bad.write_bytes(b"no picture")

    shown = run_command(reader, str(good), str(bad))
    assert shown.returncode == 1
    assert shown.stderr == f"heed: error: {bad}: must be a PNG or JPEG file\n"
    shown = run_command(reader, str(tmp_path / "missing.png"))
    assert shown.returncode == 1
    assert "missing.png: No such file" in shown.stderr
    shown = run_command(reader, str(good), "--attention", "terminal")
    assert shown.returncode == 2
    assert "maps over a picture are files" in shown.stderr


def test_other_models_read_no_pictures_and_say_so(gateway: GatewayProcess) -> None:
    error = error_of(lambda: ask(gateway, png(strip_pixels(20)), model=MODEL_NAME))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {"model": f"'{MODEL_NAME}' reads texts, and no pictures"}
