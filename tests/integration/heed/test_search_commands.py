"""`heed generate` with beam search and sampling, against the real gateway and model server."""

from __future__ import annotations

import json
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
    with running_gateway(["--models-dir", str(exported_models_dir)]) as gateway:
        yield gateway.address


@pytest.fixture
def generate(address: str) -> Heed:
    def run(*arguments: str, lines: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "heed", "generate", "--address", address, *arguments]
        return subprocess.run(
            command, input=lines, capture_output=True, text=True, check=False, timeout=60
        )

    return run


def test_several_hypotheses_are_numbered_and_scored(generate: Heed) -> None:
    finished = generate("heed", "--beam-width", "4", "--num-hypotheses", "3")
    assert finished.returncode == 0, finished.stderr
    lines = [line.split("\t") for line in finished.stdout.splitlines()]
    assert [place for place, _, _ in lines] == ["1", "2", "3"]
    scores = [float(score) for _, score, _ in lines]
    assert scores == sorted(scores, reverse=True)
    assert len({text for _, _, text in lines}) == 3


def test_one_hypothesis_of_a_beam_is_printed_as_ever(generate: Heed) -> None:
    lines = generate("--beam-width", "1", lines="heed\n\nab\n").stdout.splitlines()
    assert lines == generate(lines="heed\n\nab\n").stdout.splitlines()
    assert len(lines) == 3


def test_json_holds_the_alternatives_with_rank_and_attention(generate: Heed) -> None:
    options = ["--beam-width", "3", "--num-hypotheses", "3", "--length-penalty", "1", "--json"]
    document = json.loads(generate("heed", *options).stdout)
    hypotheses = [document, *document["alternatives"]]
    assert len(hypotheses) == 3
    ranks = [hypothesis["rank_score"] for hypothesis in hypotheses]
    assert ranks == sorted(ranks, reverse=True)
    for hypothesis in hypotheses:
        assert len(hypothesis["attention"]["weights"]) == len(hypothesis["tokens"])
    plain = json.loads(generate("heed", "--json").stdout)
    assert (plain["rank_score"], plain["alternatives"]) == (None, [])


def test_a_seed_gives_the_same_output_again(generate: Heed) -> None:
    drawn = [generate("heed", "--temperature", "1.5", "--seed", "5").stdout for _ in range(2)]
    assert drawn[0] == drawn[1]
    others = {generate("heed", "--sample").stdout for _ in range(4)}
    assert len(others) > 1


def test_several_samples_are_numbered_in_the_order_in_which_they_were_drawn(generate: Heed) -> None:
    flags = ["--temperature", "1.5", "--seed", "5"]
    finished = generate("heed", *flags, "--num-samples", "3")
    assert finished.returncode == 0, finished.stderr
    lines = [line.split("\t") for line in finished.stdout.splitlines()]
    assert [place for place, _, _ in lines] == ["1", "2", "3"]
    assert lines[0][2] == generate("heed", *flags).stdout.strip()
    document = json.loads(generate("heed", *flags, "--num-samples", "3", "--json").stdout)
    texts = [document["text"], *(other["text"] for other in document["alternatives"])]
    assert texts == [text for _, _, text in lines]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--num-hypotheses", "2"], "--num-hypotheses needs --beam-width"),
        (["--no-repeat-ngram", "2"], "--no-repeat-ngram needs --beam-width"),
        (["--beam-width", "2", "--sample"], "--sample and --beam-width contradict each other"),
        (["--beam-width", "2", "--top-k", "3"], "--top-k and --beam-width contradict each other"),
        (["--beam-width", "2", "--num-hypotheses", "3"], "--num-hypotheses 3 is more than"),
        (["--beam-width", "0"], "argument --beam-width"),
        (["--num-samples", "0"], "argument --num-samples"),
        (["--beam-width", "2", "--num-samples", "2"], "--num-samples and --beam-width contradict"),
        (["--temperature", "warm"], "argument --temperature: 'warm' is not a number"),
        (["--top-p", "nan"], "argument --top-p: 'nan' is not a number"),
    ],
)
def test_arguments_that_cannot_be_are_refused_at_once(
    generate: Heed, arguments: list[str], message: str
) -> None:
    finished = generate("heed", *arguments)
    assert finished.returncode == 2
    assert finished.stderr.startswith(f"heed: error: {message}")
    assert finished.stderr.count("\n") == 1


def test_the_gateways_limits_are_told_in_one_line(generate: Heed) -> None:
    finished = generate("heed", "--beam-width", "99")
    assert finished.returncode == 1
    assert finished.stderr == "heed: error: options.beam_width: must be 1 to 32, got 99\n"
