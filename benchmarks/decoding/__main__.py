"""Decoding in Heed's exported graphs beside CTranslate2, with the same weights.

For each model: exported for both engines; CTranslate2's best threads found for each number format;
outputs compared token for token, and judged where the data knows what is right; then speed, every
engine and number format in a process of its own, in turns, on real sentences with their real ends
(random weights: a fixed number of steps).

    python -m benchmarks.decoding runs/multi30k-en-de --data-dir DIR         everything
    python -m benchmarks.decoding --only S --batches 1 8 --searches greedy   a part
    python -m benchmarks.decoding --quick                                    shows that it runs

The results of a model are replaced as a whole; those of the models not measured stay.
"""

from __future__ import annotations

import argparse
import itertools
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from benchmarks.decoding.cases import (
    CTRANSLATE2_PRECISIONS,
    HEED_PRECISIONS,
    Engine,
    EngineName,
    Search,
    cases_of,
)
from benchmarks.decoding.measuring import Plan, measure
from benchmarks.decoding.plot import draw
from benchmarks.decoding.report import markdown
from benchmarks.decoding.results import Results, SubjectResult, software_versions
from benchmarks.decoding.sizes import SIZES
from benchmarks.decoding.subject import SUBJECT_FILE, BenchmarkError, Subject
from loadtest.machine import this_machine
from loadtest.servers import end_servers_on_signals
from model_export.progress import progress_display

TRAINED: Final = "trained"
DEFAULT_RUN: Final = Path("runs/multi30k-en-de")
DEFAULT_OUT: Final = Path("benchmarks/results")
QUICK_OUT: Final = Path("runs/bench-decoding-quick")
_NAME: Final = "decoding"
_EXPORT_WITHIN_S: Final = 1800
_OUTPUTS: Final = 1000
_FORCED_OUTPUTS: Final = 64
"""Outputs compared; what random weights write takes longer and says less."""


def build_parser() -> argparse.ArgumentParser:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.decoding",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "run",
        nargs="?",
        type=Path,
        default=DEFAULT_RUN,
        metavar="RUN",
        help=f"a training run of a Transformer (default: {DEFAULT_RUN}, by: heed train "
        f"multi30k-en-de --data-dir DIR --out {DEFAULT_RUN})",
    )
    parser.add_argument(
        "--data-dir", type=Path, metavar="DIR", help="where the data of the run's recipe lies"
    )
    parser.add_argument(
        "--versions",
        type=Path,
        metavar="MODELS/NAME",
        help="measure what was exported of the run, the newest version of each precision, instead "
        "of exporting it anew",
    )
    _add_parts(parser.add_argument_group("parts"))
    _add_amounts(parser.add_argument_group("how much"))
    parser.add_argument(
        "--quick",
        action="store_true",
        help="tiny random weights, few batches: whether everything runs, and nothing about speed",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help=f"({DEFAULT_OUT}; --quick: {QUICK_OUT})"
    )
    return parser


def _add_parts(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--only",
        nargs="+",
        choices=(TRAINED, *SIZES),
        help="these models: the trained one, random weights of a size (trained S B)",
    )
    group.add_argument(
        "--searches", nargs="+", type=Search, choices=list(Search), help="(greedy beam)"
    )
    group.add_argument("--batches", nargs="+", type=_count, metavar="ROWS", help="(1 8 32 64)")
    group.add_argument(
        "--precisions",
        nargs="+",
        choices=HEED_PRECISIONS,
        help=f"of Heed; CTranslate2 has {' and '.join(CTRANSLATE2_PRECISIONS)} "
        f"({' '.join(HEED_PRECISIONS)})",
    )


