"""What a report measures, by task."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from heed.contract import Task
from model_export.data.examples import Example
from model_export.evaluation.evaluate import Judgement
from model_export.evaluation.label_outputs import LabelOutput
from model_export.evaluation.pronunciation import closest_edits
from model_export.evaluation.report.measures import (
    FloatArray,
    Measure,
    bootstrapped_mean,
    corpus_measure,
    edit_share,
)
from model_export.evaluation.translation import corpus_metrics, reference_streams


@dataclass(frozen=True, slots=True, eq=False)
class TaskMeasures:
    """How good a model is, as a whole and on each example.

    Attributes:
        measures: The measures, the most important one first.
        qualities: How good each output is, float64 [N], 0 to 1.
        quality: What `qualities` are.
    """

    measures: tuple[Measure, ...]
    qualities: FloatArray
    quality: str


def task_measures(judgement: Judgement) -> TaskMeasures:
    """The measures of what was judged."""
    match judgement.run.recipe.task:
        case Task.TRANSLATE:
            return _of_translations(judgement)
        case Task.PRONOUNCE:
            names = ("word accuracy", "phoneme error rate", "phonemes that are right")
            return _of_sequences(judgement, names, separated=True)
        case Task.CLASSIFY:
            return _of_labels(judgement.examples, judgement.label_outputs)
        case _:
            names = ("accuracy", "character error rate", "characters that are right")
            return _of_sequences(judgement, names, separated=False)


def _of_translations(judgement: Judgement) -> TaskMeasures:
    evaluation = judgement.run.recipe.evaluation
    references = [example.references for example in judgement.examples]
    bleu, chrf = corpus_metrics(evaluation.bleu_tokenizer, lowercase=evaluation.lowercase)
    streams = reference_streams(references)
    qualities = [
        chrf.sentence_score(output, right).score / 100
        for output, right in zip(judgement.outputs, references, strict=True)
    ]
    return TaskMeasures(
        (
            corpus_measure(bleu, "BLEU", judgement.outputs, streams),
            corpus_measure(chrf, "chrF2", judgement.outputs, streams),
        ),
        np.array(qualities),
        "chrF2 of the sentence",
    )


def _of_sequences(
    judgement: Judgement, names: tuple[str, str, str], *, separated: bool
) -> TaskMeasures:
    """Of outputs that are sequences of phonemes (separated by spaces) or of characters."""
    edits = [
        closest_edits(
            output.split() if separated else list(output),
            [right.split() if separated else list(right) for right in example.references],
        )
        for output, example in zip(judgement.outputs, judgement.examples, strict=True)
    ]
    right = [float(count == 0) for count, _ in edits]
    qualities = [max(0.0, 1 - count / max(length, 1)) for count, length in edits]
    measures = (bootstrapped_mean(names[0], right), edit_share(names[1], edits))
    return TaskMeasures(measures, np.array(qualities), names[2])


def _of_labels(examples: Sequence[Example], outputs: Sequence[LabelOutput]) -> TaskMeasures:
    right = [example.references[0] for example in examples]
    given = [output.label for output in outputs]
    hits = [float(label == truth) for label, truth in zip(given, right, strict=True)]
    qualities = [
        output.probabilities.get(truth, 0.0) for output, truth in zip(outputs, right, strict=True)
    ]
    measures = (bootstrapped_mean("accuracy", hits), _macro_f1(given, right))
    return TaskMeasures(measures, np.array(qualities), "probability of the right label")


def _macro_f1(given: Sequence[str], right: Sequence[str]) -> Measure:
    """Mean of the labels' F1, from how often each was right, given, and due."""
    labels = np.array(sorted({*given, *right}))
    was_given = np.array(given)[:, np.newaxis] == labels
    was_due = np.array(right)[:, np.newaxis] == labels
    statistics = np.concatenate([was_given & was_due, was_given, was_due], axis=1)

    def score(sums: FloatArray) -> float:
        hits, given_count, due_count = np.split(sums, 3)
        total = given_count + due_count
        present = total > 0
        return float((2 * hits[present] / total[present]).mean())

    return Measure("macro F1", statistics.astype(np.float64), score)
