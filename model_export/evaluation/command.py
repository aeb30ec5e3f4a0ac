"""`heed evaluate`."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heed.contract import MAX_LENGTH_PENALTY
from model_export.data.examples import Split

if TYPE_CHECKING:
    from model_export.evaluation.evaluate import Judgement
    from model_export.evaluation.metrics import Metrics
    from model_export.evaluation.text_outputs import Beam

MAX_SHOWN_LABELS: Final = 12
"""With more labels than these, who is taken for whom is in the run's confusion file alone."""
MAX_BEAM_WIDTH: Final = 32
"""The widest beam that is measured: the widest of an exported version."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes `heed evaluate`."""
    parser.add_argument("run", type=Path, metavar="RUN", help="the folder of a finished run")
    parser.add_argument(
        "--split",
        choices=[Split.TEST.value, Split.DEV.value],
        default=Split.TEST.value,
        help="what to evaluate on (default: test)",
    )
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    parser.add_argument(
        "--report",
        type=_report_path,
        metavar="FILE.html",
        help="write a page about the model as well: quality with intervals, by length, examples "
        "with their attention, and how each head spreads it; it needs no network",
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the run's data lies (default: the data that comes with Heed)",
    )
    parser.add_argument(
        "--beam-width",
        type=_beam_width,
        metavar="K",
        help="follow K hypotheses at once (default: greedy search)",
    )
    parser.add_argument(
        "--length-penalty",
        type=_length_penalty,
        metavar="ALPHA",
        help=f"make up for long outputs being less probable, 0 to {MAX_LENGTH_PENALTY:g}; needs "
        "--beam-width (default: 0)",
    )


def _report_path(text: str) -> Path:
    path = Path(text)
    if path.suffix.lower() not in (".html", ".htm"):
        raise argparse.ArgumentTypeError(f"{text!r} does not end with .html")
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r} to write into")
    return path


def _beam_width(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_BEAM_WIDTH:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 to {MAX_BEAM_WIDTH}")
    return int(text)


def _length_penalty(text: str) -> float:
    try:
        penalty = float(text)
    except ValueError:
        penalty = math.nan
    if not 0 <= penalty <= MAX_LENGTH_PENALTY:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of 0 to {MAX_LENGTH_PENALTY:g}")
    return penalty


def run(arguments: argparse.Namespace) -> int:
    """Evaluates, prints the metrics, and saves them in the run as `save_metrics` says."""
    from model_export.evaluation.evaluate import judge, save_metrics
    from model_export.runs.training_run import TrainingRun

    if arguments.length_penalty is not None and arguments.beam_width is None:
        print("heed: error: --length-penalty needs --beam-width", file=sys.stderr)
        return 2
    split, beam = Split(arguments.split), _beam(arguments)
    training_run = TrainingRun.load(arguments.run)
    judgement = judge(training_run, split=split, data_dir=arguments.data_dir, beam=beam)
    metrics = judgement.metrics
    if arguments.json:
        print(json.dumps(metrics.as_dict(), indent=2), flush=True)
    else:
        _print_table(metrics.as_dict(), split)
        _print_confusion(metrics)
    # Last, so that a full disk does not cost the figures.
    save_metrics(metrics, arguments.run, split=split, beam=beam)
    if arguments.report is not None:
        _write_report(judgement, arguments.report)
    return 0


def _write_report(judgement: Judgement, path: Path) -> None:
    from model_export.evaluation.report.build import write_report

    write_report(judgement, path)
    print(f"heed: wrote {path}", file=sys.stderr)


def _beam(arguments: argparse.Namespace) -> Beam | None:
    from model_export.evaluation.text_outputs import Beam

    if arguments.beam_width is None:
        return None
    return Beam(arguments.beam_width, arguments.length_penalty or 0.0)


def _print_confusion(metrics: Metrics) -> None:
    """How often each label (row) was taken for each other (column), if there are not too many."""
    from rich.console import Console
    from rich.table import Table

    from model_export.evaluation.classification import ClassificationMetrics

    if not isinstance(metrics, ClassificationMetrics) or len(metrics.labels) > MAX_SHOWN_LABELS:
        return
    table = Table("right label", title="given labels")
    for label in metrics.labels:
        table.add_column(label, justify="right")
    for label, counts in zip(metrics.labels, metrics.confusion, strict=True):
        table.add_row(label, *(str(count) if count else "·" for count in counts))
    Console().print(table)


def _print_table(values: dict[str, float], split: Split) -> None:
    from rich.console import Console
    from rich.table import Table

    from model_export.evaluation.metrics import described

    count = next(value for name, value in values.items() if name.endswith("_count"))
    unit = next(name.removesuffix("_count") for name in values if name.endswith("_count"))
    table = Table("measure", "value", title=f"{split}, {count:,.0f} {unit}s")
    table.columns[1].justify = "right"
    for name, value in described(values):
        table.add_row(name, value)
    Console().print(table)
