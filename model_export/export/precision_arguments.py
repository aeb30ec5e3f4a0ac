"""Arguments of `heed export` for the number format, and the data that those below float32 need."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Final

from heed.contract import Precision
from model_export.export.errors import ExportError

DEFAULT_CALIBRATION_EXAMPLES: Final = 256
DEFAULT_DEV_EXAMPLES: Final = 1000
_MOST_EXAMPLES: Final = 100_000
_BELOW_FLOAT32: Final = tuple(each for each in Precision if each is not Precision.FLOAT32)
_USED_BY: Final = {
    "data_dir": _BELOW_FLOAT32,
    "dev_examples": _BELOW_FLOAT32,
    "calibration_examples": (Precision.INT8,),
}


def add_precision_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--precision` and its data."""
    group = parser.add_argument_group("precision")
    group.add_argument(
        "--precision",
        choices=[str(precision) for precision in Precision],
        default=str(Precision.FLOAT32),
        help="what the version computes in; below float32 it is calibrated and its loss measured "
        "on the run's data (default: %(default)s)",
    )
    group.add_argument(
        "--data-dir",
        type=Path,
        metavar="DIR",
        help="where the run's data lies (default: the data that comes with Heed)",
    )
    group.add_argument(
        "--calibration-examples",
        type=_example_count,
        metavar="N",
        help="training examples that int8 is calibrated on "
        f"(default: {DEFAULT_CALIBRATION_EXAMPLES})",
    )
    group.add_argument(
        "--dev-examples",
        type=_example_count,
        metavar="N",
        help=f"dev examples that the loss is measured on (default: {DEFAULT_DEV_EXAMPLES})",
    )


def check_precision_arguments(arguments: argparse.Namespace) -> None:
    """Refuses data that the number format has no use for.

    Raises:
        ExportError: An argument would change nothing; the message names it.
    """
    for name, precisions in _USED_BY.items():
        if getattr(arguments, name) is not None and arguments.precision not in precisions:
            flag = f"--{name.replace('_', '-')}"
            raise ExportError(f"{flag} needs --precision {' or '.join(precisions)}")


def _example_count(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 1 <= int(text) <= _MOST_EXAMPLES:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of 1 to {_MOST_EXAMPLES}")
    return int(text)
