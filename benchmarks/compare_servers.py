"""The same model and texts, served in four ways, on one machine, in turns.

    Heed                   the gateway before a model server
    TF Serving's batching  the gateway sends every row by itself; the model server batches, by
                           TensorFlow Serving's rules, and pads
    CTranslate2            the same weights behind a plain grpc.aio server, which batches what waits
    CTranslate2, no queue  the same, each call by itself

First the answers are compared: CTranslate2 has to give the same outputs. Then each way is searched
for the highest rate that meets the objectives, --rounds times, one way after the other.

Usage: python -m benchmarks.compare_servers MODELS/NAME [--rounds N] [--out FOLDER]
"""

from __future__ import annotations

import argparse
import html
import json
import re
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from benchmarks.ctranslate2_server import READY
from heed.client import Client
from loadtest.errors import LoadTestError
from loadtest.locust_run import GENERATOR, LoadPlan
from loadtest.machine import this_machine
from loadtest.measuring import Bench, Measured, Texts, prepared_texts
from loadtest.objectives import Objectives, read_objectives
from loadtest.report import plots
from loadtest.report.page import document, milliseconds, picture, table
from loadtest.report.summary import finite, measured_summary, texts_summary
from loadtest.search import AGREEMENT, Found, Steps, agreement
from loadtest.searching import search_again_and_again
from loadtest.servers import (
    Server,
    Stack,
    batching_flags,
    end_servers_on_signals,
    heed_stack,
    running,
)
from loadtest.texts import read_texts

OBJECTIVES: Final = Path(__file__).parent.parent / "loadtest" / "objectives.toml"
HEED: Final = "Heed"
SERVING: Final = "TF Serving's batching"
CTRANSLATE2: Final = "CTranslate2"
CTRANSLATE2_ALONE: Final = "CTranslate2, no queue"
_READY_LINE: Final = re.compile(rf"{READY} (?P<address>\S+)")
_TEXTS_COMPARED: Final = 200
_LEAST_EQUAL: Final = 0.98
"""Rounding may decide between two tokens that are as probable as each other; not more often."""


@dataclass(frozen=True)
class Compared:
    """How alike the answers are.

    Attributes:
        texts: How many were compared.
        equal_share: The share with the same output, 0 to 1.
        largest_score_gap: The largest difference of their scores, where outputs are the same.
    """

    texts: int
    equal_share: float
    largest_score_gap: float


@contextmanager
def ways(base_path: Path, converted: Path, *, rows: int) -> Iterator[dict[str, Stack]]:
    """All ways to serve the model, running; those that are not asked do nothing."""
    with ExitStack() as running_servers:
        enter = running_servers.enter_context
        flags = enter(batching_flags(rows=rows))
        yield {
            HEED: enter(heed_stack(base_path, gateway_flags=[f"--max-batch-rows={rows}"])),
            SERVING: enter(
                heed_stack(
                    base_path,
                    gateway_flags=["--max-batch-rows=1", "--max-batches-in-flight=512"],
                    model_server_flags=flags,
                )
            ),
            CTRANSLATE2: enter(
                ctranslate2_stack(converted, base_path, batching="waiting", rows=rows)
            ),
            CTRANSLATE2_ALONE: enter(
                ctranslate2_stack(converted, base_path, batching="none", rows=rows)
            ),
        }


@contextmanager
def ctranslate2_stack(
    converted: Path, base_path: Path, *, batching: str, rows: int
) -> Iterator[Stack]:
    """CTranslate2 behind a plain server; see `ctranslate2_server.py`."""
    command = [sys.executable, "-m", "benchmarks.ctranslate2_server", str(converted)]
    command += [str(base_path), f"--batching={batching}", f"--max-batch-rows={rows}"]
    with running(CTRANSLATE2, command) as process:
        address = process.wait_for(_READY_LINE)["address"]
        yield Stack(address, (Server(CTRANSLATE2, address, process.id),))


def compare_answers(first: Stack, second: Stack, texts: Sequence[str]) -> Compared:
    """Asks both the same, and compares outputs and scores."""
    with Client(first.address) as one, Client(second.address) as other:
        pairs = [(one.generate(text), other.generate(text)) for text in texts]
    equal = [(mine, theirs) for mine, theirs in pairs if mine.text == theirs.text]
    return Compared(
        texts=len(pairs),
        equal_share=len(equal) / len(pairs),
        largest_score_gap=max(
            (abs(mine.score - theirs.score) for mine, theirs in equal), default=0
        ),
    )


