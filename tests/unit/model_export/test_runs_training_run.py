from __future__ import annotations

import errno
import shutil
from pathlib import Path

import numpy as np
import pytest

from model_export.errors import RunError
from model_export.runs.training_run import (
    METRICS_FILE,
    RECIPE_FILE,
    STATE_FILE,
    TrainingRun,
    load_run_recipe,
    write_atomically,
    write_file_atomically,
)
from model_export.training.checkpoint import (
    TrainingProgress,
    restore_checkpoint,
    save_checkpoint,
)


class Variable:
    """What a checkpoint needs of a variable."""

    def __init__(self, value: list[float]) -> None:
        self.value = np.array(value)

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.value

    def assign(self, value: np.ndarray) -> None:
        if value.shape != self.value.shape:
            raise ValueError(f"shape {value.shape} does not fit")
        self.value = value


def test_a_finished_run_gives_all_that_export_needs(tiny_run: Path) -> None:
    run = TrainingRun.load(tiny_run)
    assert run.recipe.name == "g2p-tiny"
    assert run.target_tokenizer.decode(run.target_tokenizer.encode_ids("K AE T")).text == "K AE T"
    assert 0.0 < run.metrics["dev.word_accuracy"] < 1.0
    assert run.metrics["training.left_out_pairs"] == 24.0
    assert run.model.built


def test_the_tiny_run_has_learnt_something(tiny_run: Path) -> None:
    metrics = TrainingRun.load(tiny_run).metrics
    assert metrics["dev.word_accuracy"] > 0.1
    assert metrics["dev.phoneme_error_rate"] < 0.4


def test_a_folder_that_is_no_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"there is no training run at .*nowhere: no such folder"):
        TrainingRun.load(tmp_path / "nowhere")
    with pytest.raises(RunError, match=r"is no training run: it has no recipe\.json"):
        TrainingRun.load(tmp_path)


def test_an_unfinished_run_says_how_to_go_on(tiny_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    (folder / METRICS_FILE).unlink()
    with pytest.raises(RunError, match=r"is not finished: go on with `heed train .* --out .*run`"):
        TrainingRun.load(folder)


def test_a_run_of_another_version_of_heed_is_told_from_a_damaged_one(tmp_path: Path) -> None:
    (tmp_path / RECIPE_FILE).write_text('{"name": "g2p", "model": {"kind": "of old"}}')
    with pytest.raises(RunError, match="none of this version of Heed; move it away and train anew"):
        load_run_recipe(tmp_path)


@pytest.mark.parametrize(
    "name", [RECIPE_FILE, METRICS_FILE, "best.weights.h5", "source_tokenizer.model"]
)
def test_a_damaged_file_is_reported(tiny_run: Path, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    (folder / name).write_bytes(b"{damaged")
    with pytest.raises(RunError, match="is damaged"):
        TrainingRun.load(folder)


def test_a_failed_write_leaves_the_old_file_alone(tmp_path: Path) -> None:
    path = tmp_path / "file.json"
    write_atomically(path, b"old")

    def fail(temporary: Path) -> None:
        temporary.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(RunError, match=r"cannot write .*file\.json: No space left on device"):
        write_file_atomically(path, fail)
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.json"]


def test_a_checkpoint_restores_variables_and_progress(tmp_path: Path) -> None:
    progress = TrainingProgress(data_sha256="0", step=7, loss_sum=0.1 + 0.2, best_step=5)
    save_checkpoint(tmp_path, progress, [Variable([1.5, 2.5]), Variable([3.0])])
    variables = [Variable([0.0, 0.0]), Variable([0.0])]
    assert restore_checkpoint(tmp_path, variables) == progress
    assert variables[0].value.tolist() == [1.5, 2.5]
    assert variables[1].value.tolist() == [3.0]


def test_without_a_checkpoint_nothing_is_restored(tmp_path: Path) -> None:
    assert restore_checkpoint(tmp_path, []) is None


def test_a_checkpoint_that_does_not_fit_is_refused(tmp_path: Path) -> None:
    save_checkpoint(tmp_path, TrainingProgress(data_sha256="0"), [Variable([1.0, 2.0])])
    for variables in ([], [Variable([1.0])]):
        with pytest.raises(RunError, match="cannot go on from"):
            restore_checkpoint(tmp_path, variables)
    (tmp_path / STATE_FILE).write_bytes(b"damaged")
    with pytest.raises(RunError, match="train again into another folder"):
        restore_checkpoint(tmp_path, [])
