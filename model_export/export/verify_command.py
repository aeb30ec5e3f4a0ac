"""`heed verify`: compares an exported version with its training-side model."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_export.export.checks import CheckResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments of `heed verify`."""
    parser.add_argument(
        "version", type=Path, metavar="MODELS/NAME/VERSION", help="directory of a version"
    )
    parser.add_argument(
        "--run",
        type=Path,
        metavar="RUN",
        help="its training run, which then answers anew; without it the answers count that the "
        "training-side model gave when the version was exported",
    )


def run(arguments: argparse.Namespace) -> int:
    """Verifies, and prints a table of the checks.

    Returns:
        0: every check passed.

    Raises:
        ModelExportError: One did not; the message says which, where and by how much.
    """
    # In float32 the graph must agree with the model to 0.0001: more than short products promise.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    import tensorflow as tf

    tf.get_logger().setLevel("ERROR")  # the loader of sessions calls itself deprecated
    from model_export.export.verification import verify_version
    from model_export.quiet import spend_session_notice
    from model_export.runs.training_run import TrainingRun

    spend_session_notice()
    training_run = TrainingRun.load(arguments.run) if arguments.run else None
    _print_table(arguments.version, verify_version(arguments.version, training_run))
    return 0


def _print_table(version_dir: Path, results: Sequence[CheckResult]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("Check", "Compared", "Largest difference", title=f"{version_dir} is right")
    for result in results:
        difference = result.largest_difference
        table.add_row(
            result.check,
            result.compared,
            "-" if difference is None else f"{difference:.1e} of {result.bound:g}",
        )
    Console().print(table)
