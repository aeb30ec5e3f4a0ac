"""The commands of `heed loadtest`, and what they print."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import tempfile
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

from loadtest.errors import LoadTestError
from loadtest.generator_check import measure_ceiling
from loadtest.locust_run import LoadPlan
from loadtest.machine import this_machine
from loadtest.measuring import Bench, prepared_texts
from loadtest.objectives import read_objectives
from loadtest.report import load_summary, summarize, write_load_page, write_page
from loadtest.searching import SearchSettings, line, search
from loadtest.servers import Stack, end_servers_on_signals, heed_stack
from loadtest.texts import LengthKind, make_texts


def run_search(arguments: argparse.Namespace) -> int:
    """`heed loadtest search`; returns the exit status."""
    end_servers_on_signals()
    settings = SearchSettings(
        base_path=arguments.model,
        objectives=read_objectives(arguments.objectives),
        seconds=arguments.seconds,
        final_seconds=arguments.final_seconds,
        warm_up_s=arguments.warm_up_seconds,
        searches=arguments.searches,
        most_trials=arguments.most_trials,
        seed=arguments.seed,
        load_flags=_load_flags(arguments),
        gateway_flags=shlex.split(arguments.gateway_flags),
        texts=arguments.texts,
        command=f"heed loadtest search models/{arguments.model.name}",
    )
    results = search(settings, _tell)
    summary = summarize(results)
    report = _write(arguments.out, summary)
    write_page(results, report)
    if results.noise:
        _tell(f"the machine was noisy: {'; '.join(results.noise)}")
    for failure in results.failures:
        _tell(f"not met: {failure}")
    _tell(f"the report: {report}")
    print(summary["readme_line"])
    return 1 if results.failures else 0


def run_load_once(arguments: argparse.Namespace) -> int:
    """`heed loadtest run`; returns the exit status."""
    end_servers_on_signals()
    if (arguments.model is None) == (arguments.address is None):
        raise LoadTestError("give either MODELS/NAME or --address")
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    with (
        _stack(arguments) as stack,
        prepared_texts(stack.address, file=arguments.texts, seed=arguments.seed) as texts,
    ):
        flags = [*_load_flags(arguments), "--pattern", arguments.pattern]
        flags += ["--period-s", str(arguments.period_s)]
        plan = LoadPlan(
            stack.address, texts.path, seconds=arguments.seconds, seed=arguments.seed, flags=flags
        )
        bench = Bench(stack, plan, read_objectives(arguments.objectives))
        measured = bench.measure(arguments.rate)
        _tell(line(measured))
        summary = load_summary(
            measured,
            texts=texts,
            machine=this_machine(),
            command=f"heed loadtest {shlex.join(sys.argv[2:] or ['run'])}",
            began_at=began_at,
        )
    report = _write(arguments.out, summary)
    write_load_page(measured, summary, report)
    _tell(f"the report: {report}")
    return 0 if measured.is_met else 1


def _stack(arguments: argparse.Namespace) -> AbstractContextManager[Stack]:
    if arguments.address is not None:
        return nullcontext(Stack(arguments.address, (), arguments.metrics_url))
    return heed_stack(arguments.model, gateway_flags=shlex.split(arguments.gateway_flags))


def run_ceiling(arguments: argparse.Namespace) -> int:
    """`heed loadtest ceiling`; returns the exit status."""
    end_servers_on_signals()
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder, "texts")
        texts.write_text("\n".join(make_texts(LengthKind.CAPTIONS, 1000)), encoding="utf-8")
        ceiling = measure_ceiling(LoadPlan("", texts), seconds=arguments.seconds)
    print(
        f"{ceiling.requests_per_s:.0f} requests a second at {1e3 * ceiling.cpu_s:.2f} ms of a "
        f"processor each, p99 {1e3 * ceiling.p99_s:.0f} ms"
    )
    return 0


def _load_flags(arguments: argparse.Namespace) -> list[str]:
    return ["--mix", arguments.mix, *shlex.split(arguments.load_flags)]


def _write(folder: Path, summary: dict[str, object]) -> Path:
    """Writes the numbers; where the page belongs."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(f"{text}\n", encoding="utf-8")
    return folder / "report.html"


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
