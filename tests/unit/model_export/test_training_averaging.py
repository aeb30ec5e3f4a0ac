"""The mean of a training's weights: at its end, and of saved states afterwards."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from model_export.config import load_recipe
from model_export.errors import RunError
from model_export.main import main
from model_export.progress import progress_display
from model_export.runs.training_run import TrainingRun
from model_export.training.average_run import average_run
from model_export.training.averaging import RecentWeights, assign_mean
from model_export.training.checkpoint import (
    HistoryEntry,
    TrainingProgress,
    write_state,
)
from model_export.training.stop import StopRequest
from model_export.training.train import build_learner, train
from model_export.training.trainer import Trainer

OVERRIDES = [
    "data.max_train_pairs=256",
    "data.max_dev_examples=8",
    "training.epochs=2",
    "training.evaluate_every_steps=2",
    "training.length_buckets=[14]",
    "training.average_last=3",
]


def _progress(step: int, *, data: str = "data") -> TrainingProgress:
    entry = HistoryEntry(step=step, train_loss=1.0, dev_loss=1.0, dev_metrics={})
    return TrainingProgress(data_sha256=data, step=step, best_step=step, history=(entry,))


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished run of eight steps and four evaluations, the last three of which are averaged."""
    folder = tmp_path_factory.mktemp("averaged")
    recipe = load_recipe("g2p-tiny", OVERRIDES)
    (folder / "recipe.json").write_text(recipe.model_dump_json())
    assert train(recipe, folder=folder, data_dir=None, stop=StopRequest())
    return folder


def _copy(run: Path, to: Path) -> Path:
    return shutil.copytree(run, to)


def test_the_mean_is_that_of_the_weights_and_other_state_is_the_last_ones(tmp_path: Path) -> None:
    weight, state = tf.Variable([0.0, 0.0]), tf.Variable([0, 0], dtype=tf.int32)
    for step, value in ((1, 1.0), (2, 4.0)):
        write_state(
            tmp_path / f"{step}.npz",
            _progress(step),
            [np.array([value, -value], np.float32), np.array([step, 7], np.int32), np.ones(3)],
        )
    found = assign_mean([tmp_path / "1.npz", tmp_path / "2.npz"], [weight, state])
    assert [progress.step for progress in found] == [1, 2]
    assert weight.numpy().tolist() == [2.5, -2.5]
    assert state.numpy().tolist() == [2, 7]


def test_no_more_weights_are_kept_than_asked_for(tmp_path: Path) -> None:
    recent = RecentWeights(tmp_path, count=2)
    history: tuple[HistoryEntry, ...] = ()
    for step in (10, 20, 30):
        progress = _progress(step)
        history = (*history, *progress.history)
        progress = progress.model_copy(update={"history": history})
        recent.keep(progress, [np.zeros(1, np.float32)])
        recent.forget(progress)
    names = sorted(path.name for path in (tmp_path / "recent_weights").iterdir())
    assert names == ["step-00000020.npz", "step-00000030.npz"]


def test_training_measures_the_mean_of_its_last_weights_at_the_end(run: Path) -> None:
    history = json.loads((run / "history.json").read_text())
    assert [entry.get("averaged_steps") for entry in history] == [None] * 4 + [[4, 6, 8]]
    assert [entry["step"] for entry in history] == [2, 4, 6, 8, 8]
    metrics = json.loads((run / "metrics.json").read_text())
    goodness = [(entry["dev_metrics"]["word_accuracy"], -entry["dev_loss"]) for entry in history]
    best = goodness.index(max(goodness))
    assert metrics["training.best_step"] == history[best]["step"]
    assert metrics["training.averaged_weights"] == len(history[best].get("averaged_steps", ()))
    assert metrics["dev.loss"] == history[best]["dev_loss"]


