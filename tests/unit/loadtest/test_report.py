import json
from pathlib import Path

import pytest

from loadtest.gateway_metrics import Batches
from loadtest.generator_check import Ceiling
from loadtest.machine import this_machine
from loadtest.measuring import Measured, Texts
from loadtest.objectives import Objectives
from loadtest.report import SearchResults, readme_line, summarize, write_page
from loadtest.report.summary import drift, stage_percentiles_ms
from loadtest.samples import Sample, load_of
from loadtest.search import Found
from loadtest.usage import MACHINE, Usage, UsagePoint

OBJECTIVES = Objectives.model_validate(
    {
        "latency_ms": {"p50": 100, "p95": 200, "p99": 300},
        "errors": {"max_share": 0.01},
        "requests_per_s": {"least": 50},
    }
)
STAGES = {"tokenize": 0.001, "queue": 0.01, "model": 0.03, "total": 0.045}
BATCHES = Batches(20, 5.0, 0.4, 0.1, 0.02, {1.0: 5, 2.0: 15, float("inf"): 0})


def usage(other_cores: float = 0.0, seconds: int = 10) -> Usage:
    points = []
    for second in range(seconds + 1):
        cpu_s = {"gateway": 0.2 * second, "model server": 0.6 * second}
        points.append(
            UsagePoint(
                1000.0 + second,
                {MACHINE: (0.8 + other_cores) * second, **cpu_s},
                {"gateway": (100 + second) << 20, "model server": 500 << 20},
            )
        )
    return Usage(points)


def measured(rate: float, latency_s: float = 0.05, other_cores: float = 0.0) -> Measured:
    samples = [
        Sample("plain", 1000 + number / rate, 0.002, latency_s, stages=STAGES)
        for number in range(int(10 * rate))
    ]
    load = load_of(samples)
    return Measured(rate, load, usage(other_cores), BATCHES, OBJECTIVES.broken_by(load))


def results(*rates: float, latency_s: float = 0.05, other_cores: float = 0.0) -> SearchResults:
    return SearchResults(
        model="g2p",
        command="heed loadtest search models/g2p",
        began_at="2026-01-01T00:00:00+00:00",
        machine=this_machine(),
        objectives=OBJECTIVES,
        texts=Texts(Path("texts"), "lengths of <something>", [3, 5]),
        capacity=120.0,
        searches=[Found(rate, (measured(rate), measured(2 * rate, 9.0))) for rate in rates],
        held=Found(min(rates), (measured(min(rates), latency_s, other_cores),)),
        ceiling=Ceiling(1000.0, 0.0003, 0.01),
        cross_check=None,
    )


def test_the_summary_is_json_and_holds_what_was_found() -> None:
    summary = json.loads(json.dumps(summarize(results(100.0, 95.0)), allow_nan=False))
    assert summary["rate"] == 95.0
    assert summary["noise"] == summary["failures"] == []
    final = summary["final"]
    assert final["latency_ms"]["p99"] == pytest.approx(50)
    assert final["processes"]["gateway"]["cores"] == pytest.approx(0.2)
    assert final["processes"]["gateway"]["most_mib"] == 110
    assert final["model_server_share"] == {
        "of_processor_time": pytest.approx(0.75),
        "of_latency": pytest.approx(0.6),
    }
    assert final["batches"]["rows"] == 5.0
    assert len(summary["searches"]) == 2
    assert summary["texts"]["mean_tokens"] == 4


def test_stages_name_where_the_whole_latency_went() -> None:
    stages = stage_percentiles_ms(measured(10).load)
    assert {name: values["p50"] for name, values in stages.items()} == pytest.approx(
        {
            "sent late": 2,
            "tokenize": 1,
            "queue": 10,
            "model": 30,
            "gateway, other": 4,
            "network, client": 3,
        }
    )


def test_searches_that_differ_by_more_than_a_tenth_make_the_machine_noisy() -> None:
    found = results(100.0, 85.0)
    assert found.noise == ["the searches lie 15% apart"]
    assert "on a noisy machine" in readme_line(found)
    assert results(100.0, 91.0).noise == []


def test_other_programs_make_the_machine_noisy() -> None:
    many = 2.0 * this_machine().processor_count
    assert "other programs" in results(100.0, other_cores=many).noise[0]


def test_what_is_not_met_is_told() -> None:
    assert results(20.0).failures == ["20.0 requests/s are fewer than 50"]
    slow = results(60.0, latency_s=0.25).failures
    assert [failure.split(":")[0] for failure in slow] == ["at the final rate"] * 2


def test_the_line_for_a_readme_is_a_row_of_its_table() -> None:
    line = readme_line(results(100.0))
    assert line.count("|") == 4
    assert "100 requests/s: p50 50 ms, p95 50 ms, p99 50 ms, 0.0% failed" in line
    assert "`heed loadtest search models/g2p`" in line


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_page(results(100.0, 85.0), path)
    page = path.read_text(encoding="utf-8")
    assert page.count("<img") == page.count("src=") == page.count('src="data:image/svg+xml;base64,')
    assert page.count("<img") == 6
    assert "http" not in page.split("<body>")[1].replace("data:image", "")[:2000]
    assert "<script" not in page
    assert "The machine was noisy" in page
    assert "lengths of &lt;something&gt;" in page


def test_drift_compares_the_ends_of_long_loads_alone() -> None:
    assert drift(measured(10)) == {}
    samples = [Sample("plain", 1000.0 + number, 0.0, 0.01 * number) for number in range(91)]
    load = load_of(samples)
    long = Measured(1.0, load, usage(seconds=90), None, ())
    found = drift(long)
    assert found["p99, ms"] == pytest.approx((290, 900))
    assert found["memory of the gateway, MiB"] == (129, 190)
