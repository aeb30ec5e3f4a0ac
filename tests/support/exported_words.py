"""A small exported model of whole words with random weights, which often writes "unknown".

    from tests.support.exported_words import words_models_dir

    def test_something(words_models_dir: Path) -> None: ...

`words_models_dir` holds the model "words" in version 1: the recipe small-vocab-en-fr with
tokenizers that split at white space, and few words. It is made once, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.support.exported_model import models_dir_of

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel

WORDS_NAME: Final = "words"
SOURCE_WORDS: Final = "paris is rainy during june but"
TARGET_WORDS: Final = "paris est pluvieux"
SMALL: Final = [
    "source_tokenizer={kind: word, vocabulary_size: 20}",
    "target_tokenizer={kind: word, vocabulary_size: 20}",
    "model.attention.units=8",
    "model.embedding_width=8",
    "model.encoder_width=8",
    "model.decoder_width=8",
    "model.readout_width=8",
    "model.max_source_tokens=16",
    "model.max_target_tokens=12",
    "training.length_buckets=[12]",
]
"""What is changed of the recipe."""


@pytest.fixture(scope="session")
def words_models_dir() -> Path:
    """A models directory with the model "words", version 1."""
    return models_dir_of("tests.support.exported_words")


def random_words_model() -> ExportableModel:
    """The training-side model; needs TensorFlow."""
    import numpy as np

    from heed.contract import Precision
    from heed.text import Tokenizer, train_tokenizer
    from model_export.config import load_recipe
    from model_export.export.exportable import exportable_from_run
    from model_export.runs.training_run import TrainingRun, untrained_model

    recipe = load_recipe("small-vocab-en-fr", SMALL)
    source = Tokenizer(train_tokenizer([SOURCE_WORDS], recipe.source_tokenizer))
    target = Tokenizer(train_tokenizer([TARGET_WORDS], recipe.target_tokenizer))
    model = untrained_model(recipe, source=source, target=target, labels=())
    generator = np.random.default_rng(3)
    for weight in model.trainable_variables:
        weight.assign(generator.normal(scale=0.8, size=weight.shape))
    run = TrainingRun(Path("random-weights"), recipe, source, target, model, {})
    return exportable_from_run(run, model_name=WORDS_NAME, precision=Precision.FLOAT32)


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model

    export_model(random_words_model(), models_dir, verify=lambda version_dir: None)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
