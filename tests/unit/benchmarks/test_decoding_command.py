"""The command line of the benchmark of decoding, and its pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.decoding.__main__ import build_parser, main, shown_command, with_defaults
from benchmarks.decoding.agreement import Agreement
from benchmarks.decoding.cases import Case, Engine, EngineName, Search
from benchmarks.decoding.plot import draw
from benchmarks.decoding.report import markdown
from benchmarks.decoding.results import EngineResult, Results, SubjectResult
from benchmarks.decoding.subject import BenchmarkError


@pytest.mark.parametrize(
    ("argv", "problem"),
    [
        (["--only", "huge"], "invalid choice: 'huge'"),
        (["--searches", "widest"], "invalid Search value: 'widest'"),
        (["--batches", "0"], "'0' is not an integer of 1 or more"),
        (["--rounds", "-1"], "'-1' is not an integer of 1 or more"),
        (["--seconds", "0"], "'0' is not a number of seconds above 0"),
        (["--precisions", "int4"], "invalid choice: 'int4'"),
    ],
)
def test_wrong_arguments_are_named(
    argv: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    assert ended.value.code == 2
    assert problem in capsys.readouterr().err


def test_quick_means_tiny_weights_in_a_folder_of_its_own() -> None:
    quick = with_defaults(build_parser().parse_args(["--quick"]))
    whole = with_defaults(build_parser().parse_args([]))
    assert quick.only == ["tiny"]
    assert quick.out != whole.out
    assert whole.only == ["trained", "S", "B"]
    assert (whole.rounds, whole.batches) == (5, [1, 8, 32, 64])


def test_the_page_names_no_place_of_one_machine_alone(tmp_path: Path) -> None:
    argv = [str(tmp_path / "run"), "--data-dir", str(tmp_path), "--only", "trained"]
    arguments = with_defaults(build_parser().parse_args(argv))
    assert shown_command(argv, arguments) == (
        "python -m benchmarks.decoding RUN --data-dir DIR --only trained"
    )


def test_an_export_that_takes_too_long_ends_with_a_message(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("benchmarks.decoding.__main__._EXPORT_WITHIN_S", 0.01)
    assert main(["--quick", "--out", str(tmp_path / "results")]) == 1
    assert "error: cannot export tiny: not done after 0.01 s" in capsys.readouterr().err
    assert not (tmp_path / "results").exists()


def engine_result(name: EngineName, precision: str, speed: float) -> EngineResult:
    cases = [Case(search, rows) for search in Search for rows in (1, 8)]
    return EngineResult(
        name=name,
        precision=precision,
        threads=(2, 1),
        size_bytes=9_400_000,
        load_s=0.25,
        first_call_s=0.5,
        bare_bytes=400_000_000,
        memory_bytes=600_000_000,
        tokens_per_s={case.key: (speed, 1.1 * speed, 1.2 * speed) for case in cases},
        bleu=dict.fromkeys(Search, 38.5),
        equal_to_float32=dict.fromkeys(Search, 0.975),
    )


@pytest.fixture
def result() -> SubjectResult:
    return SubjectResult(
        name="S",
        description="random weights",
        began_at="2026-01-01T00:00:00+00:00",
        command="python -m benchmarks.decoding --only S",
        machine="a processor, 2 processors",
        software={"heed": "0.1.0"},
        streams=2,
        source_count=1000,
        outputs_compared=1000,
        others_share=0.01,
        cases=tuple((search, rows) for search in Search for rows in (1, 8)),
        engines=(
            engine_result(EngineName.CTRANSLATE2, "float32", 1000.0),
            engine_result(EngineName.HEED, "float32", 1500.0),
        ),
        agreement={Search.GREEDY: Agreement(compared=1000, equal=999, ties=1, largest_gap=1e-5)},
        left_out={"Heed int8": "--precision int8: not this model"},
    )


def test_the_page_has_ratios_with_their_spread_and_quality_beside_speed(
    result: SubjectResult,
) -> None:
    page = markdown(Results().having(result), command="make bench-decoding", plot="decoding.svg")
    assert "| float32 : float32 | 1.50 (1.50–1.50) | 1.50 (1.50–1.50) |" in page
    assert "| CTranslate2 float32 | 1,100 | 1,100 |" in page
    assert "| Heed float32 | 38.50 | 38.50 | 97.5% | 97.5% | 600 | 400 | 9.4 |" in page
    assert "* greedy, float32: 999 of 1000 outputs are equal, token for token; 1 differ at" in page
    assert "* Heed int8 was not measured: --precision int8: not this model." in page
    assert "![Ratios of tokens a second](decoding.svg)" in page
    assert "noisy" not in page


def test_a_noisy_machine_is_told(result: SubjectResult) -> None:
    noisy = result.model_copy(update={"others_share": 0.3})
    page = markdown(Results().having(noisy), command="make bench-decoding", plot="decoding.svg")
    assert "**the machine was noisy: other programs had 30% of the processors**" in page


def test_the_picture_has_a_panel_for_each_search_and_stays_text(
    result: SubjectResult, tmp_path: Path
) -> None:
    draw(Results().having(result), tmp_path / "decoding.svg")
    picture = (tmp_path / "decoding.svg").read_text(encoding="utf-8")
    for text in ("S, greedy", "S, beam 4", "float32 : float32", "b8"):
        assert text in picture


def test_results_are_kept_and_a_new_measurement_replaces_its_own_model_alone(
    result: SubjectResult, tmp_path: Path
) -> None:
    path = tmp_path / "results" / "decoding.json"
    Results().having(result).having(result.model_copy(update={"name": "B"})).save(path)
    renewed = Results.load(path).having(result.model_copy(update={"source_count": 7}))
    assert [(each.name, each.source_count) for each in renewed.subjects.values()] == [
        ("S", 7),
        ("B", 1000),
    ]


def test_a_file_that_holds_something_else_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "decoding.json"
    path.write_text("{}\n[]", encoding="utf-8")
    with pytest.raises(BenchmarkError, match="holds no results: move it away"):
        Results.load(path)


def test_an_engine_that_was_not_measured_has_no_ratio(result: SubjectResult) -> None:
    int8 = Engine(EngineName.HEED, "int8")
    float32 = Engine(EngineName.CTRANSLATE2, "float32")
    assert result.ratio(int8, float32, Case(Search.GREEDY, 1)) is None
