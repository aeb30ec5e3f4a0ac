"""`heed train` and `heed evaluate` as a user runs them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.training import TINY_RECIPE, run_model_export


def _train_until(
    folder: Path, condition: Callable[[], bool], signal_number: int
) -> tuple[int, str]:
    """Starts a training, signals it once the condition holds; its status and standard error."""
    log = folder.with_suffix(".log")
    with log.open("w") as stderr:
        process = subprocess.Popen(
            [sys.executable, "-m", "model_export", "train", TINY_RECIPE, "--out", str(folder)],
            stderr=stderr,
            stdout=subprocess.DEVNULL,
        )
        try:
            give_up_s = time.monotonic() + 90
            while not condition() and process.poll() is None and time.monotonic() < give_up_s:
                time.sleep(0.02)
            process.send_signal(signal_number)
            status = process.wait(timeout=60)
        finally:
            process.kill()
    return status, log.read_text()


def _step(folder: Path) -> int:
    path = folder / "history.json"
    history = json.loads(path.read_text()) if path.is_file() else []
    return max((entry["step"] for entry in history), default=0)


@pytest.mark.timeout(400)  # it trains nearly three times
def test_a_killed_and_an_interrupted_training_end_like_an_undisturbed_one(
    tiny_run: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "run"
    status, _ = _train_until(folder, lambda: _step(folder) >= 100, signal.SIGKILL)
    assert status == -signal.SIGKILL
    killed_at = _step(folder)
    assert 100 <= killed_at < 378

    status, log = _train_until(folder, lambda: _step(folder) > killed_at, signal.SIGINT)
    assert status == 128 + signal.SIGINT
    assert f"going on from step {killed_at}/378" in log
    assert "heed: stopping after this step" in log
    assert f"heed train {folder}/recipe.json --out {folder}" in log
    assert "Traceback" not in log

    result = run_model_export(["train", f"{folder}/recipe.json", "--out", str(folder)])
    assert result.returncode == 0, result.stderr
    assert (folder / "history.json").read_text() == (tiny_run / "history.json").read_text()
    expected, metrics = (
        json.loads((run / "metrics.json").read_text()) for run in (tiny_run, folder)
    )
    for values in (expected, metrics):
        values.pop("training.seconds")
    assert metrics == expected


def test_a_finished_run_is_left_alone(tiny_run: Path) -> None:
    before = (tiny_run / "metrics.json").stat().st_mtime_ns
    result = run_model_export(["train", TINY_RECIPE, "--out", str(tiny_run)])
    assert result.returncode == 0
    assert "is finished: dev word accuracy" in result.stdout
    assert (tiny_run / "metrics.json").stat().st_mtime_ns == before


def test_a_run_of_another_recipe_is_refused(tiny_run: Path) -> None:
    # An override may stand behind the options.
    result = run_model_export(["train", TINY_RECIPE, "--out", str(tiny_run), "training.epochs=9"])
    assert result.returncode == 1
    assert "holds a run of another recipe (training.epochs: 6 there, 9 now)" in result.stderr
    assert "Traceback" not in result.stderr


def test_other_data_is_refused_when_a_training_goes_on(tiny_run: Path, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    shutil.copytree(tiny_run, folder)
    (folder / "metrics.json").unlink()
    data = tmp_path / "data"
    data.mkdir()
    lines = "".join(f"{a}{b}at K AE1 T\n" for a in "abcdefghijklmn" for b in "opqrstuvwxyz")
    (data / "cmudict.dict").write_text(lines)
    result = run_model_export(["train", TINY_RECIPE, "--out", str(folder), "--data-dir", str(data)])
    assert result.returncode == 1
    assert "was trained on other data; give the same --data-dir" in result.stderr


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("precious")
    result = run_model_export(["train", TINY_RECIPE, "--out", str(tmp_path)])
    assert result.returncode == 1
    assert "is neither empty nor a training run: choose another --out" in result.stderr
    assert [entry.name for entry in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = run_model_export(["train", TINY_RECIPE, "--out", str(tmp_path / "file" / "run")])
    assert result.returncode == 1
    assert f"cannot write the run's folder {tmp_path}/file/run: Not a directory" in result.stderr


def test_a_full_disk_is_a_clear_error(tmp_path: Path) -> None:
    # A limit on the size of files stands in for the disk: writing fails in the same calls.
    script = (
        "import resource, signal, sys; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, 300_000));"
        "from model_export.main import main; sys.exit(main(sys.argv[1:]))"
    )
    result = subprocess.run(
        [
            *(sys.executable, "-c", script, "train", TINY_RECIPE, "--out", str(tmp_path / "run")),
            "training.evaluate_every_steps=2",  # the sooner comes the first checkpoint
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 1
    assert "heed: error: cannot write" in result.stderr
    assert "Traceback" not in result.stderr


def test_two_trainings_cannot_share_a_folder(tiny_run: Path) -> None:
    with (tiny_run / ".lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        result = run_model_export(["train", TINY_RECIPE, "--out", str(tiny_run)])
    assert result.returncode == 1
    assert "another training is at work in" in result.stderr


def test_evaluate_prints_and_saves_the_metrics(tiny_run: Path) -> None:
    result = run_model_export(["evaluate", str(tiny_run), "--split", "dev", "--json"])
    assert result.returncode == 0, result.stderr
    printed = json.loads(result.stdout)
    saved = json.loads((tiny_run / "evaluation-dev.json").read_text())
    assert printed == saved
    recorded = json.loads((tiny_run / "metrics.json").read_text())
    assert printed["word_accuracy"] == recorded["dev.word_accuracy"]
    assert printed["phoneme_error_rate"] == recorded["dev.phoneme_error_rate"]


def test_evaluate_shows_a_table(tiny_run: Path) -> None:
    result = run_model_export(["evaluate", str(tiny_run)])
    assert "test, 128 words" in result.stdout
    assert "phoneme error rate" in result.stdout


def test_figures_that_cannot_be_saved_are_printed_all_the_same(
    tiny_run: Path, tmp_path: Path
) -> None:
    run = shutil.copytree(tiny_run, tmp_path / "run")
    (run / "evaluation-dev.json").unlink(missing_ok=True)
    (run / "evaluation-dev.json" / "in the way").mkdir(parents=True)
    result = run_model_export(["evaluate", str(run), "--split", "dev", "--json"])
    assert result.returncode == 1
    assert "word_accuracy" in json.loads(result.stdout)
    assert result.stderr.endswith(
        "cannot write " + str(run / "evaluation-dev.json") + ": Is a directory\n"
    )


def test_evaluate_without_a_run_is_a_clear_error(tmp_path: Path) -> None:
    result = run_model_export(["evaluate", str(tmp_path)])
    assert result.returncode == 1
    assert result.stderr.startswith("heed: error: ")
    assert "is no training run" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["train", "g2p-quik"], 'did you mean "g2p-quick"?'),
        (["train", "g2p-tiny", "model.widht=3"], "model.widht: unknown key"),
        (["train"], "the following arguments are required: RECIPE"),
        (["evaluate", "x", "--split", "train"], "invalid choice: 'train'"),
        (["fly"], "invalid choice: 'fly'"),
        ([], "the following arguments are required: COMMAND"),
    ],
)
def test_wrong_arguments_end_with_status_2(arguments: list[str], message: str) -> None:
    result = run_model_export(arguments)
    assert result.returncode == 2
    assert message in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["train", "--help"], ["evaluate", "--help"]])
def test_help_costs_no_tensorflow(arguments: list[str]) -> None:
    script = (
        "import sys; from model_export.main import main; status = main(sys.argv[1:]);"
        "assert 'tensorflow' not in sys.modules; sys.exit(status)"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
        env=os.environ | {"COLUMNS": "100"},
    )
    assert result.returncode == 0, result.stderr
    assert "usage: heed" in result.stdout
