"""Measures of quality, by task."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import assert_never

from heed.contract import Task
from model_export.config import Recipe
from model_export.evaluation.captions import CaptionMetrics, caption_metrics
from model_export.evaluation.classification import ClassificationMetrics, classification_metrics
from model_export.evaluation.pronunciation import PronunciationMetrics, pronunciation_metrics
from model_export.evaluation.translation import TranslationMetrics, translation_metrics

TaskMetrics = PronunciationMetrics | TranslationMetrics | ClassificationMetrics | CaptionMetrics
"""The measures of one task; each has `as_dict()`."""


@dataclass(frozen=True, slots=True)
class AlignedMetrics:
    """The measures of a task whose examples have links.

    Attributes:
        task: The task's own measures.
        alignment_error_rate: `alignment_error_rate` of attention to the right outputs, 0 to 1.
    """

    task: TaskMetrics
    alignment_error_rate: float

    def as_dict(self) -> dict[str, float]:
        """All measures by name."""
        return {**self.task.as_dict(), "alignment_error_rate": self.alignment_error_rate}


Metrics = TaskMetrics | AlignedMetrics
"""What was measured; has `as_dict()`."""


def with_alignment(metrics: TaskMetrics, error_rate: float | None) -> Metrics:
    """Measures with an alignment error rate, if there is one."""
    return metrics if error_rate is None else AlignedMetrics(metrics, error_rate)


def task_metrics(
    recipe: Recipe, hypotheses: Sequence[str], references: Sequence[Sequence[str]]
) -> TaskMetrics:
    """Judges outputs by the measures of the recipe's task.

    Args:
        recipe: Says the task, and how to measure.
        hypotheses: What was produced, one per example, one example or more.
        references: What is right for each example.

    Raises:
        ValueError: There are no examples, or not as many hypotheses as examples.
    """
    match recipe.task:
        case Task.PRONOUNCE:
            return pronunciation_metrics(hypotheses, references)
        case Task.TRANSLATE:
            return translation_metrics(
                hypotheses,
                references,
                tokenizer=recipe.evaluation.bleu_tokenizer,
                lowercase=recipe.evaluation.lowercase,
            )
        case Task.CAPTION:
            return caption_metrics(hypotheses, references)
        case Task.CLASSIFY:
            return classification_metrics(hypotheses, references)
        case _:
            assert_never(recipe.task)


def described(values: Mapping[str, float]) -> list[tuple[str, str]]:
    """Metrics as a person reads them: name and value, shares in percent, counts left out."""
    return [
        (
            _NAMES.get(name, name.replace("_", " ")),
            f"{value:.2f}" if name in _NAMES else f"{value:.2%}",
        )
        for name, value in values.items()
        if not name.endswith("_count")
    ]


_NAMES = {"bleu": "BLEU", "chrf": "chrF2"}