def measure(
    stacks: Mapping[str, Stack],
    texts: Texts,
    objectives: Objectives,
    arguments: argparse.Namespace,
) -> tuple[dict[str, list[Found[Measured]]], dict[str, list[Measured]]]:
    """The searches of each way, one after the other in every round, and loads of one rate."""
    benches = {
        name: Bench(
            stack, LoadPlan(stack.address, texts.path, seconds=arguments.seconds), objectives
        )
        for name, stack in stacks.items()
    }
    rates = {}
    for name, bench in benches.items():
        capacity = bench.warm_up(arguments.seconds)
        _tell(f"{name}: users who wait for each answer get {capacity:.1f} answers a second")
        rates[name] = 0.7 * capacity
    found: dict[str, list[Found[Measured]]] = {name: [] for name in stacks}
    for number in range(1, arguments.rounds + 1):
        for name, bench in benches.items():
            _tell(f"round {number}, {name}:")
            found[name] += search_again_and_again(
                bench,
                first_rate=rates[name],
                searches=1,
                steps=Steps(most=arguments.most_trials),
                tell=_tell,
            )
            rates[name] = found[name][-1].rate or rates[name]
    shared = 0.7 * min(min(each.rate for each in searches) for searches in found.values())
    alike: dict[str, list[Measured]] = {name: [] for name in stacks}
    for _ in range(arguments.rounds if shared > 0 else 0):
        for name, bench in benches.items():
            alike[name].append(bench.measure(shared))
    return found, alike


def summarize(
    found: Mapping[str, Sequence[Found[Measured]]], alike: Mapping[str, Sequence[Measured]]
) -> dict[str, Any]:
    """The numbers of each way; ratios are of Heed to it, round by round."""
    own = [each.rate for each in found[HEED]]
    ways_found = {}
    for name, searches in found.items():
        rates = [each.rate for each in searches]
        ratios = [mine / theirs for mine, theirs in zip(own, rates, strict=True) if theirs]
        ways_found[name] = {
            "rates": rates,
            "median_rate": statistics.median(rates),
            "disagreement": agreement(rates),
            "heed_to_it": statistics.median(ratios) if ratios else None,
            "at_one_rate": [measured_summary(each) for each in alike[name]],
        }
    return ways_found


def noise_of(
    found: Mapping[str, Sequence[Found[Measured]]], alike: Mapping[str, Sequence[Measured]]
) -> list[str]:
    """Why the figures should not be trusted, in words; empty on a quiet machine."""
    noise = [
        f"the searches of {name} lie {agreement([each.rate for each in searches]):.0%} apart"
        for name, searches in found.items()
        if agreement([each.rate for each in searches]) > AGREEMENT
    ]
    if any(load.is_disturbed for loads in alike.values() for load in loads):
        noise.append("other programs kept its processors busy")
    return noise


