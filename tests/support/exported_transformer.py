"""A small exported Transformer with random weights, for the parts that serve or ask one.

    from tests.support.exported_transformer import transformer_models_dir

    def test_something(transformer_models_dir: Path) -> None: ...

`transformer_models_dir` holds the model "transformer" in version 1, with the tokenizers of
`exported_model`. It is exported and verified once, in a process of its own.
"""

from __future__ import annotations

import functools
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.support.exported_model import (
    LETTERS,
    MAX_SOURCE_TOKENS,
    MAX_TARGET_TOKENS,
    PHONEMES,
    loaded_elsewhere,
    models_dir_of,
)

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel
    from model_export.export.graph_session import GraphSession

TRANSFORMER_NAME = "transformer"
LAYER_COUNT = 3
HEAD_COUNT = 2
AVERAGED_LAYERS = [0, 2]
_MODEL = (
    "{kind: transformer, encoder_layers: 2, "
    f"decoder_layers: {LAYER_COUNT}, width: 8, feed_forward_width: 12, head_count: {HEAD_COUNT}, "
    f"averaged_layers: {AVERAGED_LAYERS}, "
    f"max_source_tokens: {MAX_SOURCE_TOKENS}, max_target_tokens: {MAX_TARGET_TOKENS}}}"
)


@pytest.fixture(scope="session")
def transformer_models_dir() -> Path:
    """A models directory with the model "transformer", version 1."""
    return models_dir_of("tests.support.exported_transformer")


@pytest.fixture(scope="session")
def transformer_session(
    transformer_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GraphSession]:
    """That model moved to another place and loaded as TensorFlow Serving loads it."""
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    with loaded_elsewhere(transformer_models_dir / TRANSFORMER_NAME / "1", moved) as session:
        yield session


@functools.cache
def random_transformer() -> ExportableModel:
    """The training-side model; needs TensorFlow."""
    import numpy as np

    from heed.contract import Precision
    from heed.text import Tokenizer, train_tokenizer
    from model_export.config import load_recipe
    from model_export.export.exportable import exportable_from_run
    from model_export.models import build_model
    from model_export.runs.training_run import TrainingRun

    recipe = load_recipe("g2p-tiny", [f"model={_MODEL}", "training.length_buckets=[12]"])
    source = Tokenizer(train_tokenizer([LETTERS], recipe.source_tokenizer))
    target = Tokenizer(train_tokenizer([PHONEMES], recipe.target_tokenizer))
    model = build_model(
        recipe.model,
        source_vocabulary_size=source.vocabulary_size,
        target_vocabulary_size=target.vocabulary_size,
    )
    generator = np.random.default_rng(1)
    for weight in model.trainable_variables:
        weight.assign(weight + generator.normal(scale=0.3, size=weight.shape))
    run = TrainingRun(Path("random-weights"), recipe, source, target, model, {})
    return exportable_from_run(run, model_name=TRANSFORMER_NAME, precision=Precision.FLOAT32)


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model

    export_model(random_transformer(), models_dir)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
