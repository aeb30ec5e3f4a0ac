"""A model of pictures that the attention explorer is tested with.

    from tests.support.explorer_pictures import explorer_pictures_dir

    def test_something(explorer_pictures_dir: Path) -> None: ...

It is the recipe digit-strips made small, with random weights.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.support.exported_model import models_dir_of
from tests.support.exported_pictures import SMALL, STRIPS
from tests.support.saved_models import WARMUP_FILE


@pytest.fixture(scope="session")
def explorer_pictures_dir() -> Path:
    """A models directory with the model "strips" in version 1."""
    return models_dir_of("tests.support.explorer_pictures")


def _export(models_dir: Path) -> None:
    from heed.contract import Precision
    from heed.text import Tokenizer, train_tokenizer
    from model_export.config import load_recipe
    from model_export.export.export_model import export_model
    from model_export.export.exportable import exportable_from_run
    from model_export.runs.training_run import TrainingRun, untrained_model

    recipe = load_recipe("digit-strips", SMALL)
    target = Tokenizer(train_tokenizer(["0123456789"], recipe.target_tokenizer))
    model = untrained_model(recipe, source=None, target=target, labels=())
    run = TrainingRun(Path("random-weights"), recipe, None, target, model, {}, ())
    exportable = exportable_from_run(run, model_name=STRIPS, precision=Precision.FLOAT32)
    # The tests of the export verify such models, and warm them up.
    version = export_model(exportable, models_dir, verify=lambda version_dir: None)
    (version.path / WARMUP_FILE).unlink()


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
