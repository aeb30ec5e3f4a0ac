"""`heed average`."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes `heed average`."""
    parser.add_argument("run", type=Path, metavar="RUN", help="a run's folder; only read")
    parser.add_argument(
        "states",
        type=Path,
        nargs="*",
        default=[],
        metavar="STATE",
        help="saved states of the run, such as copies of its training_state.npz "
        "(default: what training.average_last kept in RUN/recent_weights)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RUN", help="the new run's folder"
    )
    parser.add_argument(
        "--last", type=_count, metavar="N", help="average the last N only (default: all)"
    )
    parser.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the run's data lies (default: the data that comes with Heed)",
    )


def _count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 or more")
    return int(text)


def run(arguments: argparse.Namespace) -> int:
    """Averages, measures, and writes the new run."""
    from model_export.evaluation.metrics import described
    from model_export.training.average_run import average_run

    metrics = average_run(
        arguments.run,
        arguments.states,
        out=arguments.out,
        last=arguments.last,
        data_dir=arguments.data_dir,
    )
    dev = {
        name.removeprefix("dev."): value
        for name, value in metrics.items()
        if name.startswith("dev.")
    }
    figures = ", ".join(f"{name} {value}" for name, value in described(dev))
    count = metrics["training.averaged_weights"]
    print(f"{arguments.out} is the mean of {count:.0f} saved states: dev {figures}")
    return 0
