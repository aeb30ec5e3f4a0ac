"""`heed export`: writes a training run as a version that can be served."""

from __future__ import annotations

import argparse
import itertools
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import TypeAdapter, ValidationError

from heed.contract import ModelName, Precision
from model_export.progress import progress_display

if TYPE_CHECKING:
    from model_export.export.export_model import ExportedVersion

LOADING_STEP = "Loading the training run"
STEP_COUNT = 6
"""`LOADING_STEP` and those of `export_model`, whose module needs TensorFlow."""


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
    with progress_display("export", STEP_COUNT) as display:
        begun = itertools.count()

        def on_step(step: str) -> None:
            display.line(step)
            display.update(next(begun), "")

        on_step(LOADING_STEP)
        from model_export.export.export_model import export_model
        from model_export.export.exportable import exportable_from_run
        from model_export.runs.training_run import TrainingRun

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
