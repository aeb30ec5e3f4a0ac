"""The recipes of classifiers, small, on data made here."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from model_export.config import load_recipe
from model_export.data.examples import Split
from model_export.errors import DataError, RunError
from model_export.evaluation.evaluate import evaluate_run, save_metrics
from model_export.evaluation.text_outputs import Beam
from model_export.runs.training_run import TrainingRun
from model_export.training.average_run import average_run
from model_export.training.run_folder import held_run_folder
from model_export.training.stop import StopRequest
from model_export.training.train import train

WORDS = ["please", "now", "a", "the", "today", "again", "then"]
SMALL = [
    "source_tokenizer.vocabulary_size=60",
    "model.attention.units=8",
    "training.batch_size=16",
    "training.warmup_steps=4",
    "training.learning_rate=0.03",
    "training.evaluate_every_steps=10",
]


def _train(folder: Path, data_dir: Path, name: str, *overrides: str) -> TrainingRun:
    recipe = load_recipe(name, [*SMALL, *overrides])
    with held_run_folder(folder, recipe):
        assert train(recipe, folder=folder, data_dir=data_dir, stop=StopRequest())
    return TrainingRun.load(folder)


def test_snips_is_learnt_measured_and_averaged(tmp_path: Path) -> None:
    generator = random.Random(1)
    lines = []
    for index in range(300):
        intent, verb = generator.choice([("Play", "play"), ("Rate", "rate"), ("Book", "reserve")])
        words = [*generator.choices(WORDS, k=3), str(index)]
        lines.append(f"{intent}\t{verb} {' '.join(words)}\tO O B-x I-x O\n")
    (tmp_path / "train.tsv").write_text("".join(lines), encoding="utf-8")
    run = _train(
        tmp_path / "run",
        tmp_path,
        "snips",
        "model.encoder={kind: rnn, embedding_width: 8, width: 8}",
        "training.epochs=3",
        "training.length_buckets=[24]",
        "training.average_last=2",
    )
    assert run.labels == ("Book", "Play", "Rate")
    assert run.metrics["dev.accuracy"] == 1.0
    assert 0 < run.metrics["dev.attention_on_marks"] < 1
    history = json.loads((run.path / "history.json").read_text())
    assert history[-1]["dev_loss"] < history[0]["dev_loss"]

    measured = evaluate_run(run.path, split=Split.TEST, data_dir=tmp_path)
    save_metrics(measured, run.path, split=Split.TEST)
    confusion = json.loads((run.path / "confusion-test.json").read_text())
    assert confusion["labels"] == ["Book", "Play", "Rate"]
    assert sum(map(sum, confusion["counts"])) == measured.as_dict()["text_count"]
    with pytest.raises(RunError, match="holds a classifier, which searches for nothing"):
        evaluate_run(run.path, split=Split.TEST, data_dir=tmp_path, beam=Beam(4))
    with pytest.raises(RunError, match="holds a classifier, which writes no text"):
        _ = run.target_tokenizer

    averaged = average_run(run.path, [], out=tmp_path / "averaged", data_dir=tmp_path)
    assert averaged["dev.accuracy"] > 0.9
    assert TrainingRun.load(tmp_path / "averaged").labels == run.labels


def test_imdb_is_learnt_sentence_by_sentence(tmp_path: Path) -> None:
    generator = random.Random(2)
    rows = []
    for index in range(240):
        label, clue = generator.choice([("negative", "dreadful"), ("positive", "wonderful")])
        texts = [" ".join(generator.choices(WORDS, k=4)) for _ in range(3)]
        texts[generator.randrange(3)] += f" {clue}"
        text = "<br /><br />".join(f"{sentence.capitalize()} {index}." for sentence in texts)
        rows.append(f'{label},"{text}",{index % 5 == 0}\n')
    header = "label,text,is_valid\n"
    (tmp_path / "texts.csv").write_text(header + "".join(rows), encoding="utf-8")
    run = _train(
        tmp_path / "run",
        tmp_path,
        "imdb",
        "model.encoder={kind: transformer, layers: 1, width: 8, head_count: 2}",
        "model.sentences={max_count: 64, max_tokens: 32, width: 8}",
        "training.epochs=4",
        "training.length_buckets=[64]",
        "training.patience=9",
        "model.dropout=0.1",
    )
    assert run.metrics["dev.accuracy"] > 0.8
    assert evaluate_run(run.path, split=Split.TEST, data_dir=tmp_path).as_dict()["text_count"] == 48


@pytest.mark.parametrize(
    ("train_lines", "dev_lines", "message"),
    [
        ("a\tx\na\ty\n", "a\tz\n", "the training data has 1 labels; two or more are needed"),
        ("a\tx\nb\ty\n", "c\tz\n", "the label 'c', which no training text has"),
        ("a\tx\nb\ty\n", f"a\t{'long ' * 99}\n", "no dev text is left within"),
    ],
)
def test_data_that_cannot_be_learnt_is_refused(
    tmp_path: Path, train_lines: str, dev_lines: str, message: str
) -> None:
    (tmp_path / "train.tsv").write_text(train_lines)
    (tmp_path / "dev.tsv").write_text(dev_lines)
    recipe = load_recipe("snips", [*SMALL, "data.kind=labelled_text", "training.epochs=1"])
    folder = tmp_path / "run"
    folder.mkdir()
    with pytest.raises(DataError, match=message):
        train(recipe, folder=folder, data_dir=tmp_path, stop=StopRequest())
