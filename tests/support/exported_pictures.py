"""A model of pictures for whoever serves or asks: trained a little, exported and verified.

    from tests.support.exported_pictures import picture_models_dir

    def test_something(picture_models_dir: Path) -> None: ...

`picture_models_dir` holds the model "strips" in version 1: the recipe digit-strips made small and
trained for a few steps. It is made once, in a process of its own, so that TensorFlow does not come
into the process of the tests; do not change it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.exported_model import models_dir_of

STRIPS = "strips"
HEIGHT, MAX_WIDTH, CELL = 24, 160, 4
SMALL = (
    "data.max_train_pairs=64",
    "data.max_dev_examples=8",
    "data.max_test_examples=8",
    "model.convolutions=[4, 8]",
    "model.attention={kind: xu_soft, units: 8}",
    "model.embedding_width=8",
    "model.decoder_width=16",
    "model.readout_width=8",
    "training.epochs=1",
    "training.batch_size=16",
    "training.length_buckets=[80, 160]",
    "training.jit_compile=false",
    "training.evaluate_every_steps=4",
)
"""What makes the recipe small enough for tests."""


@pytest.fixture(scope="session")
def picture_models_dir() -> Path:
    """A models directory with the model "strips", version 1."""
    return models_dir_of("tests.support.exported_pictures")


def strip_pixels(width: int, *, height: int = HEIGHT, seed: int = 1) -> Any:
    """Noise, uint8 [height, width]."""
    return np.random.default_rng([seed, width]).integers(0, 256, (height, width)).astype(np.uint8)


def png(pixels: Any) -> bytes:
    """The PNG file of pixels, uint8 [H, W] or [H, W, C]."""
    content = io.BytesIO()
    Image.fromarray(pixels).save(content, "PNG")
    return content.getvalue()


def _make(models_dir: Path, folder: Path) -> None:
    from heed.contract import Precision
    from model_export.config import load_recipe
    from model_export.export.export_model import export_model
    from model_export.export.exportable import exportable_from_run
    from model_export.quiet import spend_session_notice
    from model_export.runs.training_run import TrainingRun
    from model_export.training.run_folder import held_run_folder
    from model_export.training.stop import StopRequest
    from model_export.training.train import train

    spend_session_notice()
    recipe = load_recipe("digit-strips", SMALL)
    with held_run_folder(folder / STRIPS, recipe):
        train(recipe, folder=folder / STRIPS, data_dir=None, stop=StopRequest())
    run = TrainingRun.load(folder / STRIPS)
    exportable = exportable_from_run(run, model_name=STRIPS, precision=Precision.FLOAT32)
    # In this process, which saves the start of another one.
    export_model(exportable, models_dir, verify=_verify)


def _verify(version_dir: Path) -> None:
    from model_export.export.verification import verify_version

    verify_version(version_dir)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="heed-pictures-") as folder:
        _make(Path(sys.argv[1]), Path(folder))
