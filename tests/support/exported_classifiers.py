"""Two small classifiers, trained by the command, exported and verified, for whoever serves or asks.

    from tests.support.exported_classifiers import classifier_models_dir

    def test_something(classifier_models_dir: Path) -> None: ...

`classifier_models_dir` holds the models "intents" (flat, two hops) and "reviews" (hierarchical),
each in version 1. Both learn what is decided by one word: CLUES. They are made once, in a process
of its own, so that TensorFlow does not come into the process of the tests; do not change them.
"""

from __future__ import annotations

import functools
import random
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.support.exported_model import models_dir_of

if TYPE_CHECKING:
    from model_export.runs.training_run import TrainingRun

FLAT, HIERARCHICAL = "intents", "reviews"
CLUES = {"bad": "dreadful", "good": "wonderful", "so-so": "ordinary"}
"""The word that decides each label."""
FILLERS = [
    "the",
    "film",
    "was",
    "seen",
    "by",
    "many",
    "people",
    "in",
    "a",
    "large",
    "town",
    "at",
    "night",
]
HOP_COUNT = 2
MAX_TOKENS, MAX_SENTENCES, MAX_SENTENCE_TOKENS = 48, 8, 12


@pytest.fixture(scope="session")
def classifier_models_dir() -> Path:
    """A models directory with the models "intents" and "reviews", version 1."""
    return models_dir_of("tests.support.exported_classifiers")


def write_data(folder: Path) -> None:
    """Writes train.tsv and dev.tsv: texts of one to four sentences, with one clue each."""
    generator = random.Random(5)
    for name, count in (("train", 800), ("dev", 60)):
        lines = (f"{label}\t{text}\n" for label, text in _texts(generator, count))
        (folder / f"{name}.tsv").write_text("".join(lines), encoding="utf-8")


def _texts(generator: random.Random, count: int) -> list[tuple[str, str]]:
    texts = []
    for _ in range(count):
        label = generator.choice(sorted(CLUES))
        sentences = [
            generator.choices(FILLERS, k=generator.randint(1, 5))
            for _ in range(generator.randint(1, 4))
        ]
        sentence = generator.choice(sentences)
        sentence.insert(generator.randint(0, len(sentence)), CLUES[label])
        texts.append((label, " ".join(f"{' '.join(words).capitalize()}." for words in sentences)))
    return texts


def recipe_of(name: str) -> dict[str, object]:
    """The recipe of one of the two, as it stands in a file."""
    upper = {"max_count": MAX_SENTENCES, "max_tokens": MAX_SENTENCE_TOKENS, "width": 8}
    hops = {"kind": "structured", "units": 8, "hop_count": HOP_COUNT}
    is_flat = name == FLAT
    return {
        "name": name,
        "task": "classify",
        "data": {"kind": "labelled_text"},
        "source_tokenizer": {"kind": "bpe", "vocabulary_size": 200},
        "model": {
            "kind": "classifier",
            "encoder": {"kind": "rnn", "embedding_width": 12, "width": 12},
            "attention": hops if is_flat else {"kind": "context_vector", "units": 8},
            "sentences": None if is_flat else upper,
            "max_source_tokens": MAX_TOKENS,
        },
        "training": {
            "epochs": 2,
            "batch_size": 16,
            "length_buckets": [MAX_TOKENS],
            "learning_rate": 0.03,
            "warmup_steps": 10,
            "jit_compile": False,
            "evaluate_every_steps": 30,
        },
        "card": {"description": "Made up for tests.", "training_data_license": "none needed"},
    }


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
    write_data(folder)
    for name in (FLAT, HIERARCHICAL):
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(recipe_of(name)), encoding="utf-8")
        recipe, run_folder = load_recipe(str(path)), folder / name
        with held_run_folder(run_folder, recipe):
            train(recipe, folder=run_folder, data_dir=folder, stop=StopRequest())
        run = TrainingRun.load(run_folder)
        if run.metrics["dev.accuracy"] < 0.95:
            raise RuntimeError(f"{name} has not learnt: {run.metrics}")
        exportable = exportable_from_run(run, model_name=name, precision=Precision.FLOAT32)
        # In this process, which saves the start of another one.
        export_model(exportable, models_dir, verify=functools.partial(_verify, run))


def _verify(run: TrainingRun, version_dir: Path) -> None:
    from model_export.export.verification import verify_version

    verify_version(version_dir, run)


if __name__ == "__main__":
    import tempfile

    with tempfile.TemporaryDirectory(prefix="heed-classifiers-") as folder:
        _make(Path(sys.argv[1]), Path(folder))
