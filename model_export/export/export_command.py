"""`heed export`: writes a training run as a version that can be served."""

from __future__ import annotations

import argparse
import os
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from pydantic import TypeAdapter, ValidationError

from heed.contract import ModelName, Precision
from model_export.export.precision_arguments import (
    DEFAULT_CALIBRATION_EXAMPLES,
    DEFAULT_DEV_EXAMPLES,
    add_precision_arguments,
    check_precision_arguments,
)
from model_export.export.xla_arguments import add_xla_arguments, check_xla, in_chosen_form
from model_export.progress import ProgressDisplay, progress_display

if TYPE_CHECKING:
    from model_export.export.export_model import ExportedVersion
    from model_export.export.exportable import ExportableModel
    from model_export.export.precision_loss import PrecisionLoss
    from model_export.runs.training_run import TrainingRun

LOADING_STEP = "Loading the training run"
PRECISION_STEPS: Final = ("Calibrating on training data", "Measuring the loss on dev data")
"""What is done besides for a precision below float32."""
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
    add_precision_arguments(parser)
    add_xla_arguments(parser)


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
        exported, loss = _export(arguments)
    except KeyboardInterrupt:
        print("heed: interrupted; nothing was published", file=sys.stderr)
        return 130
    if loss is not None:
        _print_loss(loss)
    print(
        f"Exported {exported.path.parent.name} version {exported.version} to {exported.path} "
        f"({exported.size_bytes / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)"
    )
    _remind_of_portable_version(exported.path.parent)
    return 0


def _remind_of_portable_version(model_dir: Path) -> None:
    from model_export.export.precision import has_portable_version

    if not has_portable_version(model_dir):
        print(
            f"heed: note: {model_dir.name} has no version in float32, which runs on every server: "
            "export one as well, without --xla, to go back to",
            file=sys.stderr,
        )


def _export(arguments: argparse.Namespace) -> tuple[ExportedVersion, PrecisionLoss | None]:
    check_xla(arguments)
    check_precision_arguments(arguments)
    precision = Precision(arguments.precision)
    extra = 0 if precision is Precision.FLOAT32 else len(PRECISION_STEPS)
    with progress_display("export", STEP_COUNT + extra) as display:
        steps = _Steps(display)
        steps.begin(LOADING_STEP)
        from model_export.export.export_model import export_model
        from model_export.export.exportable import exportable_from_run
        from model_export.export.precision import check_precision
        from model_export.runs.training_run import TrainingRun

        training_run = TrainingRun.load(arguments.run)
        check_precision(training_run.recipe, precision)
        name, loss = arguments.name or training_run.recipe.name, None
        if precision is Precision.FLOAT32:
            exportable = exportable_from_run(training_run, model_name=name, precision=precision)
            exportable = in_chosen_form(exportable, arguments)
        else:
            exportable, loss = _reduced(training_run, name, arguments=arguments, steps=steps)
        return export_model(exportable, arguments.models_dir, on_step=steps.begin), loss


class _Steps:
    """Shows each step when it begins, and how far it has come.

    Args:
        display: Shows it; its units are steps.
    """

    def __init__(self, display: ProgressDisplay) -> None:
        self._display = display
        self._finished = -1

    def begin(self, step: str) -> None:
        """Shows a step's name."""
        self._finished += 1
        self._display.line(step)
        self._display.update(self._finished, "")

    def show_examples(self, done: int) -> None:
        """Shows how many examples the step has done."""
        self._display.update(self._finished, f"{done:,} examples")


def _reduced(
    training_run: TrainingRun,
    name: str,
    *,
    arguments: argparse.Namespace,
    steps: _Steps,
) -> tuple[ExportableModel, PrecisionLoss]:
    """The model in less than float32, with a card that states what that costs."""
    from model_export.export.exportable import decoding_model, exportable_from_run
    from model_export.export.precision_data import load_precision_data
    from model_export.export.precision_loss import measure_loss, with_loss

    calibrating, measuring = PRECISION_STEPS
    steps.begin(calibrating)
    data = load_precision_data(
        training_run,
        arguments.data_dir,
        calibration_count=arguments.calibration_examples or DEFAULT_CALIBRATION_EXAMPLES,
        dev_count=arguments.dev_examples or DEFAULT_DEV_EXAMPLES,
    )
    exportable = exportable_from_run(
        training_run,
        model_name=name,
        precision=Precision(arguments.precision),
        calibration=data.calibration,
    )
    # Made once, for the measuring and for the version.
    exportable = replace(exportable, prepared=decoding_model(exportable))
    steps.begin(measuring)
    reference = exportable_from_run(training_run, model_name=name, precision=Precision.FLOAT32)
    loss = measure_loss(
        exportable,
        reference,
        data.dev,
        recipe=training_run.recipe,
        on_progress=steps.show_examples,
    )
    return with_loss(exportable, loss), loss


def _print_loss(loss: PrecisionLoss) -> None:
    from rich.console import Console
    from rich.table import Table

    from model_export.evaluation.metrics import described

    title = f"{loss.precision} beside float32, {loss.example_count:,} dev examples"
    table = Table("measure", "float32", str(loss.precision), title=title)
    for column in table.columns[1:]:
        column.justify = "right"
    pairs = zip(described(loss.float32_measures), described(loss.measures), strict=True)
    for (name, float32), (_, own) in pairs:
        table.add_row(name, float32, own)
    table.add_row("equal outputs", "", f"{loss.exact_match_rate:.1%}")
    table.add_row("largest attention difference", "", f"{loss.largest_attention_difference:.4f}")
    table.add_row("mean score difference, nats", "", f"{loss.mean_score_difference:.4f}")
    Console().print(table)


def _model_name(text: str) -> str:
    try:
        return TypeAdapter(ModelName).validate_python(text)
    except ValidationError as error:
        raise argparse.ArgumentTypeError(
            f'"{text}" is no model name: 1 to 63 letters, digits, ".", "_" or "-", '
            "beginning with a letter or digit"
        ) from error
