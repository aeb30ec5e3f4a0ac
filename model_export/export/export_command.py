"""`heed export`: writes a training run as a version that can be served."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from heed.contract import ModelName, Precision

if TYPE_CHECKING:
    from model_export.export.export_model import ExportedVersion

LOADING_STEP = "Loading the training run"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Describes the arguments of `heed export`."""
    parser.add_argument(
        "run", type=Path, metavar="RUN", help="directory of a finished training run"
    )
    parser.add_argument(
        "--models-dir",
        type=Path,
        required=True,
        metavar="MODELS",
        help="directory of all models; the version becomes MODELS/NAME/NUMBER",
    )
    parser.add_argument(
        "--name",
        type=_model_name,
        help="the model's name (default: the recipe's)",
    )
    parser.add_argument(
        "--precision",
        choices=[str(precision) for precision in Precision],
        default=str(Precision.FLOAT32),
        help="number format of the weights (default: %(default)s)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Exports, verifies and publishes.

    Returns:
        0 when the version is published, 130 when interrupted.

    Raises:
        ModelExportError: There is nothing to export, or it could not be published.
    """
    started = time.monotonic()
    # What is exported does not depend on the machine, and is verified to 0.0001: no GPU here.
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    try:
        exported = _export(arguments)
    except KeyboardInterrupt:
        print("heed: interrupted; nothing was published", file=sys.stderr)
        return 130
    print(
        f"Exported {exported.path.parent.name} version {exported.version} to {exported.path} "
        f"({exported.size_bytes / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)"
    )
    return 0


def _export(arguments: argparse.Namespace) -> ExportedVersion:
    with _progress() as on_step:
        on_step(LOADING_STEP)
        from model_export.export.export_model import export_model
        from model_export.export.exportable import exportable_from_run
        from model_export.training.run import TrainingRun

        training_run = TrainingRun.load(arguments.run)
        exportable = exportable_from_run(
            training_run,
            model_name=arguments.name or training_run.recipe.name,
            precision=Precision(arguments.precision),
        )
        return export_model(exportable, arguments.models_dir, on_step=on_step)


def _model_name(text: str) -> str:
    try:
        return TypeAdapter(ModelName).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(
            f'"{text}" is no model name: 1 to 63 letters, digits, ".", "_" or "-", '
            "beginning with a letter or digit"
        ) from error


@contextmanager
def _progress() -> Iterator[Callable[[str], None]]:
    """Shows the steps on standard error; each call begins the next one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: print(step, file=sys.stderr, flush=True)
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        task = progress.add_task("", total=_STEP_COUNT)
        begun = 0

        def on_step(step: str) -> None:
            nonlocal begun
            progress.update(task, description=step, completed=begun)
            begun += 1

        yield on_step


_STEP_COUNT = 6
"""`LOADING_STEP` and those of `export_model`, whose module needs TensorFlow."""
