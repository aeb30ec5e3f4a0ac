"""Models of attention that draws or remembers, exported with random weights.

    from tests.support.exported_attention import attention_models_dir

    def test_something(attention_models_dir: Path) -> None: ...

Made once, in a process of its own, so that TensorFlow does not come into the process of the tests.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.exported_model import models_dir_of, random_run

KINDS = {
    "hard": "{kind: xu_hard, units: 8}",
    "coverage": "{kind: bahdanau, units: 8, coverage: vector}",
}


@pytest.fixture(scope="session")
def attention_models_dir() -> Path:
    """A models directory with a model for each of `KINDS`."""
    return models_dir_of("tests.support.exported_attention")


def _make(models_dir: Path) -> None:
    from heed.contract import Precision
    from model_export.config import load_recipe
    from model_export.export.export_model import export_model
    from model_export.export.exportable import exportable_from_run
    from model_export.models import build_model

    for name, attention in KINDS.items():
        run = random_run()
        changes = [f"model.attention={attention}", "model.max_target_tokens=8"]
        recipe = load_recipe("g2p-tiny", [*changes, "training.length_buckets=[8]"])
        model = build_model(
            recipe.seq2seq_model,
            source_vocabulary_size=run.source_tokenizer.vocabulary_size,
            target_vocabulary_size=run.target_tokenizer.vocabulary_size,
        )
        exportable = exportable_from_run(
            replace(run, recipe=recipe, model=model), model_name=name, precision=Precision.FLOAT32
        )
        # tests/parity verifies exports of every kind.
        export_model(exportable, models_dir, verify=lambda version_dir: None)


if __name__ == "__main__":
    _make(Path(sys.argv[1]))
