"""Attention that learns from given links, in a language whose links are known."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import AlignmentLoss, RecipeError, load_recipe
from model_export.data.examples import Link, Split
from model_export.errors import DataError
from model_export.evaluation.alignment import alignment_error_rate
from model_export.evaluation.evaluate import evaluate_run
from model_export.training.loss import alignment_loss
from model_export.training.stop import StopRequest
from model_export.training.train import train

WORDS = ["sun", "moon", "star", "rain", "snow", "wind", "fire", "sand"]
DICTIONARY = {word: f"{word[::-1]}o" for word in WORDS}
RNN = [f"model.{name}_width=16" for name in ("embedding", "encoder", "decoder", "readout")]
GUIDED = "training.guided_alignment={weight: 1.0}"
TRANSFORMER = [
    "model={kind: transformer, encoder_layers: 1, decoder_layers: 2, width: 16, "
    "feed_forward_width: 32, head_count: 2, dropout: 0.0}",
]


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sentences of two to five words, and their translations, whose words stand in reverse."""
    folder = tmp_path_factory.mktemp("language")
    random = np.random.default_rng(7)
    for name, count in (("train", 256), ("dev", 32), ("test", 32)):
        rows, links = [], []
        for _ in range(count):
            words = [
                WORDS[index] for index in random.integers(0, len(WORDS), random.integers(2, 6))
            ]
            rows.append(f"{' '.join(words)}\t{' '.join(DICTIONARY[w] for w in words[::-1])}\n")
            last = len(words) - 1
            links.append(" ".join(f"{i}-{last - i}" for i in range(len(words))) + "\n")
        (folder / f"{name}.tsv").write_text("".join(rows))
        (folder / f"{name}.links").write_text("".join(links))
    return folder


def _trained(folder: Path, data_dir: Path, *overrides: str) -> list[dict[str, dict[str, float]]]:
    recipe = load_recipe(
        "small-vocab-en-fr",
        [
            *overrides,
            "data.links={train: train.links, dev: dev.links, test: test.links}",
            "source_tokenizer={kind: word}",
            "target_tokenizer={kind: word}",
            "training.jit_compile=false",
            "training.epochs=6",
            "training.batch_size=32",
            "training.warmup_steps=4",
            "training.learning_rate=0.01",
            "training.length_buckets=[6]",
            "training.dev_examples=16",
            "training.evaluate_every_steps=48",
        ],
    )
    folder.mkdir()
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    assert train(recipe, folder=folder, data_dir=data_dir, stop=StopRequest())
    return json.loads((folder / "history.json").read_text())


def test_guidance_lowers_the_alignment_error_rate(data_dir: Path, tmp_path: Path) -> None:
    left_alone = _trained(tmp_path / "alone", data_dir, *RNN)
    guided = _trained(tmp_path / "guided", data_dir, *RNN, GUIDED)
    name = "alignment_error_rate"
    assert guided[-1]["dev_metrics"][name] < 0.5 * left_alone[-1]["dev_metrics"][name]
    metrics = json.loads((tmp_path / "guided" / "metrics.json").read_text())
    assert 0 <= metrics[f"dev.{name}"] < 0.4
    measured = evaluate_run(tmp_path / "guided", split=Split.TEST, data_dir=data_dir).as_dict()
    assert measured[name] == pytest.approx(metrics[f"dev.{name}"], abs=0.1)
    assert "bleu" in measured


def test_the_averaged_layer_of_a_transformer_is_guided(data_dir: Path, tmp_path: Path) -> None:
    (entry,) = _trained(tmp_path / "run", data_dir, *TRANSFORMER, GUIDED)
    # Left alone it comes to 0.67, which is what chance gives.
    assert entry["dev_metrics"]["alignment_error_rate"] < 0.45


def test_the_error_rate_is_that_of_och_and_ney() -> None:
    sure, possible = Link(0, 0), Link(1, 1, is_sure=False)
    # A = {0-0, 1-1, 2-2}: |A n S| = 1, |A n P| = 2, |A| = 3, |S| = 1.
    rate = alignment_error_rate([{(0, 0), (1, 1), (2, 2)}], [[sure, possible]])
    assert rate == pytest.approx(1 - 3 / 4)
    assert alignment_error_rate([{(0, 0)}, set()], [[sure], []]) == 0.0
    with pytest.raises(DataError, match="no links to compare with"):
        alignment_error_rate([set()], [[]])


def test_the_loss_counts_real_and_linked_tokens_alone() -> None:
    attention = tf.constant([[[0.5, 0.5], [0.25, 0.75], [0.9, 0.1]]])
    alignment = tf.constant([[[0.5, 0.5], [0.0, 0.0], [1.0, 0.0]]])
    losses = {
        kind: float(
            alignment_loss(attention, alignment, target_lengths=tf.constant([length]), kind=kind)
        )
        for length, kind in [(2, AlignmentLoss.CROSS_ENTROPY), (3, AlignmentLoss.SQUARED_ERROR)]
    }
    assert losses[AlignmentLoss.CROSS_ENTROPY] == pytest.approx(math.log(2))
    assert losses[AlignmentLoss.SQUARED_ERROR] == pytest.approx((0.1**2 + 0.1**2) / 2)


def test_guidance_without_links_is_refused() -> None:
    with pytest.raises(RecipeError, match=r"needs data\.links\.train, a file of links"):
        load_recipe("small-vocab-en-fr", ["training.guided_alignment={weight: 1}"])
