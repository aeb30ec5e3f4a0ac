"""Training in this process: early stopping, curves, label smoothing, XLA."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest
import tensorflow as tf

from model_export.config import load_recipe
from model_export.data.examples import Split
from model_export.evaluation.evaluate import evaluate_run, save_metrics
from model_export.runs.training_run import TrainingRun
from model_export.training.loss import doubly_stochastic_penalty
from model_export.training.stop import StopRequest
from model_export.training.train import train

SMALL = ["data.max_train_pairs=256", "data.max_dev_examples=8", "training.evaluate_every_steps=2"]


def _train(folder: Path, *overrides: str) -> list[dict[str, float]]:
    recipe = load_recipe("g2p-tiny", [*SMALL, *overrides])
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    assert train(recipe, folder=folder, data_dir=None, stop=StopRequest())
    return json.loads((folder / "history.json").read_text())


def test_training_stops_when_the_dev_metric_has_not_risen_for_long(tmp_path: Path) -> None:
    history = _train(
        tmp_path,
        "training.learning_rate=1",
        "training.patience=2",
        "training.dev_metric=loss",
        "training.length_buckets=[14]",
        "model.max_target_tokens=14",
    )
    losses = [entry["dev_loss"] for entry in history]
    best = losses.index(min(losses))
    assert len(losses) == best + 3
    run = TrainingRun.load(tmp_path)
    assert run.metrics["training.best_step"] == history[best]["step"]
    assert run.metrics["training.steps"] == history[-1]["step"] < 30
    assert run.metrics["dev.loss"] == min(losses)


def test_xla_and_plain_graphs_learn_alike(tmp_path: Path) -> None:
    histories = []
    for jit_compile in ("true", "false"):
        folder = tmp_path / jit_compile
        folder.mkdir()
        histories.append(
            _train(
                folder,
                f"training.jit_compile={jit_compile}",
                "training.epochs=1",
                "training.length_buckets=[14]",
                "training.label_smoothing=0.1",
                "model.dropout=0",
            )
        )
    for compiled, plain in zip(*histories, strict=True):
        assert abs(compiled["train_loss"] - plain["train_loss"]) < 1e-4
        assert abs(compiled["dev_loss"] - plain["dev_loss"]) < 1e-4


FRUIT = {"an": "une", "the": "la", "red": "rouge", "green": "verte", "apple": "pomme"}


@pytest.mark.parametrize("recipe_name", ["small-vocab-en-fr", "tatoeba-en-fr"])
def test_translations_are_learnt_from_files_and_judged_by_bleu(
    recipe_name: str, tmp_path: Path
) -> None:
    data_dir, folder = tmp_path / "data", tmp_path / "run"
    data_dir.mkdir()
    folder.mkdir()
    lines = [
        f"{' '.join(words)}\t{' '.join(FRUIT[word] for word in words)}\n"
        for words in itertools.product(FRUIT, repeat=4)
    ]
    (data_dir / "train.tsv").write_text("".join(lines[:512]))
    (data_dir / "dev.tsv").write_text("".join(lines[512:]))
    (data_dir / "test.tsv").write_text("".join(lines[600:]))
    recipe = load_recipe(
        recipe_name,
        [
            *(f"model.{name}_width=16" for name in ("embedding", "encoder", "decoder", "readout")),
            "source_tokenizer.vocabulary_size=24",
            "target_tokenizer.vocabulary_size=24",
            "training.jit_compile=false",
            "training.epochs=2",
            "training.batch_size=32",
            "training.warmup_steps=4",
            "training.learning_rate=0.02",
            "training.length_buckets=[24]",
            "training.dev_examples=16",
            "training.evaluate_every_steps=16",
        ],
    )
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    assert train(recipe, folder=folder, data_dir=data_dir, stop=StopRequest())
    run = TrainingRun.load(folder)
    assert 0 <= run.metrics["dev.bleu"] <= 100
    assert run.metrics["dev.chrf"] > 5
    history = json.loads((folder / "history.json").read_text())
    assert history[-1]["dev_loss"] < history[0]["dev_loss"]
    measured = evaluate_run(folder, split=Split.TEST, data_dir=data_dir)
    save_metrics(measured, folder, split=Split.TEST)
    assert measured.as_dict()["sentence_count"] == 25
    assert json.loads((folder / "evaluation-test.json").read_text()) == measured.as_dict()


def test_the_penalty_spreads_attention_over_the_source(tmp_path: Path) -> None:
    losses = {}
    for penalty in (0, 5):
        folder = tmp_path / str(penalty)
        folder.mkdir()
        _train(
            folder,
            f"model.attention={{kind: xu_soft, units: 8, penalty: {penalty}}}",
            "training.epochs=2",
            "training.evaluate_every_steps=8",
            "training.length_buckets=[14]",
        )
        run = TrainingRun.load(folder)
        inputs = {
            "tokens": tf.constant([run.source_tokenizer.encode_ids("attention")]),
            "lengths": tf.constant([9]),
            "target_inputs": tf.constant([[2, *run.target_tokenizer.encode_ids("AH T EH N")]]),
        }
        losses[penalty] = float(
            doubly_stochastic_penalty(
                run.model(inputs).attention_heads,
                lengths=inputs["lengths"],
                target_lengths=tf.constant([5]),
            )
        )
    assert losses[5] < losses[0]


class StopsAfter(StopRequest):
    """Asks to stop after so many steps."""

    def __init__(self, steps: int) -> None:
        super().__init__()
        self._steps_left = steps

    @property
    def exit_status(self) -> int | None:
        self._steps_left -= 1
        return None if self._steps_left > 0 else 143


@pytest.mark.timeout(400)  # it trains nearly three times
def test_hard_attention_reports_its_noise_and_goes_on_as_if_never_stopped(tmp_path: Path) -> None:
    changes = ["model.attention={kind: xu_hard, units: 8}", "training.length_buckets=[14]"]
    changes += ["training.epochs=1", "data.max_dev_examples=4"]
    folders = [tmp_path / name for name in ("whole", "stopped")]
    for folder in folders:
        folder.mkdir()
    history = _train(folders[0], *changes)
    for entry in history:
        assert entry["diagnostics"]["gradient_variance"] > 0
        assert "gradient_signal" in entry["diagnostics"]

    recipe = load_recipe("g2p-tiny", [*SMALL, *changes])
    assert not train(recipe, folder=folders[1], data_dir=None, stop=StopsAfter(3))
    assert _train(folders[1], *changes) == history


def test_tensorboard_shows_the_curves(tiny_run: Path) -> None:
    (path,) = (tiny_run / "tensorboard").iterdir()
    tags: dict[str, list[int]] = {}
    for record in tf.data.TFRecordDataset([str(path)]):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            tags.setdefault(value.tag, []).append(event.step)
    steps = [entry["step"] for entry in json.loads((tiny_run / "history.json").read_text())]
    assert tags == dict.fromkeys(
        (
            "train_loss",
            "dev_loss",
            "dev_word_accuracy",
            "dev_word_error_rate",
            "dev_phoneme_error_rate",
            "learning_rate",
        ),
        steps,
    )
