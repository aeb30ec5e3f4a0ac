"""A small exported model with random weights, for every part that serves or asks one.

    from tests.support.exported_model import exported_models_dir, publish_copy

    def test_something(exported_models_dir: Path) -> None: ...

`exported_models_dir` holds the model "g2p" in version 1: the recipe g2p-tiny, its tokenizers, and
answers of at most `MAX_TARGET_TOKENS` tokens that mean nothing. It is made once, in a process of
its own, so that TensorFlow does not come into the process of the tests; do not change it.
"""

from __future__ import annotations

import atexit
import functools
import json
import shutil
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel
    from model_export.export.graph_session import GraphSession
    from model_export.runs.training_run import TrainingRun

MODEL_NAME = "g2p"
MAX_SOURCE_TOKENS = 24
MAX_TARGET_TOKENS = 12
LETTERS = "abcdefghijklmnopqrstuvwxyz'-."
PHONEMES = (
    "AA AE AH AO AW AY B CH D DH EH ER EY F G HH IH IY JH K L M N NG OW OY P R S SH T TH UH UW V "
    "W Y Z ZH"
)


@pytest.fixture(scope="session")
def exported_models_dir() -> Path:
    """A models directory with the model "g2p", version 1."""
    return models_dir_of("tests.support.exported_model")


@pytest.fixture(scope="session")
def exportable() -> ExportableModel:
    """The training-side model of `exported_models_dir`, in this process; needs TensorFlow."""
    return random_exportable()


@pytest.fixture(scope="session")
def graph_session(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GraphSession]:
    """That model exported, moved to another place and loaded as TensorFlow Serving loads it."""
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    with loaded_elsewhere(exported_models_dir / MODEL_NAME / "1", moved) as session:
        yield session


def publish_copy(models_dir: Path, version: int, *, name: str = MODEL_NAME) -> Path:
    """Publishes a copy of a model's lowest version under another number, in one step."""
    model_dir = models_dir / name
    lowest = min(int(path.name) for path in model_dir.iterdir() if path.name.isdecimal())
    staging = model_dir / f".copy-{uuid.uuid4().hex}"
    shutil.copytree(model_dir / str(lowest), staging)
    return staging.rename(model_dir / str(version))


def copy_models_dir(models_dir: Path, target: Path) -> Path:
    """A copy of a models directory that a test may change."""
    return Path(shutil.copytree(models_dir, target))


def random_exportable(*, seed: int = 1, model_name: str = MODEL_NAME) -> ExportableModel:
    """`random_run` as it is exported."""
    from heed.contract import Precision
    from model_export.export.exportable import exportable_from_run

    return exportable_from_run(
        random_run(seed=seed), model_name=model_name, precision=Precision.FLOAT32
    )


@functools.cache
def random_run(*, seed: int = 1) -> TrainingRun:
    """A model of the recipe g2p-tiny with random weights, as if its training had just ended."""
    from heed.text import Tokenizer, train_tokenizer
    from model_export.config import load_recipe
    from model_export.models import build_model
    from model_export.runs.training_run import TrainingRun

    recipe = load_recipe(
        "g2p-tiny",
        [
            f"model.max_source_tokens={MAX_SOURCE_TOKENS}",
            f"model.max_target_tokens={MAX_TARGET_TOKENS}",
            "training.length_buckets=[12]",
        ],
    )
    source = Tokenizer(train_tokenizer([LETTERS], recipe.source_tokenizer))
    target = Tokenizer(train_tokenizer([PHONEMES], recipe.target_tokenizer))
    model = build_model(
        recipe.model,
        source_vocabulary_size=source.vocabulary_size,
        target_vocabulary_size=target.vocabulary_size,
        seed=seed,
    )
    metrics = {"dev.word_accuracy": 0.0}
    return TrainingRun(Path("random-weights"), recipe, source, target, model, metrics)


def write_random_run(path: Path, *, seed: int = 1) -> Path:
    """Writes `random_run` as the folder of a finished training run."""
    return write_run(random_run(seed=seed), path)


def write_run(run: TrainingRun, path: Path) -> Path:
    """Writes a model that reads and writes text as the folder of a finished training run."""
    from model_export.runs import training_run as files

    path.mkdir(parents=True)
    (path / files.RECIPE_FILE).write_text(run.recipe.model_dump_json(), encoding="utf-8")
    (path / files.SOURCE_TOKENIZER_FILE).write_bytes(run.source_tokenizer.serialized)
    (path / files.TARGET_TOKENIZER_FILE).write_bytes(run.target_tokenizer.serialized)
    run.model.save_weights(path / files.BEST_WEIGHTS_FILE)
    (path / files.METRICS_FILE).write_text(json.dumps(run.metrics), encoding="utf-8")
    return path


@functools.cache
def models_dir_of(module: str) -> Path:
    """The models directory that `python -m MODULE DIRECTORY` fills; gone with this process.

    Made once per process, even where several modules import a fixture that asks for it.
    """
    models_dir = Path(tempfile.mkdtemp(prefix="heed-models-"))
    atexit.register(shutil.rmtree, models_dir, ignore_errors=True)
    command = [sys.executable, "-m", module, str(models_dir)]
    root = Path(__file__).parents[2]
    result = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        raise RuntimeError(f"{module} could not export its model:\n{result.stderr}")
    return models_dir


@contextmanager
def loaded_elsewhere(version_dir: Path, elsewhere: Path) -> Iterator[GraphSession]:
    """A copy of a version, at another place, loaded as TensorFlow Serving loads it."""
    from model_export.export.graph_session import GraphSession

    shutil.copytree(version_dir, elsewhere)
    with GraphSession(elsewhere) as session:
        yield session


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model

    # The tests of the export verify it; whoever only serves it need not wait for that.
    export_model(random_exportable(), models_dir, verify=lambda version_dir: None)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
