"""The comparison of attention: its tables, its sentences, its truths, and its command."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from benchmarks.attention_comparison.anchors import (
    anchor_links,
    linked_error,
    straight_line,
    with_anchors,
)
from benchmarks.attention_comparison.command import build_parser, main, shown_command
from benchmarks.attention_comparison.comparing import rows_beside
from benchmarks.attention_comparison.observations import observations, standard_error
from benchmarks.attention_comparison.order_data import (
    DEV_COUNT,
    TRAIN_COUNT,
    links_of,
    target_of,
    write_order_data,
)
from benchmarks.attention_comparison.page import FIGURES, PAGE, page
from benchmarks.attention_comparison.results import (
    Comparison,
    Conditions,
    Reading,
    Row,
    RunFacts,
    StudyResults,
    Times,
    read_value,
    write_value,
)
from benchmarks.attention_comparison.studies import STUDIES, study_named
from benchmarks.attention_comparison.tables import changes_table, results_table
from benchmarks.attention_comparison.training import Plan
from model_export.config import TransformerSettings
from model_export.config.classifier import ClassifierSettings
from model_export.data.cmudict import load_cmudict
from model_export.data.examples import Example, Link
from model_export.data.links import read_links
from model_export.errors import DataError, RunError
from tests.support.pages import DOCS

G2P, INTENTS = study_named("g2p"), study_named("intents")
READING = Reading(rows=("AE", "<end>"), columns=("a",), weights=((1.0,), (1.0,)))


def row(key: str, *figures: dict[str, float], times: Times | None = None) -> Row:
    runs = tuple(
        RunFacts(
            seed=seed,
            parameters=1234,
            figures={f"dev.{name}": value for name, value in values.items()},
            reading=READING,
        )
        for seed, values in enumerate(figures, start=1)
    )
    return Row(key=key, title=key.title(), changes=("model.attention=x",), runs=runs, times=times)


def results(*rows: Row, straight: float | None = None) -> StudyResults:
    conditions = Conditions(
        date="2026-01-31",
        command="make compare-attention",
        machine="a machine",
        updates=2000,
        batch=64,
        train_count=5000,
        dev_count=400,
        straight_line_error=straight,
    )
    return StudyResults(conditions=conditions, rows=rows)


def measured(word: float, phoneme: float, alignment: float) -> dict[str, float]:
    return {
        "word_error_rate": word,
        "phoneme_error_rate": phoneme,
        "alignment_error_rate": alignment,
    }


# Tables


def test_a_table_has_means_and_ranges_over_seeds_and_times_relative_to_the_first_row() -> None:
    first = row(
        "first",
        measured(0.30, 0.1, 0.5),
        measured(0.32, 0.1, 0.6),
        times=Times(update_s=2, answer_s=1),
    )
    second = row("second", measured(0.256, 0.02, 0.0), times=Times(update_s=1, answer_s=1.5))
    assert results_table(G2P, results(first, second)).splitlines() == [
        "| attention | parameters | word error, % | phoneme error, % | alignment error, % "
        "| update, time | answer, time |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: |",
        "| First | 1,234 | 31.0 (30.0 to 32.0) | 10.0 (10.0 to 10.0) | 55.0 (50.0 to 60.0) "
        "| 1.00 | 1.00 |",
        "| Second | 1,234 | 25.6 | 2.0 | 0.0 | 0.50 | 1.50 |",
    ]


def test_what_was_not_measured_is_a_dash_and_times_that_nobody_measured_no_column() -> None:
    times = Times(update_s=1, answer_s=1)
    rows = [row("timed", {}, times=times), row("alone", {"word_error_rate": 0.5})]
    table = results_table(G2P, results(*rows))
    assert table.splitlines()[-1] == "| Alone | 1,234 | 50.0 | – | – | – | – |"
    table = results_table(G2P, results(row("alone", {"word_error_rate": 0.5})))
    assert table.splitlines()[-1] == "| Alone | 1,234 | 50.0 | – | – |"


def test_an_asterisk_in_a_title_is_no_markdown() -> None:
    assert r"| Local-P\* | 1,234 |" in results_table(G2P, results(row("local-p*", {})))


def test_settings_of_a_row_are_on_the_page() -> None:
    assert "| Alone | `model.attention=x` |" in changes_table(results(row("alone", {})))


# Sentences


def test_rows_that_so_many_words_cannot_tell_apart_are_named() -> None:
    rows = [
        row(key, measured(error, 0.1, 0.1))
        for key, error in (("best", 0.20), ("near", 0.25), ("far", 0.60))
    ]
    quality, *_ = observations(G2P, results(*rows))
    # 400 words: a standard error of 2 points, and twice sqrt(2) of it for a difference.
    assert quality == (
        "Best by word error: Best (20.0 %); last: Far (60.0 %). 400 words judge: the standard "
        "error of the best figure is 2.0 points, and within 5.7 points of it lies Near."
    )
    assert standard_error(0.2, 400) == pytest.approx(0.02)


def test_alignment_is_compared_with_a_straight_line() -> None:
    rows = [row(key, measured(0.2, 0.1, error)) for key, error in (("best", 0.1), ("worst", 0.7))]
    found = observations(G2P, results(*rows, straight=0.4))[1]
    assert found == (
        "Attention is at the right place most often with Best (10.0 % alignment error), least "
        "often with Worst (70.0 %). A straight line from the first to the last token errs in 40.0 "
        "%; further off than that: Worst."
    )


def test_of_classifiers_more_is_better_and_slots_are_compared_with_even_attention() -> None:
    rows = [
        row(key, {"accuracy": value, "attention_on_marks": share, "marked_share": 0.4})
        for key, value, share in (("low", 0.5, 0.3), ("high", 0.98, 0.6))
    ]
    quality, marks = observations(INTENTS, results(*rows))
    assert quality.startswith("Best by accuracy: High (98.0 %); last: Low (50.0 %).")
    assert marks == (
        "Slots get 30 % (Low) to 60 % (High) of the attention; even attention would give them 40 %."
    )


def test_rows_that_share_the_first_place_are_counted() -> None:
    rows = [row(key, measured(0.0, 0.1, 0.1)) for key in "abcd"]
    quality, alignment, *_ = observations(G2P, results(*rows, row("e", measured(0.5, 0.1, 0.3))))
    assert quality == (
        "Best by word error: 4 of 5 rows (0.0 %); last: E (50.0 %). 400 words judge."
    )
    assert "most often with 4 of 5 rows (10.0 % alignment error), least often with E" in alignment


def test_costs_name_the_extremes() -> None:
    rows = [
        row(key, measured(0.2, 0.1, 0.1), times=Times(update_s=update, answer_s=answer))
        for key, update, answer in (("a", 2.0, 1.0), ("b", 1.0, 3.0), ("c", 5.0, 2.0))
    ]
    assert observations(G2P, results(*rows))[-1] == (
        "An update takes 0.50 (B) to 2.50 (C) times that of A, an answer 1.00 (A) to 3.00 (B)."
    )


# The page


def test_the_page_is_made_of_its_figures() -> None:
    comparison = Comparison(studies={"g2p": results(row("alone", measured(0.2, 0.1, 0.3)))})
    text = page(comparison)
    assert "## Words to phonemes\n" in text
    assert "2,000 updates by batches of 64" in text
    assert "one seed; 2026-01-31, a machine: `make compare-attention`." in text
    assert "](images/attention-compared/g2p.png)" in text
    assert STUDIES["order"].title not in text


def test_the_committed_page_is_that_of_the_committed_figures() -> None:
    comparison = read_value(DOCS / FIGURES, Comparison)
    assert comparison is not None
    assert (DOCS / PAGE).read_text(encoding="utf-8") == page(comparison)


def test_rows_that_are_not_asked_for_stay_if_their_budget_is_the_same() -> None:
    before = results(row("bahdanau"), row("luong-dot"), row("of-old"))
    plan = Plan(G2P, G2P.chosen(["luong-dot"]), seeds=(1,), folder=Path("out"))
    assert rows_beside(plan, None, {}) == ()
    assert rows_beside(plan, before, {"updates": 2000}) == (row("bahdanau"),)
    with pytest.raises(RunError, match=r"updates: 2000 there, 999 now\): choose another --docs"):
        rows_beside(plan, before, {"updates": 999})
    whole = Plan(G2P, G2P.mechanisms, seeds=(1,), folder=Path("out"))
    assert rows_beside(whole, before, {"updates": 999}) == (), "the whole table is made anew"


def test_figures_survive_their_file(tmp_path: Path) -> None:
    comparison = Comparison(studies={"g2p": results(row("alone", measured(0.2, 0.1, 0.3)))})
    write_value(tmp_path / "new" / "figures.json", comparison)
    assert read_value(tmp_path / "new" / "figures.json", Comparison) == comparison
    assert read_value(tmp_path / "none.json", Comparison) is None
    (tmp_path / "other.json").write_text('{"tables": 1}')
    with pytest.raises(RunError, match="move it away"):
        read_value(tmp_path / "other.json", Comparison)


# What is known to belong together


def test_a_consonant_is_linked_where_word_and_pronunciation_have_one_of_it() -> None:
    assert anchor_links("alphabet", "AE L F AH B EH T") == (Link(1, 1), Link(5, 4))
    assert anchor_links("bob", "B AA B") == (), "which b is which?"
    assert anchor_links("hobby", "HH AA B IY") == ()
    assert anchor_links("phone", "F OW N") == (Link(3, 2),), "no letter f"


def test_only_known_targets_are_judged() -> None:
    truth = [(Link(0, 0), Link(3, 2))]
    assert linked_error([{(0, 0), (1, 1), (3, 2)}], truth) == 0.0
    assert linked_error([{(0, 0), (1, 1), (2, 2)}], truth) == 0.5
    with pytest.raises(DataError):
        linked_error([{(0, 0)}], [()])


def test_most_words_of_the_dictionary_have_an_anchor() -> None:
    dev = load_cmudict().dev
    linked = with_anchors(dev)
    assert len(linked) > 0.8 * len(dev)
    for example in linked:
        phonemes = example.references[0].split()
        for link in example.links or ():
            assert phonemes[link.target].lower() == example.source[link.source]


def test_a_straight_line_goes_from_the_first_to_the_last() -> None:
    assert straight_line(3, 5) == {(0, 0), (0, 1), (1, 2), (2, 3), (2, 4)}
    assert straight_line(4, 1) == {(0, 0)}
    assert with_anchors([Example("aeiou", ("AH",))]) == []


def test_letters_are_copied_or_reversed_and_their_places_known(tmp_path: Path) -> None:
    write_order_data(tmp_path)
    lines = (tmp_path / "dev.tsv").read_text().splitlines()
    links = read_links(tmp_path / "dev.links")
    assert len(lines) == len(links) == DEV_COUNT
    for line, row_links in zip(lines, links, strict=True):
        source, target = (text.split() for text in line.split("\t"))
        assert [source[link.source] for link in row_links] == target
    train = (tmp_path / "train.tsv").read_text().splitlines()
    assert len({*train, *lines}) == TRAIN_COUNT + DEV_COUNT
    assert target_of("reverse a b c") == "c b a"
    assert links_of("copy a b") == [(1, 0), (2, 1)]


# What is compared


@pytest.mark.parametrize("name", list(STUDIES))
def test_every_row_has_a_recipe_and_all_rows_the_same_batches(name: str) -> None:
    study = STUDIES[name]
    recipes = [study.recipe_of(mechanism, seed=3) for mechanism in study.mechanisms]
    assert len({recipe.model_dump_json(include={"model"}) for recipe in recipes}) == len(recipes)
    first = recipes[0].training
    for recipe in recipes:
        training = recipe.training
        assert training.seed == 3
        assert training.batch_sizes == first.batch_sizes
        assert (training.epochs, training.length_buckets) == (first.epochs, first.length_buckets)
        assert recipe.data == recipes[0].data


def test_decoders_and_encoders_are_as_wide_in_every_row() -> None:
    widths = set()
    for mechanism in G2P.mechanisms:
        model = G2P.recipe_of(mechanism, seed=1).model
        assert not isinstance(model, ClassifierSettings)
        if isinstance(model, TransformerSettings):
            widths.add((model.width, model.width))
        else:
            assert model.kind == "rnn"
            widths.add((model.value_width, model.decoder_width))
    assert widths == {(128, 128)}


# The command


def test_help_tells_the_studies(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert all(name in shown for name in STUDIES)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--studies", "g3p"], 'there is no study "g3p"; studies: g2p, order'),
        (["--mechanisms", "bahdana"], 'there is no mechanism "bahdana"; mechanisms: bahdanau'),
        (["--studies", "g2p", "--mechanisms", "structured"], "no mechanism"),
        (["--studies", "intents"], "--data-dir intents=DIR"),
        (["--data-dir", "g2p=x"], "this study needs no data"),
        (["--data-dir", "intents"], "is not a study, = and a folder"),
        (["--seeds", "1,x"], "no list of integers"),
        (["--set", "training.epoch=1"], "training.epoch: unknown key"),
        (["--page-only"], "leave --page-only out"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_wrong_arguments_are_told_before_anything_is_done(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*arguments, "--out", str(tmp_path / "out"), "--docs", str(tmp_path)])
    assert ended.value.code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.glob("out/*/runs/*"))


def test_a_page_needs_its_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--docs", str(tmp_path / "none")])
    assert "there is no such folder" in capsys.readouterr().err


def test_a_folder_that_cannot_be_made_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").write_text("")
    command = ["--studies", "order", "--out", str(tmp_path / "file"), "--docs", str(tmp_path)]
    assert main(command) == 1
    assert "error: cannot make the folder" in capsys.readouterr().err
    with pytest.raises(RunError, match="cannot make the folder"):
        write_value(tmp_path / "file" / "x.json", READING)


@pytest.mark.parametrize(
    "change",
    [
        "training.epochs=2",
        "source_tokenizer={kind: word}",
        'model.x="a b"',
        "model.y=it's $HOME `x`",
    ],
    ids=["plain", "braces", "quotes", "shell"],
)
def test_the_command_on_the_page_gives_make_what_was_given(tmp_path: Path, change: str) -> None:
    given = build_parser().parse_args(["--seeds", "1,2", "--times", "none", "--set", change])
    command = shown_command(G2P, given, ["luong-dot", "bahdanau"])
    (tmp_path / "Makefile").write_text("compare-attention:\n\t@printf '%s\\n' $(COMPARE)\n")
    shown = subprocess.run(
        ["sh", "-c", command],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},  # of a make around the tests nothing
        check=True,
        capture_output=True,
        text=True,
    )
    assert shown.stdout.splitlines() == [
        *("--studies", "g2p", "--seeds", "1,2", "--mechanisms", "bahdanau,luong-dot"),
        *("--set", change, "--times", "none"),
    ]


def test_the_command_on_the_page_names_nobody_s_folders() -> None:
    given = build_parser().parse_args(
        ["--set", "data.extra=/home/a/b.tsv", "--set", "data.links=[/srv/x, y/z]"]
    )
    assert shown_command(INTENTS, given, ()) == (
        'make compare-attention COMPARE="--studies intents --seeds 1 --set data.extra=PATH '
        "--set 'data.links=[PATH, y/z]' --data-dir intents=DIR\""
    )


def test_seeds_are_taken_once_each() -> None:
    assert build_parser().parse_args(["--seeds", "2,1,2"]).seeds == (2, 1)
