"""Real locust runs against a real gateway and model server, for a few seconds each."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from loadtest.gateway_metrics import read_metrics
from loadtest.locust_run import GENERATOR, LOCUSTFILE, LoadPlan
from loadtest.main import main
from loadtest.measuring import Bench, prepared_texts
from loadtest.objectives import Objectives
from loadtest.samples import read_samples
from loadtest.servers import Stack, heed_stack
from tests.support.exported_model import MODEL_NAME, exported_models_dir
from tests.support.model_server import free_port
from tests.support.waiting import wait_until

__all__ = ["exported_models_dir"]

PATIENT = Objectives.model_validate(
    {
        "latency_ms": {"p50": 60_000, "p95": 60_000, "p99": 60_000},
        "errors": {"max_share": 0.0},
    }
)
LOCUST = [sys.executable, "-m", "locust", "-f", str(LOCUSTFILE), "--headless", "--loglevel=ERROR"]


@pytest.fixture(scope="module")
def stack(exported_models_dir: Path) -> Iterator[Stack]:
    with heed_stack(exported_models_dir / MODEL_NAME) as stack:
        yield stack


@pytest.fixture(scope="module")
def bench(stack: Stack) -> Iterator[Bench]:
    with prepared_texts(stack.address, lengths="words") as texts:
        yield Bench(stack, LoadPlan(stack.address, texts.path, seconds=2, warm_up_s=0.5), PATIENT)


def test_an_open_loop_sends_at_its_rate_and_everything_is_measured(bench: Bench) -> None:
    measured = bench.measure(40)
    load = measured.load
    assert measured.is_met, load.failures
    assert 40 < len(load.samples) < 130  # 80 are expected
    assert all(sample.latency_s >= sample.stages["total"] for sample in load.samples)
    assert measured.batches is not None
    assert measured.batches.count > 0
    assert measured.batches.rows >= 1
    assert set(measured.usage.names) == {"gateway", "model server", GENERATOR}
    assert all(measured.usage.most_bytes(name) > 10 << 20 for name in measured.usage.names)


def test_every_kind_of_request_is_answered(bench: Bench) -> None:
    flags = ("--mix", "plain=1,attention=1,beam=1,stream=1,bulk=1", "--bulk-texts", "3")
    load = bench.measure(30, flags=(*flags, "--ask-beam-width", "2")).load
    assert load.failures == {}
    counts = Counter(sample.kind for sample in load.samples)
    assert set(counts) == {"plain", "attention", "beam", "stream", "bulk"}
    assert {sample.text_count for sample in load.samples if sample.kind == "bulk"} == {3}
    assert all(
        sample.first_s is not None and sample.first_s <= sample.latency_s
        for sample in load.samples
        if sample.kind == "stream"
    )


def test_users_who_wait_get_answers_one_after_the_other(bench: Bench) -> None:
    assert bench.warm_up(1.0) > 5


def test_waiting_counts_from_when_a_request_was_due(bench: Bench, stack: Stack) -> None:
    gateway = psutil.Process(stack.process_ids["gateway"])
    samples = bench.plan.texts.with_name("samples")
    command = [*LOCUST, f"--host={stack.address}", "--users=5", "--spawn-rate=5"]
    command += ["--rate-per-user=8", "--load-seconds=5"]
    command += [f"--texts={bench.plan.texts}", f"--samples={samples}"]
    enough = _answered(stack) + 20
    with subprocess.Popen(command, stdout=subprocess.DEVNULL):
        wait_until(lambda: _answered(stack) >= enough, timeout_s=60)
        gateway.suspend()
        time.sleep(1.5)
        gateway.resume()
    waited = [sample for sample in read_samples(samples) if sample.latency_s > 0.3]
    assert len(waited) > 15  # five users who wait for their answers would have sent five
    assert max(sample.latency_s for sample in waited) > 1.0


def _answered(stack: Stack) -> float:
    return read_metrics(stack.metrics_url).total("heed_requests_total", method="Generate")


def test_two_workers_share_a_load_and_their_samples_come_together(
    bench: Bench, stack: Stack, tmp_path: Path
) -> None:
    samples, port = tmp_path / "samples", str(free_port())
    shared = [f"--host={stack.address}", f"--texts={bench.plan.texts}", f"--samples={samples}"]
    master = subprocess.Popen(
        [
            *LOCUST, *shared, "--master", "--master-bind-host=127.0.0.1",
            f"--master-bind-port={port}", "--expect-workers=2", "--users=10", "--spawn-rate=10",
            "--rate-per-user=4", "--load-seconds=3",
        ],
        stdout=subprocess.DEVNULL,
    )  # fmt: skip
    workers = [
        subprocess.Popen(
            [arg for arg in LOCUST if arg != "--headless"]
            + [*shared, "--worker", "--master-host=127.0.0.1", f"--master-port={port}"],
            stdout=subprocess.DEVNULL,
        )
        for _ in range(2)
    ]
    try:
        assert master.wait(90) == 0
        assert [worker.wait(60) for worker in workers] == [0, 0]
    finally:
        for process in (master, *workers):
            if process.poll() is None:
                process.kill()
                process.wait()
    found = read_samples(samples)
    assert len(found) > 50
    assert all(sample.is_ok for sample in found)
    dues = [sample.due_s for sample in found]
    assert len(set(dues)) == len(dues)  # each worker draws its own times


def test_the_page_of_locust_shows_and_steers_the_load(bench: Bench, stack: Stack) -> None:
    port = free_port()
    command = [arg for arg in LOCUST if arg != "--headless"]
    command += [f"--host={stack.address}", f"--texts={bench.plan.texts}"]
    command += ["--web-host=127.0.0.1", f"--web-port={port}"]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as locust:
        try:
            page = _when_it_answers(f"http://127.0.0.1:{port}/")
            assert "Locust" in page
            started = urllib.request.Request(
                f"http://127.0.0.1:{port}/swarm", data=b"user_count=20&spawn_rate=20"
            )
            assert json.loads(urllib.request.urlopen(started, timeout=10).read())["success"]
            requests = _requests_seen(port)
            assert requests > 10
        finally:
            locust.terminate()


def _when_it_answers(url: str) -> str:
    deadline_s = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return str(answer.read().decode())
        except OSError:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(0.1)


def _requests_seen(port: int) -> int:
    deadline_s, count = time.monotonic() + 60, 0
    while count <= 10 and time.monotonic() < deadline_s:
        time.sleep(0.2)
        stats = json.loads(_when_it_answers(f"http://127.0.0.1:{port}/stats/requests"))
        count = sum(each["num_requests"] for each in stats["stats"] if each["name"] == "plain")
    return count


def test_failures_are_told_by_code_and_reason(bench: Bench) -> None:
    load = bench.measure(10, flags=("--model", "nobody")).load
    assert load.error_share == 1.0
    assert list(load.failures) == ["NOT_FOUND UNKNOWN_MODEL"]


def test_a_wrong_mix_is_refused_with_the_kinds_there_are(stack: Stack) -> None:
    ended = subprocess.run(
        [*LOCUST, f"--host={stack.address}", "--mix=fast", "--run-time=1s"],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert ended.returncode == 2
    assert "plain, attention, beam, stream, bulk" in ended.stderr


def test_run_writes_a_report_and_its_status_follows_the_objectives(
    stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objectives = tmp_path / "objectives.toml"
    text = "[latency_ms]\np50 = {0}\np95 = {0}\np99 = {0}\n[errors]\nmax_share = 0\n"
    statuses = []
    for bound_ms in ("60000", "0.001"):
        objectives.write_text(text.format(bound_ms))
        statuses.append(
            main(
                ["run", "--address", stack.address, "--metrics-url", stack.metrics_url,
                 "--rate", "20", "--seconds", "1.5", "--objectives", str(objectives),
                 "--out", str(tmp_path / "report")]
            )
        )  # fmt: skip
    assert statuses == [0, 1]
    assert "not met: p50" in capsys.readouterr().err
    report = json.loads((tmp_path / "report" / "report.json").read_text())
    assert report["load"]["broken"]
    assert report["load"]["batches"]["count"] > 0
    page = (tmp_path / "report" / "report.html").read_text()
    assert re.search(r"Not met:</b> p50 \d+ ms over 0 ms", page)


def test_nobody_at_the_address_is_a_clear_error(capsys: pytest.CaptureFixture[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    assert main(["run", "--address", address, "--rate", "5", "--seconds", "1"]) == 1
    assert address in capsys.readouterr().err


@pytest.mark.timeout(400)
def test_a_search_finds_a_rate_and_writes_the_whole_report(
    exported_models_dir: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    objectives = tmp_path / "objectives.toml"
    objectives.write_text(
        "[latency_ms]\np50 = 60000\np95 = 60000\np99 = 60000\n[errors]\nmax_share = 0\n"
    )
    status = main(
        ["search", str(exported_models_dir / MODEL_NAME), "--searches", "1", "--seconds", "1",
         "--final-seconds", "1", "--warm-up-seconds", "1", "--most-trials", "2",
         "--objectives", str(objectives), "--out", str(tmp_path)]
    )  # fmt: skip
    printed = capsys.readouterr()
    assert (tmp_path / "report.json").exists(), printed.err
    report = json.loads((tmp_path / "report.json").read_text())
    assert status == (1 if report["failures"] else 0)
    assert report["readme_line"] == printed.out.strip()
    generator = report["generator"]
    assert generator["ceiling_requests_per_s"] > 20
    if generator["cross_check"] is not None:  # k6 is not for every machine
        assert generator["cross_check"]["k6"]["requests_per_s"] > 0
        assert generator["cross_check"]["k6"]["failed_share"] < 1
    assert len(report["searches"][0]["trials"]) == 2
    assert (tmp_path / "report.html").read_text().count("<img") == 6
