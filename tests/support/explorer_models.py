"""The models that the attention explorer is tested with.

    from tests.support.explorer_models import explorer_models_dir

    def test_something(explorer_models_dir: Path) -> None: ...

"transformer" has three layers with two heads, a beam, prefixes and scores; "intents" and "reviews"
are classifiers, the second one hierarchical. All have random weights. "instant" copies texts of up
to 255 letters.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from benchmarks.instant_model import NAME as INSTANT_NAME
from benchmarks.instant_model import publish_instant_model
from tests.support.exported_classifiers import CLUES, FILLERS, FLAT, HIERARCHICAL, recipe_of
from tests.support.exported_model import models_dir_of
from tests.support.exported_transformer import TRANSFORMER_NAME, random_transformer
from tests.support.saved_models import WARMUP_FILE

if TYPE_CHECKING:
    from model_export.config import Recipe
    from model_export.export.exportable import ExportableModel

__all__ = ["FLAT", "HIERARCHICAL", "INSTANT_NAME", "TRANSFORMER_NAME"]


@pytest.fixture(scope="session")
def explorer_models_dir() -> Path:
    """A models directory with all of them, each in version 1."""
    return models_dir_of("tests.support.explorer_models")


def _random_models() -> list[ExportableModel]:
    from model_export.config import parse_recipe

    classifiers = [parse_recipe(recipe_of(name), where=name) for name in (FLAT, HIERARCHICAL)]
    return [random_transformer(), *map(_random_classifier, classifiers)]


def _random_classifier(recipe: Recipe) -> ExportableModel:
    """A recipe's model as it is before its training."""
    from heed.contract import Precision
    from heed.text import Tokenizer, train_tokenizer
    from model_export.export.exportable import exportable_from_run
    from model_export.runs.training_run import TrainingRun, untrained_model

    words = [" ".join(FILLERS).capitalize() + ".", *CLUES.values()] * 20
    tokenizer = Tokenizer(train_tokenizer(words, recipe.source_tokenizer))
    labels = tuple(CLUES)
    model = untrained_model(recipe, source=tokenizer, target=None, labels=labels)
    run = TrainingRun(Path("random-weights"), recipe, tokenizer, None, model, {}, labels)
    return exportable_from_run(run, model_name=recipe.name, precision=Precision.FLOAT32)


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model

    for model in _random_models():
        # The tests of the export verify such models, and warm them up.
        version = export_model(model, models_dir, verify=lambda version_dir: None)
        (version.path / WARMUP_FILE).unlink()
    publish_instant_model(models_dir / INSTANT_NAME)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
