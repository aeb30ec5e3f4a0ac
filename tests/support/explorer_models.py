"""The models that the attention explorer is tested with.

    from tests.support.explorer_models import explorer_models_dir

    def test_something(explorer_models_dir: Path) -> None: ...

"transformer" has three layers with two heads, a beam, prefixes and scores, and random weights;
"instant" copies texts of up to 255 letters.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from benchmarks.instant_model import NAME as INSTANT_NAME
from benchmarks.instant_model import publish_instant_model
from tests.support.exported_model import models_dir_of
from tests.support.exported_transformer import TRANSFORMER_NAME, random_transformer

__all__ = ["INSTANT_NAME", "TRANSFORMER_NAME"]


@pytest.fixture(scope="session")
def explorer_models_dir() -> Path:
    """A models directory with the models "transformer" and "instant", version 1."""
    return models_dir_of("tests.support.explorer_models")


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model

    # The tests of the export verify it.
    export_model(random_transformer(), models_dir, verify=lambda version_dir: None)
    publish_instant_model(models_dir / INSTANT_NAME)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
