"""`heed evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from model_export.data.examples import Split

if TYPE_CHECKING:
    from model_export.evaluation.metrics import Metrics

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


def _beam_width(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= MAX_BEAM_WIDTH:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 to {MAX_BEAM_WIDTH}")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Evaluates, prints the metrics, and saves them in the run as `save_metrics` says."""
    from model_export.evaluation.evaluate import evaluate_run, save_metrics

    split = Split(arguments.split)
    metrics = evaluate_run(
        arguments.run,
        split=split,
        data_dir=arguments.data_dir,
        beam_width=arguments.beam_width,
    )
    if arguments.json:
        print(json.dumps(metrics.as_dict(), indent=2), flush=True)
    else:
        _print_table(metrics.as_dict(), split)
        _print_confusion(metrics)
    # Last, so that a full disk does not cost the figures.
    save_metrics(metrics, arguments.run, split=split, beam_width=arguments.beam_width)
    return 0


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
