"""The folder that a training run leaves behind."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heed.contract import Task
from heed.text import Tokenizer, TokenizerError
from model_export.config import Recipe, RecipeError, parse_recipe
from model_export.errors import RunError

if TYPE_CHECKING:
    from model_export.models import Seq2Seq
    from model_export.models.build_classifier import AnyClassifier

RECIPE_FILE: Final = "recipe.json"
SOURCE_TOKENIZER_FILE: Final = "source_tokenizer.model"
TARGET_TOKENIZER_FILE: Final = "target_tokenizer.model"
BEST_WEIGHTS_FILE: Final = "best.weights.h5"
STATE_FILE: Final = "training_state.npz"
HISTORY_FILE: Final = "history.json"
METRICS_FILE: Final = "metrics.json"
LABELS_FILE: Final = "labels.json"
TENSORBOARD_FOLDER: Final = "tensorboard"


@dataclass(frozen=True, slots=True)
class TrainingRun:
    """A finished training run.

    Attributes:
        path: The run's folder.
        recipe: What it was trained by.
        source_tokenizer_if_any: Splits source text; None of a model that reads pictures.
        target_tokenizer_if_any: Splits target text; None of a classifier.
        model: The model with its best weights.
        metrics: Quality and cost by name, for example "dev.word_accuracy" (a fraction, 0 to 1).
        labels: What a classifier tells apart, in the order of its outputs; empty of other models.
    """

    path: Path
    recipe: Recipe
    source_tokenizer_if_any: Tokenizer | None
    target_tokenizer_if_any: Tokenizer | None
    model: Seq2Seq | AnyClassifier
    metrics: dict[str, float]
    labels: tuple[str, ...] = ()

    @property
    def source_tokenizer(self) -> Tokenizer:
        """Splits source text.

        Raises:
            RunError: The model reads pictures, and no text.
        """
        if self.source_tokenizer_if_any is None:
            raise RunError(f"{self.path} holds a model that reads pictures, and no text")
        return self.source_tokenizer_if_any

    @property
    def target_tokenizer(self) -> Tokenizer:
        """Splits target text.

        Raises:
            RunError: The model is a classifier, and writes no text.
        """
        if self.target_tokenizer_if_any is None:
            raise RunError(f"{self.path} holds a classifier, which writes no text")
        return self.target_tokenizer_if_any

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
            source = load_source_tokenizer(folder, recipe)
            target, labels = load_outputs(folder, recipe)
            model = untrained_model(recipe, source=source, target=target, labels=labels)
            model.load_weights(folder / BEST_WEIGHTS_FILE)
        except (OSError, ValueError, KeyError) as error:
            raise RunError(f"the training run {folder} is damaged: {error}") from error
        return TrainingRun(folder, recipe, source, target, model, metrics, labels)


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


def load_source_tokenizer(folder: Path, recipe: Recipe) -> Tokenizer | None:
    """The source tokenizer of a run; None of a model that reads pictures.

    Raises:
        OSError: The file cannot be read.
        TokenizerError: It is no tokenizer.
    """
    if recipe.task is Task.CAPTION:
        return None
    return load_tokenizer(folder / SOURCE_TOKENIZER_FILE)


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


def untrained_model(
    recipe: Recipe, *, source: Tokenizer | None, target: Tokenizer | None, labels: Sequence[str]
) -> Seq2Seq | AnyClassifier:
    """The model of a recipe with its first weights.

    Args:
        recipe: What the model looks like.
        source: Splits the sources; None for pictures.
        target: Splits the targets; None for a classifier.
        labels: The labels of a classifier.

    Raises:
        RecipeError: The recipe is for a classifier and there is a target, or the reverse.
    """
    from model_export.models import build_model
    from model_export.models.build_classifier import build_classifier

    source_vocabulary_size = 0 if source is None else source.vocabulary_size
    if target is None:
        return build_classifier(
            recipe.classifier_model,
            vocabulary_size=source_vocabulary_size,
            label_count=len(labels),
            seed=recipe.training.seed,
        )
    return build_model(
        recipe.seq2seq_model,
        source_vocabulary_size=source_vocabulary_size,
        target_vocabulary_size=target.vocabulary_size,
        seed=recipe.training.seed,
    )


def load_outputs(folder: Path, recipe: Recipe) -> tuple[Tokenizer | None, tuple[str, ...]]:
    """The target tokenizer of a run, or the labels of its classifier.

    Raises:
        OSError: The file cannot be read.
        ValueError: It holds neither.
    """
    if recipe.task is not Task.CLASSIFY:
        return load_tokenizer(folder / TARGET_TOKENIZER_FILE), ()
    labels = json.loads((folder / LABELS_FILE).read_text("utf-8"))
    return None, tuple(map(str, labels))
