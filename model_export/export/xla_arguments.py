"""Arguments of `heed export` for the variant that XLA compiles."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from heed.contract import Precision
from model_export.export.errors import ExportError

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel

_SHAPES: Final = ("rows", "source_tokens", "beam_width")


def add_xla_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--xla` and its shapes."""
    group = parser.add_argument_group("XLA (for GPUs; the model server must allow it)")
    group.add_argument(
        "--xla",
        action="store_true",
        help="have XLA compile the searches, once for each shape below; batches are filled up",
    )
    group.add_argument(
        "--xla-rows",
        type=_numbers,
        metavar="N,N,...",
        help="rows of the batches to compile for, ascending, the last 8 or more "
        "(default: 1,8,32,128)",
    )
    group.add_argument(
        "--xla-source-tokens",
        type=_numbers,
        metavar="N,N,...",
        help="longest sources to compile for, ascending; the model's longest comes on top "
        "(default: a quarter of that)",
    )
    group.add_argument(
        "--xla-beam-width",
        type=int,
        metavar="K",
        help="the widest beam, for which every beam has room (default: 4)",
    )


def check_xla(arguments: argparse.Namespace) -> None:
    """Refuses what does not go together.

    Raises:
        ExportError: A shape without `--xla`, or `--xla` in another number format.
    """
    if arguments.xla and arguments.precision != Precision.FLOAT32:
        raise ExportError(f"--xla goes with --precision float32, not {arguments.precision}")
    for name in _SHAPES:
        if getattr(arguments, f"xla_{name}") is not None and not arguments.xla:
            raise ExportError(f"--xla-{name.replace('_', '-')} needs --xla")


def in_chosen_form(exportable: ExportableModel, arguments: argparse.Namespace) -> ExportableModel:
    """The model as it is, or for XLA.

    Raises:
        ExportError: XLA cannot have it, or a shape is out of range.
    """
    if not arguments.xla:
        return exportable
    from model_export.export.xla import with_xla

    given = {name: getattr(arguments, f"xla_{name}") for name in _SHAPES}
    return with_xla(
        exportable, **{name: value for name, value in given.items() if value is not None}
    )


def _numbers(text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(","))
    except ValueError as error:
        raise argparse.ArgumentTypeError(
            f"{text!r} must be whole numbers with commas between them"
        ) from error