def write_report(
    folder: Path, summary: Mapping[str, Any], found: Mapping[str, Sequence[Found[Measured]]],
    objectives: Objectives,
) -> None:  # fmt: skip
    """Writes report.json and report.html."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(summary, indent=2, ensure_ascii=False, allow_nan=False)
    (folder / "report.json").write_text(f"{text}\n", encoding="utf-8")
    trials = {
        name: [t for each in searches for t in each.trials] for name, searches in found.items()
    }
    compared = summary["answers"]
    parts = [
        f"<p>Model {summary['model']}, {summary['machine']['processor_count']} processors. "
        f"CTranslate2 gives the same output to {compared['equal_share']:.1%} of "
        f"{compared['texts']} texts; where it does, scores differ by at most "
        f"{compared['largest_score_gap']:.1g}.",
        *(
            f'<p class="verdict noisy"><b>The machine was noisy:</b> {html.escape(each)}.'
            for each in summary["noise"]
        ),
        "<h2>The highest rate within the objectives</h2>",
        table(
            ["way", "requests a second, each round", "median", "Heed : it"],
            [
                [
                    name,
                    ", ".join(f"{rate:.1f}" for rate in way["rates"]),
                    f"{way['median_rate']:.1f}",
                    "–" if way["heed_to_it"] is None else f"{way['heed_to_it']:.2f}",
                ]
                for name, way in summary["ways"].items()
            ],
        ),
        picture(plots.latency_by_rate(trials, objectives), "p99 at each rate tried"),
        "<h2>At one rate</h2>",
        table(
            ["way", "requests a second", "p50", "p95", "p99", "servers' processor time an answer"],
            [_alike_row(name, load) for name, way in summary["ways"].items()
             for load in way["at_one_rate"]],
        ),
        f"<p><code>{summary['command']}</code>, {summary['began_at']}",
    ]  # fmt: skip
    page = document("Four ways to serve one model", parts)
    (folder / "report.html").write_text(page, encoding="utf-8")


def _alike_row(name: str, load: Mapping[str, Any]) -> list[str]:
    servers_ms = sum(
        used["cpu_ms_per_answer"]
        for process, used in load["processes"].items()
        if process != GENERATOR
    )
    times = [milliseconds(load["latency_ms"][each]) for each in ("p50", "p95", "p99")]
    return [name, f"{load['requests_per_s']:.1f}", *times, f"{servers_ms:.2f} ms"]


def main() -> int:
    """Compares, measures, writes the report; 1 where the answers differ, or nothing is answered."""
    end_servers_on_signals()
    try:
        return _compare(_parser().parse_args())
    except LoadTestError as error:
        _tell(f"compare_servers: error: {error}")
        return 1


def _compare(arguments: argparse.Namespace) -> int:
    objectives = read_objectives(arguments.objectives)
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    with tempfile.TemporaryDirectory(prefix="heed-ctranslate2-") as folder:
        converted = Path(folder, "model")
        run = arguments.run or Path("runs", arguments.model.name)
        convert = [sys.executable, "-m", "benchmarks.ctranslate2_model", str(run), str(converted)]
        if subprocess.run(convert, check=False).returncode != 0:
            return 1  # it has said why
        with (
            ways(arguments.model, converted, rows=arguments.rows) as stacks,
            prepared_texts(stacks[HEED].address, file=arguments.texts) as texts,
        ):
            compared = compare_answers(
                stacks[HEED], stacks[CTRANSLATE2], read_texts(texts.path)[:_TEXTS_COMPARED]
            )
            _tell(f"answers: {compared}")
            if compared.equal_share < _LEAST_EQUAL:
                _tell("CTranslate2 does not give the same answers: nothing is measured")
                return 1
            found, alike = measure(stacks, texts, objectives, arguments)
        summary = finite(
            {
                "model": arguments.model.name,
                "command": f"make loadtest-compare COMPARE_MODEL={arguments.model.name}",
                "began_at": began_at,
                "machine": asdict(this_machine()),
                "objectives": objectives.model_dump(),
                "texts": texts_summary(texts),
                "answers": asdict(compared),
                "ways": summarize(found, alike),
                "noise": noise_of(found, alike),
            }
        )
    write_report(arguments.out, summary, found, objectives)
    for each in summary["noise"]:
        _tell(f"the machine was noisy: {each}")
    for name, way in summary["ways"].items():
        ratio = "" if way["heed_to_it"] is None else f"; Heed carries {way['heed_to_it']:.2f} times"
        print(f"{name:<24} {way['median_rate']:8.1f} requests/s{ratio}")
    _tell(f"the report: {arguments.out / 'report.html'}")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODELS/NAME", help="a Transformer")
    parser.add_argument("--rounds", type=int, default=2, help="searches of each way (2)")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each rate (8)")
    parser.add_argument("--most-trials", type=int, default=12, help="rates of a search (12)")
    parser.add_argument("--rows", type=int, default=64, help="rows of a batch, everywhere (64)")
    parser.add_argument("--objectives", type=Path, default=OBJECTIVES, metavar="FILE")
    parser.add_argument("--texts", type=Path, metavar="FILE", help="texts to send, one a line")
    parser.add_argument(
        "--run", type=Path, help="its training run, for the other's weights (runs/NAME)"
    )
    parser.add_argument("--out", type=Path, default=Path("runs/loadtest-compare"), metavar="FOLDER")
    return parser


def _tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
