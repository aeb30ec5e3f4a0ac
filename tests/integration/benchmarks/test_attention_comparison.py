"""Two mechanisms, from their training to the page; and again, without training."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from benchmarks.attention_comparison.command import main
from benchmarks.attention_comparison.page import FIGURES, PAGE
from benchmarks.attention_comparison.results import Comparison, StudyResults, read_value

TINY = [
    "data.max_train_pairs=192",
    "data.max_dev_examples=40",
    "training.epochs=1",
    "training.jit_compile=false",
    "training.dev_examples=8",
]
NO_TIMES = ["--times", "none"]
PNG = b"\x89PNG"


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A comparison that is done: out/ and docs/."""
    folder = tmp_path_factory.mktemp("comparison")
    (folder / "docs").mkdir()
    assert main(arguments(folder, "order", "luong-dot,luong-location")) == 0
    return folder


def arguments(folder: Path, study: str, mechanisms: str) -> list[str]:
    return [
        *("--studies", study, "--mechanisms", mechanisms),
        *("--out", str(folder / "out"), "--docs", str(folder / "docs")),
        *(word for change in TINY for word in ("--set", change)),
    ]


def results_of(folder: Path, study: str) -> StudyResults:
    comparison = read_value(folder / "docs" / FIGURES, Comparison)
    assert comparison is not None
    return comparison.studies[study]


def test_the_page_has_a_row_and_the_picture_a_map_for_each(folder: Path) -> None:
    text = (folder / "docs" / PAGE).read_text(encoding="utf-8")
    assert "| Luong dot | " in text
    assert "| Luong location | " in text
    picture = folder / "docs" / "images" / "attention-compared" / "order.png"
    assert picture.read_bytes().startswith(PNG)
    assert str(folder) not in text


def test_every_row_was_measured_under_the_same_budget(folder: Path) -> None:
    results = results_of(folder, "order")
    assert results.conditions.updates == 3
    assert results.conditions.dev_count == 40
    assert 0 < (results.conditions.straight_line_error or 0) < 1
    for row in results.rows:
        (run,) = row.runs
        assert run.figures["training.steps"] == 3
        assert 0 <= run.figures["dev.alignment_error_rate"] <= 1
        assert run.reading.columns == ("reverse", *"hearts")
        assert run.reading.rows == (*"straeh", "<end>")
        assert [sum(weights) for weights in run.reading.weights] == pytest.approx([1] * 7, abs=0.01)
        assert row.times is not None
        assert min(row.times.update_s, row.times.answer_s) > 0
    assert len({row.runs[0].parameters for row in results.rows}) == 2


def test_what_is_trained_is_not_trained_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = results_of(folder, "order")
    capsys.readouterr()
    assert main(arguments(folder, "order", "luong-location,luong-dot")) == 0
    assert "seed" not in capsys.readouterr().err
    after = results_of(folder, "order")
    assert after.rows == before.rows


def test_a_row_joins_the_others_of_its_study(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "docs").mkdir()
    one = [*arguments(folder, "order", "luong-location"), "--docs", str(tmp_path / "docs")]
    other = [*arguments(folder, "order", "luong-dot"), "--docs", str(tmp_path / "docs")]
    assert main(one) == 0
    assert main(other) == 0
    joined = results_of(tmp_path, "order")
    assert joined.rows == results_of(folder, "order").rows
    assert "--mechanisms luong-dot,luong-location " in joined.conditions.command
    assert main([*other, "--seeds", "2"]) == 1
    assert "made under other conditions (command: " in capsys.readouterr().err
    assert results_of(tmp_path, "order") == joined


def test_a_second_study_joins_the_page(folder: Path) -> None:
    assert main([*arguments(folder, "g2p", "bahdanau"), *NO_TIMES]) == 0
    text = (folder / "docs" / PAGE).read_text(encoding="utf-8")
    assert text.index("## Words to phonemes") < text.index("## A copy or a reversal")
    (row,) = results_of(folder, "g2p").rows
    assert row.times is None
    assert row.runs[0].reading.columns == tuple("alphabet")
    assert row.runs[0].reading.links == ((1, 1), (5, 4))
    assert 0 <= row.runs[0].figures["dev.alignment_error_rate"] <= 1


def test_classifiers_are_compared_too(folder: Path, tmp_path: Path) -> None:
    places = ["paris", "rome", "bergen", "york", "lima", "oslo", "cairo", "bonn"] * 12
    asked = {"GetWeather": "will it rain in {} {}", "PlayMusic": "play the song of {} {}"}
    lines = [
        f"{intent}\t{text.format(place, number)}\tO O O O B-place O\n"
        for number, place in enumerate(places)
        for intent, text in asked.items()
    ]
    (tmp_path / "train.tsv").write_text("".join(lines))
    mechanisms = "structured,hierarchical"
    command = [*arguments(folder, "intents", mechanisms), "--data-dir", f"intents={tmp_path}"]
    command += ["--set", "source_tokenizer={kind: word}"]
    assert main([*command, *NO_TIMES]) == 0
    structured, hierarchical = results_of(folder, "intents").rows
    assert structured.runs[0].reading.rows == ("mean", "hop 1", "hop 2", "hop 3", "hop 4")
    assert hierarchical.runs[0].reading.rows == ("",)
    text = (folder / "docs" / PAGE).read_text(encoding="utf-8")
    assert "of the attention; even attention would give them" in text
    assert str(tmp_path) not in text
    assert (folder / "docs" / "images" / "attention-compared" / "intents.png").is_file()


def test_other_settings_want_another_folder(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = ["--docs", str(tmp_path), "--set", "training.epochs=2"]
    assert main([*arguments(folder, "order", "luong-dot"), *other]) == 1
    assert "training.epochs: 1 there, 2 now" in capsys.readouterr().err


def test_nothing_that_was_measured_outlives_its_training(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    shutil.copytree(folder / "out", out)
    shutil.rmtree(out / "order" / "runs" / "luong-dot-seed-1")
    (tmp_path / "docs").mkdir()
    other = ["--set", "training.epochs=2", *NO_TIMES]
    assert main([*arguments(tmp_path, "order", "luong-dot"), *other]) == 0
    (row,) = results_of(tmp_path, "order").rows
    assert row.runs[0].figures["training.steps"] == 6
    kept = {path.name for path in out.joinpath("order").iterdir()}
    assert kept == {"data", "runs"}, "what is measured lies with its run"
