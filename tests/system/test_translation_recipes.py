"""A translation recipe from its data to an answer of the gateway, on a handful of sentences."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from heed.v1 import inference_pb2
from tests.support.gateway import generate_request, running_gateway
from tests.support.training import run_model_export

SUBJECTS = {"a dog": "ein hund", "a cat": "eine katze", "two men": "zwei männer"}
VERBS = {"run": "rennen", "sleep": "schlafen", "sing": "singen"}
PLACES = {"in a park": "in einem park", "at home": "zu hause", "outside": "draußen"}
SMALL = [
    "model.encoder_layers=1",
    "model.decoder_layers=2",
    "model.width=16",
    "model.feed_forward_width=16",
    "model.head_count=2",
    "model.max_source_tokens=12",
    "model.max_target_tokens=12",
    "training.epochs=2",
    "training.length_buckets=[12]",
    "training.batch_tokens=96",
    "training.evaluate_every_steps=8",
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of Multi30k with 27 sentences in each part."""
    folder = tmp_path_factory.mktemp("multi30k")
    pairs = [
        (" ".join(side[0] for side in triple), " ".join(side[1] for side in triple))
        for triple in itertools.product(SUBJECTS.items(), VERBS.items(), PLACES.items())
    ]
    for part in ("train", "val", "test_2016_flickr"):
        for language, texts in (("en", (p[0] for p in pairs)), ("de", (p[1] for p in pairs))):
            path = folder / f"{part}.lc.norm.tok.{language}"
            path.write_text("".join(f"{text} .\n" for text in texts), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def run_dir(data_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run") / "multi30k"
    done = run_model_export(
        ["train", "multi30k-en-de", "--data-dir", str(data_dir), "--out", str(folder), *SMALL]
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_both_sides_have_one_tokenizer(run_dir: Path) -> None:
    source, target = (
        (run_dir / f"{side}_tokenizer.model").read_bytes() for side in ("source", "target")
    )
    assert source == target


def test_the_run_knows_its_bleu(run_dir: Path, data_dir: Path) -> None:
    assert 0.0 <= json.loads((run_dir / "metrics.json").read_text())["dev.bleu"] <= 100.0
    done = run_model_export(
        ["evaluate", str(run_dir), "--data-dir", str(data_dir), "--split", "test", "--json"]
    )
    assert done.returncode == 0, done.stderr
    assert 0.0 <= json.loads(done.stdout)["bleu"] <= 100.0


def test_the_model_translates_behind_the_gateway_with_every_head(
    run_dir: Path, tmp_path: Path
) -> None:
    command = ["export", str(run_dir), "--models-dir", str(tmp_path)]
    done = run_model_export(command, timeout_s=170)
    assert done.returncode == 0, done.stderr
    with running_gateway(["--models-dir", str(tmp_path)]) as gateway:
        request = generate_request("A dog run", attention=inference_pb2.ATTENTION_LEVEL_HEADS)
        answer = gateway.stub.Generate(request, timeout=60)
    hypothesis = answer.results[0].hypotheses[0]
    heads = hypothesis.attention.heads
    assert [(head.layer_index, head.head_index) for head in heads] == [
        (0, 0), (0, 1), (1, 0), (1, 1),
    ]  # fmt: skip
    assert hypothesis.tokens
