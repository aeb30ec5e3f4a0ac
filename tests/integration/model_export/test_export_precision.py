"""`heed export --precision int8`, from a training run to a version that says what it lost."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from heed.contract import CONTRACT_ASSET, Contract, Precision
from model_export.main import main
from tests.support.exported_model import write_run
from tests.support.exported_shared_transformer import random_shared_transformer
from tests.support.int8 import skip_without_int8


def command(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "model_export", *map(str, arguments)],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(random_shared_transformer("pre"), tmp_path_factory.mktemp("runs") / "tiny")


@pytest.mark.timeout(600)
def test_a_version_in_int8_is_calibrated_measured_verified_and_says_so(
    run_dir: Path, tmp_path: Path
) -> None:
    skip_without_int8()
    few = ("--calibration-examples", "8", "--dev-examples", "6")
    done = command("export", run_dir, "--models-dir", tmp_path, "--precision", "int8", *few)
    assert done.returncode == 0, done.stderr
    assert "Calibrating on training data" in done.stderr
    assert "int8 beside float32, 6 dev examples" in done.stdout
    for measure in ("word accuracy", "equal outputs", "largest attention difference"):
        assert measure in done.stdout

    version = tmp_path / "g2p-tiny" / "1"
    contract = Contract.from_json((version / "assets" / CONTRACT_ASSET).read_bytes())
    assert contract.precision is Precision.INT8
    metrics = contract.card.metrics
    assert metrics["int8.dev.example_count"] == 6
    assert 0 <= metrics["int8.dev.exact_match_rate"] <= 1
    assert 0 < metrics["int8.dev.mean_score_difference"] < 0.2
    assert "float32.dev.word_accuracy" in metrics
    assert "has no version in float32, which runs on every server" in done.stderr


def test_data_that_does_not_come_with_heed_is_asked_for(
    run_dir: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    run = Path(shutil.copytree(run_dir, tmp_path / "run"))
    recipe = json.loads((run / "recipe.json").read_text())
    recipe["data"] = {"kind": "parallel_text"}
    (run / "recipe.json").write_text(json.dumps(recipe))
    models = tmp_path / "models"
    assert main(["export", str(run), "--models-dir", str(models), "--precision=bfloat16"]) == 1
    assert "--data-dir" in capsys.readouterr().err
    assert not models.exists()


@pytest.mark.parametrize("option", ["--dev-examples", "--calibration-examples"])
@pytest.mark.parametrize("count", ["0", "-1", "many", "100001"])
def test_a_number_of_examples_out_of_range_is_refused(
    option: str, count: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "run", "--models-dir", str(tmp_path), f"{option}={count}"]) == 2
    error = capsys.readouterr().err
    assert f"argument {option}: {count!r} is not an integer of 1 to 100000" in error
