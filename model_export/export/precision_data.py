"""The real examples that a number format is calibrated on and measured with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_export.data.examples import Example, Split, take_evenly, training_pairs
from model_export.data.load import load_examples
from model_export.runs.training_run import TrainingRun


@dataclass(frozen=True, slots=True)
class PrecisionData:
    """Examples of a run's own data.

    Attributes:
        calibration: Training pairs, source and target.
        dev: Dev examples.
    """

    calibration: Sequence[tuple[str, str]]
    dev: Sequence[Example]


def load_precision_data(
    run: TrainingRun, data_dir: Path | None, *, calibration_count: int, dev_count: int
) -> PrecisionData:
    """Reads the data of a run's recipe.

    Args:
        run: The training run.
        data_dir: Where the data lies; none = the copy in Heed.
        calibration_count: Training pairs at most, spread over all.
        dev_count: Dev examples at most, spread over all.

    Raises:
        DataError: The data is missing or unreadable.
    """
    examples = load_examples(run.recipe.data, data_dir)
    return PrecisionData(
        calibration=take_evenly(training_pairs(examples.train), calibration_count),
        dev=take_evenly(examples.split(Split.DEV), dev_count),
    )
