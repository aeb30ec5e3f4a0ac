"""`heed export` and `heed verify` as a user meets them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from model_export.main import main
from tests.support.exported_model import write_random_run


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands hide the GPU from TensorFlow; the other tests get their setting back."""
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_random_run(tmp_path_factory.mktemp("runs") / "tiny")


def test_a_run_is_exported_and_the_version_verified_by_two_commands(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models_dir = tmp_path / "models"
    assert main(["export", str(run_dir), "--models-dir", str(models_dir), "--name", "words"]) == 0
    captured = capsys.readouterr()
    version_dir = models_dir / "words" / "1"
    assert captured.out.startswith(f"Exported words version 1 to {version_dir} (")
    assert "Verifying in a fresh process" in captured.err

    command = [sys.executable, "-m", "model_export", "verify", str(version_dir)]
    verified = subprocess.run(
        [*command, "--run", str(run_dir)], capture_output=True, text=True, check=False
    )
    assert verified.returncode == 0
    assert "Largest difference" in verified.stdout
    assert "any padded" in verified.stdout
    assert verified.stderr == ""  # TensorFlow writes notes there unless it is kept from it


def test_an_interrupted_export_says_so_and_leaves_nothing(run_dir: Path, tmp_path: Path) -> None:
    models_dir = tmp_path / "models"
    command = [sys.executable, "-m", "model_export", "export", str(run_dir)]
    with subprocess.Popen(
        [*command, "--models-dir", str(models_dir)], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.startswith("Verifying"):
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert process.returncode == 130
    assert rest.endswith("heed: interrupted; nothing was published\n")
    assert "Traceback" not in rest
    assert not models_dir.exists()


def test_a_run_that_is_not_there_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "nowhere"
    assert main(["export", str(run), "--models-dir", str(tmp_path / "models")]) == 1
    assert f"heed: error: there is no training run at {run}" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_an_unfinished_run_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = write_random_run(tmp_path / "run")
    (run / "metrics.json").unlink()
    assert main(["export", str(run), "--models-dir", str(tmp_path / "models")]) == 1
    assert "is not finished" in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_a_place_that_cannot_be_written_is_named_and_the_model_as_its_recipe(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["export", str(run_dir), "--models-dir", str(tmp_path / "file")]) == 1
    error = capsys.readouterr().err
    assert f"heed: error: cannot write to {tmp_path / 'file'}/g2p-tiny: Not a directory" in error


@pytest.mark.parametrize("name", ["../g2p", "", "-g2p", "a/b", "x" * 64, "é"])
def test_a_name_that_no_model_can_have_is_refused(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = main(["export", "run", "--models-dir", str(tmp_path), f"--name={name}"])
    assert status == 2
    assert f'"{name}" is no model name: 1 to 63 letters, digits' in capsys.readouterr().err


def test_an_unknown_precision_is_answered_with_the_choices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", "run", "--models-dir", str(tmp_path), "--precision", "int2"]
    assert main(command) == 2
    assert "invalid choice: 'int2' (choose from" in capsys.readouterr().err


def test_a_precision_that_the_model_cannot_have_is_refused_by_its_flag(
    run_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["export", str(run_dir), "--models-dir", str(tmp_path / "models")]
    assert main([*command, "--precision", "int8"]) == 1
    error = capsys.readouterr().err
    assert "--precision int8: a model of kind rnn can be exported in float32 alone" in error
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--xla-rows", "1,8"], "--xla-rows needs --xla"),
        (["--xla-beam-width", "2"], "--xla-beam-width needs --xla"),
        (["--xla", "--precision", "int8"], "--xla goes with --precision float32, not int8"),
        (["--xla", "--xla-rows", "1,2"], "--xla-rows must end with 8 or more"),
    ],
)
def test_shapes_for_xla_that_cannot_be_are_refused_by_their_flag(
    run_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    command = ["export", str(run_dir), "--models-dir", str(tmp_path / "models")]
    assert main([*command, *flags]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--data-dir", "data"], "--data-dir needs --precision bfloat16 or float16 or int8"),
        (["--dev-examples", "5"], "--dev-examples needs --precision bfloat16 or float16 or int8"),
        (["--calibration-examples", "5"], "--calibration-examples needs --precision int8"),
        (
            ["--calibration-examples", "5", "--precision", "bfloat16"],
            "--calibration-examples needs --precision int8",
        ),
    ],
)
def test_data_that_a_precision_has_no_use_for_is_refused_by_its_flag(
    run_dir: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    flags: list[str],
    message: str,
) -> None:
    command = ["export", str(run_dir), "--models-dir", str(tmp_path / "models")]
    assert main([*command, *flags]) == 1
    assert message in capsys.readouterr().err
    assert not (tmp_path / "models").exists()


def test_verify_names_what_is_no_version(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["verify", str(tmp_path)]) == 1
    assert capsys.readouterr().err.startswith(f"heed: error: {tmp_path} is no exported version")


@pytest.mark.parametrize(
    ("argv", "missing"),
    [
        (["train"], "RECIPE"),
        (["export", "run"], "--models-dir"),
        (["verify"], "MODELS/NAME/VERSION"),
    ],
)
def test_a_missing_argument_is_named_in_one_line(
    argv: list[str], missing: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(argv) == 2
    assert capsys.readouterr().err == (
        f"heed: error: the following arguments are required: {missing} "
        f"(see `heed {argv[0]} --help`)\n"
    )


@pytest.mark.parametrize("command", ["export", "verify"])
def test_help_comes_without_tensorflow(command: str) -> None:
    script = (
        "import json, sys; from model_export.main import main; "
        f"status = main(['{command}', '--help']); "
        "print(json.dumps([status, 'tensorflow' in sys.modules]))"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert f"usage: heed {command}" in result.stdout
    assert json.loads(result.stdout.splitlines()[-1]) == [0, False]
