"""What a number format costs: a version's outputs and attention beside those in float32."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tensorflow as tf

from heed.contract import ATTENTION_OUTPUT, Precision, Signature
from model_export.config import Recipe
from model_export.data.examples import Example
from model_export.evaluation.metrics import task_metrics
from model_export.evaluation.output_text import output_text
from model_export.evaluation.padding import padded
from model_export.export.batching import Array, Arrays
from model_export.export.errors import ExportError
from model_export.export.exportable import ExportableModel
from model_export.export.signatures import ServedModel


@dataclass(frozen=True, slots=True)
class PrecisionLoss:
    """A version in some number format beside the same weights in float32, searched greedily.

    Attributes:
        precision: The number format.
        example_count: Dev examples that both answered.
        measures: The task's measures of the version, by name, for example "bleu".
        float32_measures: The same measures in float32.
        exact_match_rate: The share of outputs that are the same, token for token, 0 to 1.
        largest_attention_difference: Of any two average weights, 0 to 1, while both write the
            outputs in float32.
        mean_score_difference: The mean of how far the log-probabilities of those outputs' tokens
            lie apart, in nats.
    """

    precision: Precision
    example_count: int
    measures: Mapping[str, float]
    float32_measures: Mapping[str, float]
    exact_match_rate: float
    largest_attention_difference: float
    mean_score_difference: float

    def as_metrics(self) -> dict[str, float]:
        """For the model card: names such as "int8.dev.bleu" and "float32.dev.bleu"."""
        own = {
            **self.measures,
            "example_count": float(self.example_count),
            "exact_match_rate": self.exact_match_rate,
            "largest_attention_difference": self.largest_attention_difference,
            "mean_score_difference": self.mean_score_difference,
        }
        float32 = self.float32_measures
        return {
            **{f"{self.precision}.dev.{name}": value for name, value in own.items()},
            **{f"{Precision.FLOAT32}.dev.{name}": value for name, value in float32.items()},
        }


def measure_loss(
    exportable: ExportableModel,
    reference: ExportableModel,
    examples: Sequence[Example],
    *,
    recipe: Recipe,
    on_progress: Callable[[int], None] = lambda done: None,
) -> PrecisionLoss:
    """Asks the graphs that are exported, and those of float32, the same.

    Args:
        exportable: The model in some number format.
        reference: The same in float32.
        examples: Texts with what is right for them; those without tokens are left out.
        recipe: Says how outputs are measured.
        on_progress: Called after each batch with the number of examples done.

    Raises:
        ExportError: No example has tokens.
    """
    encoded = _encoded(exportable, examples)
    own, float32, differences = _Answers(exportable), _Answers(reference), _Differences()
    batch_size = recipe.evaluation.batch_size
    for start in range(0, len(encoded), batch_size):
        sources = _sources([ids for ids, _ in encoded[start : start + batch_size]])
        expected = float32.greedy(sources)
        own.greedy(sources)
        forced = {"target_tokens": expected["tokens"][:, 0]}
        forced["target_lengths"] = expected["lengths"][:, 0]
        inputs = {**sources, **forced}
        differences.add(inputs, mine=own.score(inputs), theirs=float32.score(inputs))
        on_progress(start + len(sources["lengths"]))
    references = [example.references for _, example in encoded]
    equal = [mine == theirs for mine, theirs in zip(own.tokens, float32.tokens, strict=True)]
    return PrecisionLoss(
        precision=exportable.contract.precision,
        example_count=len(encoded),
        measures=_measures(recipe, own.texts(), references),
        float32_measures=_measures(recipe, float32.texts(), references),
        exact_match_rate=sum(equal) / len(equal),
        largest_attention_difference=differences.largest_attention,
        mean_score_difference=differences.mean_score,
    )


def with_loss(exportable: ExportableModel, loss: PrecisionLoss) -> ExportableModel:
    """The same model, whose card states the loss."""
    contract = exportable.contract
    metrics = {**contract.card.metrics, **loss.as_metrics()}
    card = contract.card.model_copy(update={"metrics": metrics})
    return replace(exportable, contract=contract.model_copy(update={"card": card}))


def _encoded(
    exportable: ExportableModel, examples: Sequence[Example]
) -> list[tuple[list[int], Example]]:
    """Examples with their tokens, as many as the model reads; the shortest first."""
    tokenizer = exportable.source_tokenizer
    if tokenizer is None:
        raise ExportError("the loss of a number format is measured for models that read text alone")
    longest = exportable.contract.max_source_tokens
    encoded = [(tokenizer.encode_ids(each.source)[:longest], each) for each in examples]
    kept = sorted((pair for pair in encoded if pair[0]), key=lambda pair: len(pair[0]))
    if not kept:
        raise ExportError("the data has no dev examples to measure a number format with")
    return kept


def _sources(rows: Sequence[Sequence[int]]) -> Arrays:
    return {"tokens": padded(rows), "lengths": np.array([len(row) for row in rows], np.int32)}


def _measures(
    recipe: Recipe, outputs: Sequence[str], references: Sequence[Sequence[str]]
) -> dict[str, float]:
    measures = task_metrics(recipe, outputs, references).as_dict()
    return {name: value for name, value in measures.items() if not name.endswith("_count")}


class _Differences:
    """How far the scores and the attention of two models lie apart, batch by batch.

    Attributes:
        largest_attention: The largest difference of any two average weights.
    """

    def __init__(self) -> None:
        self.largest_attention = 0.0
        self._sum = 0.0
        self._count = 0

    @property
    def mean_score(self) -> float:
        """The mean difference of the tokens' log-probabilities, in nats."""
        return self._sum / self._count

    def add(self, inputs: Arrays, *, mine: Arrays, theirs: Arrays) -> None:
        """Compares what both say of the same outputs, where there are tokens."""
        is_token = _is_real(inputs["target_lengths"], mine["token_scores"].shape[1])
        is_source = _is_real(inputs["lengths"], mine[ATTENTION_OUTPUT].shape[2])
        distances = np.abs(mine["token_scores"] - theirs["token_scores"])[is_token]
        self._sum += float(distances.sum(dtype=np.float64))
        self._count += distances.size
        weights = np.abs(mine[ATTENTION_OUTPUT] - theirs[ATTENTION_OUTPUT])
        is_weight = is_token[:, :, np.newaxis] & is_source[:, np.newaxis]
        self.largest_attention = max(self.largest_attention, float(weights[is_weight].max()))


