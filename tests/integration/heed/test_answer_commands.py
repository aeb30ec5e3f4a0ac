"""`heed tokenize`, and what `heed generate` and `heed score` tell beside texts, for real."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.exported_model import exported_models_dir
from tests.support.gateway import running_gateway

__all__ = ["exported_models_dir"]

Heed = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def address(exported_models_dir: Path) -> Iterator[str]:
    flags = ["--models-dir", str(exported_models_dir), "--cache-bytes", "1000000"]
    with running_gateway(flags) as gateway:
        yield gateway.address


@pytest.fixture
def heed(address: str) -> Heed:
    def run(command: str, *arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "heed", command, "--address", address, *arguments],
            input=lines,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_tokens_are_a_table_that_says_whether_the_model_takes_them(heed: Heed) -> None:
    finished = heed("tokenize", "h\u20ac", "ab" * 20)
    assert finished.returncode == 0, finished.stderr
    first, second = finished.stdout.split("\n\n")
    heading, *rows, summary = first.splitlines()
    assert heading.split() == ["id", "piece", "text", "begin", "end", "kind"]
    assert [row.split()[-4:] for row in rows] == [
        ["h", "0", "1", "text"],
        ["\u20ac", "1", "2", "unknown"],
    ]
    assert summary == "2 tokens of at most 24"
    assert second.splitlines()[-1] == "40 tokens: more than the 24 that the model takes"


def test_lines_of_input_become_lines_of_json(heed: Heed) -> None:
    finished = heed("tokenize", "--json", "--target", lines="HH IY D\n\nAA\n")
    documents = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [document["token_count"] for document in documents] == [3, 0, 1]
    assert [document["fits"] for document in documents] == [True, False, True]
    assert [token["text"] for token in documents[0]["tokens"]] == ["HH", "IY", "D"]
    assert {"id", "piece", "begin", "end", "kind"} <= documents[0]["tokens"][0].keys()


def test_alignments_stand_behind_the_text(heed: Heed) -> None:
    finished = heed("generate", "ab cd", "--alignments")
    assert finished.returncode == 0, finished.stderr
    text, pharaoh = finished.stdout.rstrip("\n").split("\t")
    pairs = [pair.split("-") for pair in pharaoh.split()]
    assert [int(target) for _, target in pairs] == list(range(len(text.split())))
    assert {int(source) for source, _ in pairs} <= {0, 1}
    document = json.loads(heed("generate", "ab cd", "--alignments", "--json").stdout)
    alignment = document["alignment"]
    assert [word["text"] for word in alignment["source_words"]] == ["ab", "cd"]
    assert len(alignment["pairs"]) == len(pairs)
    several = heed("generate", "ab", "--alignments", "--beam-width", "2", "--num-hypotheses", "2")
    assert [len(line.split("\t")) for line in several.stdout.splitlines()] == [4, 4]
    assert heed("score", "ab", "HH IY", "--alignments").stdout.rstrip("\n").endswith("\t0-0 0-1")


def test_maps_can_be_of_words(heed: Heed, tmp_path: Path) -> None:
    words = ["--attention", "terminal", "--attention-level", "words"]
    shown = heed("generate", "ab cd", *words).stdout
    heading = next(line for line in shown.splitlines()[1:] if line.strip())
    assert heading.split() == ["ab", "cd"]
    picture = tmp_path / "words.svg"
    options = ["--attention", str(picture), "--attention-level", "words", "--heads"]
    finished = heed("generate", "ab cd", *options)
    assert finished.returncode == 0, finished.stderr
    assert picture.stat().st_size > 1000
    document = json.loads(heed("score", "ab cd", "HH IY", *words[2:], "--json").stdout)
    kinds = [token["kind"] for token in document["attention"]["target_tokens"]]
    assert kinds == ["word", "word", "end"]


def test_a_level_that_shows_nothing_is_refused(heed: Heed) -> None:
    finished = heed("generate", "ab", "--attention-level", "words")
    assert finished.returncode == 2
    assert "--attention-level shows nothing without" in finished.stderr


def test_timings_are_told_on_standard_error(heed: Heed) -> None:
    finished = heed("generate", "ab", "cd", "--timings", "--max-length", "5")
    assert len(finished.stdout.splitlines()) == 2
    heading, stages = finished.stderr.splitlines()
    assert heading == "heed: milliseconds of a call in the gateway, on average (2 texts):"
    assert re.fullmatch(r"  (.+, )?model [\d.]+, .*total [\d.]+", stages)
    again = heed("generate", "ab", "cd", "--timings", "--max-length", "5")
    assert again.stdout == finished.stdout
    assert "(2 texts, 2 known already):" in again.stderr
    document = json.loads(heed("generate", "ef", "--json").stdout)
    timings = document["timings"]
    assert timings["model_s"] > 0
    total = sum(value for name, value in timings.items() if name.endswith("_s"))
    assert total == pytest.approx(document["total_s"], abs=1e-4)
