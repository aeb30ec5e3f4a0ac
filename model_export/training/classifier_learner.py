"""Classifiers, as the training loop sees them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import keras

from heed.text import Tokenizer
from model_export.config import Recipe, StructuredSettings
from model_export.data.batches import Batch
from model_export.data.buckets import PlannedBatch, plan_epoch
from model_export.data.examples import Example, ExampleSet, fingerprint, take_evenly, training_pairs
from model_export.data.labelled_rows import LabelledRows, label_rows
from model_export.data.load import load_examples
from model_export.errors import DataError
from model_export.evaluation.classification import ClassificationMetrics
from model_export.evaluation.label_outputs import LabelDecoder
from model_export.models.build_classifier import build_classifier
from model_export.models.precision import computing_in
from model_export.runs.training_run import LABELS_FILE, SOURCE_TOKENIZER_FILE, write_atomically
from model_export.training.classifier_steps import (
    classifier_evaluation_step,
    classifier_training_step,
)
from model_export.training.prepare import run_tokenizer
from model_export.training.steps import BatchFunction


@dataclass(frozen=True, slots=True)
class LabelledData:
    """What a classifier learns from.

    Attributes:
        tokenizer: Splits the texts.
        labels: The labels, in the order of the model's outputs.
        train: Training rows.
        train_sha256: Fingerprint of the training texts and their labels.
        progress_dev: The part of dev that is looked at during training.
        progress_dev_rows: The same as rows, for the loss.
        dev: The whole of dev.
    """

    tokenizer: Tokenizer
    labels: tuple[str, ...]
    train: LabelledRows
    train_sha256: str
    progress_dev: tuple[Example, ...]
    progress_dev_rows: LabelledRows
    dev: tuple[Example, ...]


def prepare_labelled_data(recipe: Recipe, *, folder: Path, data_dir: Path | None) -> LabelledData:
    """Reads the data, trains the run's tokenizer if it has none yet, and saves the labels.

    Args:
        recipe: Which data, tokenizer and buckets.
        folder: The run's folder.
        data_dir: Where the data lies.

    Raises:
        DataError: The data is missing, unreadable, has fewer than two labels, a label that
            training lacks, or nothing is left of it.
        RunError: The tokenizer cannot be written or read.
    """
    examples = load_examples(recipe.data, data_dir)
    pairs = training_pairs(examples.train)
    labels = _labels(examples)
    tokenizer = run_tokenizer(
        folder / SOURCE_TOKENIZER_FILE, [text for text, _ in pairs], recipe.source_text_tokenizer
    )
    sentences = recipe.classifier_model.sentences
    rows_of = partial(
        label_rows,
        tokenizer=tokenizer,
        labels=labels,
        lengths=recipe.training.length_buckets,
        sentences=None if sentences is None else sentences.limits,
    )
    progress_dev = tuple(take_evenly(examples.dev, recipe.training.dev_examples))
    data = LabelledData(
        tokenizer=tokenizer,
        labels=labels,
        train=rows_of(examples.train),
        train_sha256=fingerprint(pairs),
        progress_dev=progress_dev,
        progress_dev_rows=rows_of(progress_dev),
        dev=examples.dev,
    )
    for name, part in (("training", data.train), ("dev", data.progress_dev_rows)):
        if part.row_count == 0:
            raise DataError(
                f"no {name} text is left within training.length_buckets "
                f"{list(recipe.training.length_buckets)} ({part.left_out_count} are longer)"
            )
    write_atomically(folder / LABELS_FILE, (json.dumps(labels, ensure_ascii=False) + "\n").encode())
    return data


class ClassifierLearner:
    """A classifier that learns labelled texts.

    Args:
        recipe: How to train.
        data: What to learn from.
    """

    def __init__(self, recipe: Recipe, data: LabelledData) -> None:
        self._recipe = recipe
        self._data = data
        with computing_in(recipe.training.precision):
            self.model = build_classifier(
                recipe.classifier_model,
                vocabulary_size=data.tokenizer.vocabulary_size,
                label_count=len(data.labels),
                seed=recipe.training.seed,
            )
        self.dev = _DevMeasures(recipe, data, self)
        self.train_sha256 = data.train_sha256
        self.train_count = data.train.row_count
        self.left_out_count = data.train.left_out_count
        self.objective_variables: tuple[Any, ...] = ()

    def diagnostics(self) -> dict[str, float]:
        """None: the loss and the measures on dev say everything."""
        return {}

    def plan(self, epoch: int) -> list[PlannedBatch]:
        """The batches of an epoch."""
        settings = self._recipe.training
        return plan_epoch(
            self._data.train, batch_sizes=settings.batch_sizes, seed=settings.seed, epoch=epoch
        )

    def batches(self, plan: Sequence[PlannedBatch]) -> Iterable[Batch]:
        """The batches of a plan, in its order."""
        return self._data.train.batches(plan)

    def training_step(self, optimizer: keras.optimizers.Optimizer) -> BatchFunction:
        """A function that changes the model's weights by one batch."""
        model = self._recipe.classifier_model
        kinds = [model.attention] + ([model.sentences.attention] if model.sentences else [])
        return classifier_training_step(
            self.model,
            optimizer,
            self._recipe.training,
            redundancy_penalties=[
                kind.penalty if isinstance(kind, StructuredSettings) else 0.0 for kind in kinds
            ],
        )


class _DevMeasures:
    """Measures a classifier's present weights."""

    def __init__(self, recipe: Recipe, data: LabelledData, learner: ClassifierLearner) -> None:
        self._batch_sizes = recipe.training.batch_sizes
        self._data = data
        self._loss_of_batch = classifier_evaluation_step(learner.model)
        self._decoder = LabelDecoder(
            learner.model,
            recipe.classifier_model,
            tokenizer=data.tokenizer,
            labels=data.labels,
            batch_size=recipe.evaluation.batch_size,
        )

    def loss(self) -> float:
        """Mean loss of a text of the part of dev looked at during training, in nats."""
        rows = self._data.progress_dev_rows
        plan = plan_epoch(rows, batch_sizes=self._batch_sizes, seed=0, epoch=0)
        results = [self._loss_of_batch(batch) for batch in rows.batches(plan)]
        return sum(float(loss) for loss, _ in results) / sum(int(count) for _, count in results)

    def progress_metrics(self) -> dict[str, float]:
        """The measures on that part, by name; counts left out."""
        metrics = self._decoder.metrics(self._data.progress_dev).as_dict()
        return {name: value for name, value in metrics.items() if not name.endswith("_count")}

    def full_metrics(self) -> ClassificationMetrics:
        """The measures on the whole of dev."""
        return self._decoder.metrics(self._data.dev)


def _labels(examples: ExampleSet) -> tuple[str, ...]:
    """The labels of training, in order."""
    labels = sorted({example.references[0] for example in examples.train})
    if len(labels) < 2:
        raise DataError(f"the training data has {len(labels)} labels; two or more are needed")
    others = {example.references[0] for example in (*examples.dev, *examples.test)} - {*labels}
    if others:
        raise DataError(
            f"dev or test has the label {sorted(others)[0]!r}, which no training text has"
        )
    return tuple(labels)