class _Answers:
    """What a model's graph functions answer; its outputs are collected batch by batch.

    Args:
        exportable: The model.
    """

    def __init__(self, exportable: ExportableModel) -> None:
        contract = exportable.contract
        asked = (Signature.GREEDY, Signature.SCORE)
        limited = contract.model_copy(update={"signatures": asked})
        # Kept, for the functions do not keep their weights alive.
        self._module = ServedModel(replace(exportable, contract=limited))
        self._functions = self._module.signatures()
        self._longest = contract.max_target_tokens
        self._tokenizer = exportable.target_tokenizer
        self.tokens: list[list[int]] = []

    def greedy(self, sources: Arrays) -> Arrays:
        """Searches greedily."""
        rows = len(sources["lengths"])
        limits: Arrays = {
            "max_lengths": np.full(rows, self._longest, np.int32),
            "min_lengths": np.zeros(rows, np.int32),
            "prefix_tokens": np.zeros((rows, 0), np.int32),
            "prefix_lengths": np.zeros(rows, np.int32),
        }
        answer = self._run(Signature.GREEDY, {**sources, **limits})
        for tokens, lengths in zip(answer["tokens"], answer["lengths"], strict=True):
            self.tokens.append(tokens[0, : lengths[0]].tolist())
        return answer

    def score(self, inputs: Arrays) -> Arrays:
        """Scores given outputs."""
        return self._run(Signature.SCORE, inputs)

    def texts(self) -> list[str]:
        """The outputs as text."""
        if self._tokenizer is None:
            raise ExportError("a classifier writes no text")
        return [output_text(self._tokenizer, tokens) for tokens in self.tokens]

    def _run(self, signature: Signature, inputs: Arrays) -> Arrays:
        function: Any = self._functions[signature]
        outputs = function(**{name: tf.constant(array) for name, array in inputs.items()})
        return {name: tensor.numpy() for name, tensor in outputs.items()}


def _is_real(lengths: Array, columns: int) -> Array:
    """Where a row has not ended, bool [B, columns]."""
    return np.arange(columns) < lengths[:, np.newaxis]
