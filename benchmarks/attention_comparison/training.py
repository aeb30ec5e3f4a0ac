"""Trains every row of a study that is not trained yet."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import keras

from benchmarks.attention_comparison.order_data import write_order_data
from benchmarks.attention_comparison.studies import Mechanism, Study
from model_export.config import Recipe
from model_export.training.run_folder import held_run_folder
from model_export.training.stop import StopRequest
from model_export.training.train import train


@dataclass(frozen=True, slots=True)
class Plan:
    """What a study trains, and where.

    Attributes:
        study: The study.
        mechanisms: Those of its rows that are wanted.
        seeds: What each training begins with; the first one's models are timed and drawn.
        folder: Where everything of the study is kept.
        data_dir: Where the data lies; None = in Heed.
        overrides: Changes of every recipe.
    """

    study: Study
    mechanisms: tuple[Mechanism, ...]
    seeds: tuple[int, ...]
    folder: Path
    data_dir: Path | None = None
    overrides: Sequence[str] = ()

    def recipe(self, mechanism: Mechanism, seed: int) -> Recipe:
        """What a row is trained by."""
        return self.study.recipe_of(mechanism, seed=seed, overrides=self.overrides)

    def run_folder(self, mechanism: Mechanism, seed: int) -> Path:
        """Where a row's training is kept."""
        return self.folder / "runs" / f"{mechanism.key}-seed-{seed}"

    @property
    def trainings(self) -> Iterator[tuple[Mechanism, int]]:
        """Every training: all rows with the first seed, then with the next."""
        return ((mechanism, seed) for seed in self.seeds for mechanism in self.mechanisms)


def prepare_study(study: Study, folder: Path, data_dir: Path | None) -> Path | None:
    """Where a study's data lies; made first if it is made here.

    Raises:
        RunError: It cannot be written.
    """
    if not study.is_made_here:
        return data_dir
    write_order_data(folder / "data")
    return folder / "data"


def train_all(plan: Plan, stop: StopRequest) -> bool:
    """Trains what is not trained yet; a training that was stopped goes on.

    Returns:
        Whether all are trained; False if it was asked to stop.

    Raises:
        RecipeError: A change of a recipe is wrong.
        DataError: The data is missing or unreadable.
        RunError: A folder holds a training of another recipe, or cannot be written.
    """
    trainings = list(plan.trainings)
    recipes = [plan.recipe(*training) for training in trainings]  # mistakes come to light at once
    for place, (training, recipe) in enumerate(zip(trainings, recipes, strict=True), start=1):
        folder = plan.run_folder(*training)
        with held_run_folder(folder, recipe) as is_finished:
            if is_finished:
                continue
            print(f"{place}/{len(trainings)} {folder}", file=sys.stderr, flush=True)
            if not train(recipe, folder=folder, data_dir=plan.data_dir, stop=stop):
                return False
        keras.backend.clear_session()
        gc.collect()
    return True