def test_the_mean_is_the_result_only_where_it_is_better(run: Path, tmp_path: Path) -> None:
    """The kept weights are made much worse and much better by hand; then the end is repeated."""
    for scale, expected in ((100.0, 0.0), (1.0, 3.0)):
        folder = _copy(run, tmp_path / f"{scale}")
        (folder / "metrics.json").unlink()
        recipe = load_recipe("g2p-tiny", OVERRIDES)
        learner = build_learner(recipe, folder=folder, data_dir=None)
        with np.load(folder / "training_state.npz") as file:
            arrays = dict(file)
        progress = TrainingProgress.model_validate_json(str(arrays.pop("progress")))
        # As if killed before the end, with no good evaluation so far.
        history = tuple(
            entry.model_copy(update={"dev_loss": 1.0 if expected == 0 else 99.0})
            for entry in progress.history
            if not entry.averaged_steps
        )
        progress = progress.model_copy(
            update={"history": history, "best_step": 8, "best_is_average": False}
        )
        write_state(folder / "training_state.npz", progress, list(arrays.values()))
        for path in (folder / "recent_weights").iterdir():
            with np.load(path) as file:
                values = [
                    value * scale if value.dtype == np.float32 else value
                    for name, value in file.items()
                    if name != "progress"
                ]
            write_state(path, _progress(8), values)
        trainer = Trainer(recipe, learner, folder)
        with progress_display("", 1) as display:
            assert trainer.train(display, StopRequest())
        assert len(trainer.progress.best_entry.averaged_steps) == expected
        state = tmp_path / f"{scale}" / "training_state.npz"
        with np.load(state) as file:  # the state is that of the last step, not the mean
            assert np.array_equal(file["variable_0000"], arrays["variable_0000"])


def test_saved_states_become_a_run_of_their_own(
    run: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "mean"
    assert main(["average", str(run), "--out", str(out)]) == 0
    assert f"{out} is the mean of 3 saved states: dev word accuracy" in capsys.readouterr().out
    averaged = TrainingRun.load(out)
    assert averaged.metrics["training.averaged_weights"] == 3
    assert averaged.metrics["training.steps"] == 8
    states = sorted((run / "recent_weights").iterdir())
    first = [np.load(path)["variable_0000"] for path in states]
    expected = np.mean(np.array(first, np.float64), axis=0).astype(np.float32)
    assert np.array_equal(averaged.model.variables[0].numpy(), expected)


def test_full_states_average_as_well_and_the_last_ones_are_those_of_the_latest_steps(
    run: Path, tmp_path: Path
) -> None:
    first, second, third = sorted((run / "recent_weights").iterdir())
    states = [run / "training_state.npz", first, second]  # steps 8, 4, 6
    metrics = average_run(run, states, out=tmp_path / "mean", last=2)
    expected = [np.load(path)["variable_0000"].astype(np.float64) for path in (second, third)]
    model = TrainingRun.load(tmp_path / "mean").model
    assert np.array_equal(model.variables[0].numpy(), np.mean(expected, axis=0).astype(np.float32))
    assert metrics["training.averaged_weights"] == 2


@pytest.mark.parametrize(
    ("case", "problem"),
    [
        ("twice", "two of the states are of step 8: name each once"),
        ("other data", "the states were trained on different data"),
        ("other model", "is of another model: [3] is not the shape of"),
        ("no state", "is no saved state of a training"),
        ("nothing kept", "kept no weights: name saved states, or train with"),
        ("out is taken", "is there already and not empty: choose another --out"),
    ],
)
def test_what_cannot_be_averaged_is_named(
    run: Path, tmp_path: Path, case: str, problem: str
) -> None:
    state = run / "training_state.npz"
    other = tmp_path / "other.npz"
    out, states, source = tmp_path / "mean", [state, other], run
    with np.load(state) as file:
        arrays = [value for name, value in file.items() if name != "progress"]
    match case:
        case "twice":
            states = [state, state]
        case "other data":
            progress = TrainingProgress.model_validate_json(str(np.load(state)["progress"]))
            changed = progress.model_copy(update={"step": 4, "data_sha256": "other"})
            write_state(other, changed, arrays)
        case "other model":
            write_state(other, _progress(4), [np.zeros(3, np.float32)] * len(arrays))
        case "no state":
            other.write_text("{}")
        case "nothing kept":
            states, source = [], _copy(run, tmp_path / "copy")
            shutil.rmtree(source / "recent_weights")
        case "out is taken":
            out = run
    with pytest.raises(RunError) as caught:
        average_run(source, states, out=out)
    assert problem in str(caught.value)
