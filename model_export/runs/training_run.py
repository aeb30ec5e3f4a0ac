"""The folder that a training run leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heed.text import Tokenizer, TokenizerError
from model_export.config import Recipe, RecipeError, parse_recipe
from model_export.errors import RunError

if TYPE_CHECKING:
    from model_export.models import Seq2Seq

RECIPE_FILE: Final = "recipe.json"
SOURCE_TOKENIZER_FILE: Final = "source_tokenizer.model"
TARGET_TOKENIZER_FILE: Final = "target_tokenizer.model"
BEST_WEIGHTS_FILE: Final = "best.weights.h5"
STATE_FILE: Final = "training_state.npz"
HISTORY_FILE: Final = "history.json"
METRICS_FILE: Final = "metrics.json"
TENSORBOARD_FOLDER: Final = "tensorboard"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A finished training run.

    Attributes:
        path: The run's folder.
        recipe: What it was trained by.
        source_tokenizer: Splits source text.
        target_tokenizer: Splits target text.
        model: The model with its best weights.
        metrics: Quality and cost by name, for example "dev.word_accuracy" (a fraction, 0 to 1).
    """

    path: Path
    recipe: Recipe
    source_tokenizer: Tokenizer
    target_tokenizer: Tokenizer
    model: Seq2Seq
    metrics: dict[str, float]

    @staticmethod
    def load(path: str | os.PathLike[str]) -> TrainingRun:
        """Reads a run.

        Raises:
            RunError: The folder holds no run, an unfinished one, or a damaged one.
        """
        folder = Path(path)
        recipe = load_run_recipe(folder)
        if not (folder / METRICS_FILE).is_file():
            raise RunError(
                f"the training run {folder} is not finished: go on with "
                f"`heed train {recipe.name} --out {folder}`"
            )
        try:
            metrics = {
                str(name): float(value)
                for name, value in json.loads((folder / METRICS_FILE).read_text("utf-8")).items()
            }
            source = load_tokenizer(folder / SOURCE_TOKENIZER_FILE)
            target = load_tokenizer(folder / TARGET_TOKENIZER_FILE)
            model = _load_model(folder, recipe, source=source, target=target)
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"the training run {folder} is damaged: {error}") from error
        return TrainingRun(folder, recipe, source, target, model, metrics)


def load_run_recipe(folder: Path) -> Recipe:
    """The recipe of the run in `folder`, finished or not.

    Raises:
        RunError: The folder holds no run, one of another version of Heed, or a damaged one.
    """
    if not folder.is_dir():
        raise RunError(f"there is no training run at {folder}: no such folder")
    path = folder / RECIPE_FILE
    if not path.is_file():
        raise RunError(f"{folder} is no training run: it has no {RECIPE_FILE}")
    try:
        return parse_recipe(json.loads(path.read_text("utf-8")), where=str(path))
    except RecipeError as error:
        raise RunError(
            f"the training run {folder} is none of this version of Heed; move it away and train "
            f"anew ({error})"
        ) from error
    except (OSError, ValueError) as error:
        raise RunError(f"the training run {folder} is damaged: {error}") from error


def load_tokenizer(path: Path) -> Tokenizer:
    """Reads a tokenizer file.

    Raises:
        OSError: The file cannot be read.
        TokenizerError: It is no tokenizer.
    """
    try:
        return Tokenizer(path.read_bytes())
    except TokenizerError as error:
        raise TokenizerError(f"{path.name}: {error}") from error


def write_atomically(path: Path, content: bytes) -> None:
    """Writes a file so that it is there as a whole or as it was, even if the machine fails.

    Raises:
        RunError: The file cannot be written.
    """
    write_file_atomically(path, lambda temporary: temporary.write_bytes(content))


def write_file_atomically(path: Path, write: Callable[[Path], object]) -> None:
    """As `write_atomically`, for content that only knows how to write itself to a path.

    Args:
        path: The file; its folder exists.
        write: Writes the content to the path it is given, which has the same suffixes.

    Raises:
        RunError: The file cannot be written.
    """
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        try:
            write(temporary)
            with temporary.open("rb") as file:
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise RunError(f"cannot write {path}: {error.strerror or error}") from error


def _load_model(folder: Path, recipe: Recipe, *, source: Tokenizer, target: Tokenizer) -> Seq2Seq:
    from model_export.models import build_model

    model = build_model(
        recipe.model,
        source_vocabulary_size=source.vocabulary_size,
        target_vocabulary_size=target.vocabulary_size,
        seed=recipe.training.seed,
    )
    model.load_weights(folder / BEST_WEIGHTS_FILE)
    return model