def _add_amounts(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--rounds", type=_count, metavar="N", help="measurements of each (5)")
    group.add_argument(
        "--seconds",
        type=_seconds,
        metavar="S",
        help="that a measurement takes CTranslate2 in float32 (0.8)",
    )
    group.add_argument(
        "--streams", type=_count, default=2, metavar="N", help="batches in work at once (2)"
    )
    group.add_argument("--sentences", type=_count, metavar="N", help="sources asked at most (1000)")


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 or more")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < 3600:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return seconds


def with_defaults(arguments: argparse.Namespace) -> argparse.Namespace:
    """What was not said, by whether it shall be quick."""
    quick = arguments.quick
    arguments.only = arguments.only or (["tiny"] if quick else [TRAINED, "S", "B"])
    arguments.searches = arguments.searches or list(Search)
    arguments.batches = arguments.batches or ([1, 4] if quick else [1, 8, 32, 64])
    arguments.precisions = arguments.precisions or list(HEED_PRECISIONS)
    arguments.rounds = arguments.rounds or (2 if quick else 5)
    arguments.seconds = arguments.seconds or (0.02 if quick else 0.8)
    arguments.sentences = arguments.sentences or (24 if quick else 1000)
    arguments.out = arguments.out or (QUICK_OUT if quick else DEFAULT_OUT)
    return arguments


def main(argv: Sequence[str]) -> int:
    """Measures, and writes the results; 1 where that is not possible."""
    arguments = with_defaults(build_parser().parse_args(argv))
    end_servers_on_signals()
    try:
        return _run(arguments, shown_command(argv, arguments))
    except BenchmarkError as error:
        print(f"benchmarks.decoding: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("benchmarks.decoding: interrupted; nothing was written", file=sys.stderr)
        return 130


def shown_command(argv: Sequence[str], arguments: argparse.Namespace) -> str:
    """What repeats it, for the page: places that only this machine has are left open."""
    names = {"RUN": arguments.run, "DIR": arguments.data_dir, "FOLDER": arguments.out}
    names["MODELS/NAME"] = arguments.versions
    places = {str(path): name for name, path in names.items() if path and path.is_absolute()}
    command = shlex.join(["python", "-m", "benchmarks.decoding", *argv])
    for place in sorted(places, key=len, reverse=True):
        command = command.replace(place, places[place])
    return command


def _run(arguments: argparse.Namespace, command: str) -> int:
    results = Results.load(arguments.out / f"{_NAME}.json")
    for name in arguments.only:
        with tempfile.TemporaryDirectory(prefix="heed-decoding-") as folder:
            result = _measured(name, Path(folder), arguments=arguments, command=command)
        results = results.having(result)
        _write(results, arguments.out, command)
    print(f"{arguments.out / _NAME}.md, .svg, .json", flush=True)
    return 0


def _measured(
    name: str, folder: Path, *, arguments: argparse.Namespace, command: str
) -> SubjectResult:
    began_at = datetime.now(UTC).isoformat(timespec="seconds")
    print(f"exporting {name} for both engines", file=sys.stderr, flush=True)
    subject = _exported(name, folder, arguments)
    plan = _plan(subject, arguments)
    with progress_display(subject.name, plan.measurements()) as display:
        done = itertools.count(1)
        measured = measure(
            subject,
            folder / SUBJECT_FILE,
            plan=plan,
            tell=display.line,
            advance=lambda: display.update(next(done), "measurements"),
        )
    machine = this_machine()
    return SubjectResult(
        name=subject.name,
        description=subject.description,
        began_at=began_at,
        command=command,
        machine=f"{machine.processor}, {machine.processor_count} processors",
        software=software_versions(),
        streams=plan.streams,
        source_count=len(subject.sources),
        outputs_compared=plan.outputs,
        others_share=measured.others_share,
        cases=tuple((case.search, case.rows) for case in plan.cases),
        engines=measured.engines,
        agreement=measured.agreement,
        left_out={
            label: why
            for label, why in subject.left_out.items()
            if label.split(" ")[1] in arguments.precisions
        },
    )


def _plan(subject: Subject, arguments: argparse.Namespace) -> Plan:
    wanted = [Engine(EngineName.CTRANSLATE2, each) for each in CTRANSLATE2_PRECISIONS]
    wanted += [Engine(EngineName.HEED, each) for each in arguments.precisions]
    return Plan(
        engines=tuple(engine for engine in wanted if subject.has(engine)),
        cases=tuple(cases_of(arguments.searches, sorted(set(arguments.batches)))),
        rounds=arguments.rounds,
        seconds=arguments.seconds,
        streams=arguments.streams,
        outputs=min(len(subject.sources), _FORCED_OUTPUTS if subject.is_forced else _OUTPUTS),
    )


def _exported(name: str, folder: Path, arguments: argparse.Namespace) -> Subject:
    """The model for both engines, exported by a process of its own."""
    command = [sys.executable, "-m", "benchmarks.decoding.exporting", str(folder)]
    if name == TRAINED:
        command += ["--run", str(arguments.run)]
        if arguments.versions is not None:
            command += ["--versions", str(arguments.versions)]
        if arguments.data_dir is not None:
            command += ["--data-dir", str(arguments.data_dir)]
    else:
        command += ["--size", name]
    command += ["--sentences", str(arguments.sentences)]
    command += ["--precisions", *arguments.precisions]
    try:
        done = subprocess.run(
            command, stderr=subprocess.PIPE, text=True, check=False, timeout=_EXPORT_WITHIN_S
        )
    except subprocess.TimeoutExpired as error:
        raise BenchmarkError(
            f"cannot export {name}: not done after {_EXPORT_WITHIN_S} s"
        ) from error
    if done.returncode != 0:
        raise BenchmarkError(f"cannot export {name}: {done.stderr.strip()[-2000:]}")
    return Subject.load(folder / SUBJECT_FILE)


def _write(results: Results, folder: Path, command: str) -> None:
    results.save(folder / f"{_NAME}.json")
    picture = folder / f"{_NAME}.svg"
    draw(results, picture)
    page = markdown(results, command=command, plot=picture.name)
    (folder / f"{_NAME}.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
