"""A small exported Transformer with one table of vectors for everything, and random weights.

`shared_transformer_models_dir` holds the models "pre" and "post" (by where they normalise) in
version 1, and in `RUNS` the training runs that they seem to come from. They are exported once, in a
process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.exported_model import LETTERS, models_dir_of, write_run

NORMS = ("pre", "post")
if TYPE_CHECKING:
    from model_export.runs.training_run import TrainingRun

RUNS = ".runs"
MAX_TOKENS = 16


@pytest.fixture(scope="session")
def shared_transformer_models_dir() -> Path:
    """A models directory with the models "pre" and "post", version 1."""
    return models_dir_of("tests.support.exported_shared_transformer")


def random_shared_transformer(norm: str) -> TrainingRun:
    """The training run that the model of that name seems to come from; needs TensorFlow."""
    import numpy as np

    from heed.text import Tokenizer, train_tokenizer
    from model_export.config import load_recipe
    from model_export.models import build_model
    from model_export.runs.training_run import TrainingRun

    model = (
        "{kind: transformer, encoder_layers: 2, decoder_layers: 1, width: 16, embeddings: all, "
        f"feed_forward_width: 24, head_count: 2, norm: {norm}, "
        f"max_source_tokens: {MAX_TOKENS}, max_target_tokens: {MAX_TOKENS}}}"
    )
    recipe = load_recipe(
        "g2p-tiny",
        [
            f"model={model}",
            "target_tokenizer={kind: character}",
            "joint_tokenizer=true",
            "training.length_buckets=[12]",
        ],
    )
    tokenizer = Tokenizer(train_tokenizer([LETTERS], recipe.source_tokenizer))
    size = tokenizer.vocabulary_size
    built = build_model(recipe.model, source_vocabulary_size=size, target_vocabulary_size=size)
    generator = np.random.default_rng(3)
    for weight in built.trainable_variables:
        weight.assign(weight + generator.normal(scale=0.3, size=weight.shape))
    return TrainingRun(Path("random-weights"), recipe, tokenizer, tokenizer, built, {})


def _export(models_dir: Path, norm: str) -> None:
    from heed.contract import Precision
    from model_export.export.export_model import export_model
    from model_export.export.exportable import exportable_from_run

    run = random_shared_transformer(norm)
    exportable = exportable_from_run(run, model_name=norm, precision=Precision.FLOAT32)
    export_model(exportable, models_dir, verify=lambda version_dir: None)
    write_run(run, models_dir / RUNS / norm)


if __name__ == "__main__":
    for each in NORMS:
        _export(Path(sys.argv[1]), each)
