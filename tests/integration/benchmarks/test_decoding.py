"""The benchmark of decoding, from the command to its pages, with tiny weights."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.decoding.cases import Engine, EngineName, Search
from benchmarks.decoding.results import Results

pytest.importorskip("ctranslate2")
pytestmark = pytest.mark.timeout(600)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.decoding", *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)


@pytest.fixture(scope="module")
def out(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("results")
    done = run("--quick", "--batches", "2", "--precisions", "float32", "--out", str(folder))
    assert done.returncode == 0, done.stderr
    assert "tiny: comparing outputs" in done.stderr
    return folder


def test_both_engines_write_the_same_in_float32(out: Path) -> None:
    result = Results.load(out / "decoding.json").subjects["tiny"]
    assert set(result.agreement) == set(Search)
    for agreement in result.agreement.values():
        assert agreement.compared == 24
        assert agreement.equal + agreement.ties == agreement.compared


def test_everything_asked_for_was_measured(out: Path) -> None:
    result = Results.load(out / "decoding.json").subjects["tiny"]
    engines = [
        Engine(EngineName.CTRANSLATE2, "float32"),
        Engine(EngineName.CTRANSLATE2, "int8"),
        Engine(EngineName.HEED, "float32"),
    ]
    assert [each.engine for each in result.engines] == engines
    for each in result.engines:
        assert set(each.tokens_per_s) == {"greedy b2", "beam b2"}
        assert all(len(rounds) == 2 and min(rounds) > 0 for rounds in each.tokens_per_s.values())
        assert each.size_bytes > 10_000
        assert each.load_s > 0
        assert each.first_call_s > 0
        assert each.memory_bytes > each.bare_bytes > 10_000_000


def test_the_page_and_the_picture_are_written(out: Path) -> None:
    page = (out / "decoding.md").read_text(encoding="utf-8")
    assert "| float32 : float32 | " in page
    assert "--quick" in page
    assert (out / "decoding.svg").stat().st_size > 1000


def test_a_run_that_is_not_there_is_named_and_nothing_is_written(tmp_path: Path) -> None:
    done = run(str(tmp_path / "nowhere"), "--only", "trained", "--out", str(tmp_path / "results"))
    assert done.returncode == 1
    assert f"cannot export trained: there is no training run at {tmp_path}" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "results").exists()
