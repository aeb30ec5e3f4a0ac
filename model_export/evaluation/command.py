"""`heed evaluate`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

from model_export.data.examples import Split

if TYPE_CHECKING:
    from model_export.evaluation.metrics import PronunciationMetrics


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


def run(arguments: argparse.Namespace) -> int:
    """Evaluates, prints the metrics, and saves them in the run as evaluation-SPLIT.json."""
    from model_export.evaluation.evaluate import evaluate_run

    split = Split(arguments.split)
    metrics = evaluate_run(arguments.run, split=split, data_dir=arguments.data_dir)
    if arguments.json:
        print(json.dumps(metrics.as_dict(), indent=2))
    else:
        _print_table(metrics, split)
    return 0


def _print_table(metrics: PronunciationMetrics, split: Split) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("measure", "value", title=f"{split}, {metrics.word_count:,} words")
    table.columns[1].justify = "right"
    table.add_row("word accuracy", f"{metrics.word_accuracy:.2%}")
    table.add_row("word error rate", f"{metrics.word_error_rate:.2%}")
    table.add_row("phoneme error rate", f"{metrics.phoneme_error_rate:.2%}")
    Console().print(table)
