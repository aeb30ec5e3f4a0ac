"""`heed evaluate` with a beam."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.training import run_model_export


def test_a_beam_is_measured_into_a_file_of_its_own(tiny_run: Path) -> None:
    file = tiny_run / "evaluation-dev-beam-2.json"
    command = ["evaluate", str(tiny_run), "--split", "dev", "--json", "--beam-width", "2"]
    result = run_model_export(command)
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout) == json.loads(file.read_text())
    file.unlink()


@pytest.mark.parametrize("width", ["0", "33", "wide"])
def test_a_beam_out_of_range_is_refused(width: str) -> None:
    result = run_model_export(["evaluate", "run", "--beam-width", width])
    assert result.returncode == 2
    assert f"--beam-width: '{width}' is not an integer of 1 to 32" in result.stderr


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--length-penalty", "1"], "--length-penalty needs --beam-width"),
        (["--beam-width", "2", "--length-penalty", "-1"], "'-1' is not a number of 0 to 10"),
        (["--beam-width", "2", "--length-penalty", "nan"], "'nan' is not a number of 0 to 10"),
    ],
)
def test_a_wrong_length_penalty_is_refused(flags: list[str], words: str) -> None:
    result = run_model_export(["evaluate", "run", *flags])
    assert result.returncode == 2
    assert words in result.stderr
