"""Training in this process: early stopping, curves, label smoothing, XLA."""

from __future__ import annotations

import json
from pathlib import Path

import tensorflow as tf

from model_export.config import load_recipe
from model_export.runs.training_run import TrainingRun
from model_export.training.stop import StopRequest
from model_export.training.train import train

SMALL = ["data.max_train_pairs=256", "data.max_dev_words=8", "training.evaluate_every_steps=2"]


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


def test_tensorboard_shows_the_curves(tiny_run: Path) -> None:
    (path,) = (tiny_run / "tensorboard").iterdir()
    tags: dict[str, list[int]] = {}
    for record in tf.data.TFRecordDataset([str(path)]):
        event = tf.compat.v1.Event.FromString(record.numpy())
        for value in event.summary.value:
            tags.setdefault(value.tag, []).append(event.step)
    steps = [entry["step"] for entry in json.loads((tiny_run / "history.json").read_text())]
    assert tags == dict.fromkeys(
        ("train_loss", "dev_loss", "dev_word_accuracy", "learning_rate"), steps
    )
