"""Checks of versions that compute in less than float32, whose numbers and choices may differ.

A token that differs changes everything behind it, so outputs are not compared. Given outputs are
scored instead, and what the version decodes is held against its own scoring.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from heed.contract import ATTENTION_HEADS_OUTPUT, ATTENTION_OUTPUT, Signature
from model_export.export.batching import (
    SEED,
    WIDER,
    Array,
    Arrays,
    merged,
    other_orders,
    row_of,
    source_of,
)
from model_export.export.checks import BOUNDS, Bounds, CheckResult, Version, row_count
from model_export.export.comparison import trimmed_row
from model_export.export.errors import VerificationError
from model_export.export.reference_cases import ReferenceCase

_GREEDY: Final = (Signature.SERVING_DEFAULT, Signature.GREEDY)
_SCORED: Final = ("token_scores", ATTENTION_OUTPUT, ATTENTION_HEADS_OUTPUT)


@dataclass
class _Differences:
    """Collects how far scores and attention lie apart.

    Attributes:
        check: The check's name, for messages.
        bounds: How far they may.
        answers: How many answers were compared.
        largest: The largest difference of two log-probabilities.
    """

    check: str
    bounds: Bounds
    answers: int = 0
    largest: float = 0.0
    _scores: list[Array] = field(default_factory=list)

    def compare(
        self, actual: Mapping[str, Array], expected: Mapping[str, Array], *, where: str
    ) -> None:
        """Compares the scores and the attention that both have.

        Raises:
            VerificationError: They are further apart than the bounds allow.
        """
        for name in _SCORED:
            if name not in actual or name not in expected:
                continue
            if actual[name].shape != expected[name].shape:
                raise VerificationError(
                    self.check,
                    f"{where}, output {name}: has shape {actual[name].shape}, expected "
                    f"{expected[name].shape}",
                )
            difference = np.abs(actual[name] - expected[name])
            is_score = name == "token_scores"
            allowed = self.bounds.log_probability if is_score else self.bounds.attention
            most = float(np.max(difference, initial=0.0))
            if not most <= allowed:  # so that NaN fails
                raise VerificationError(
                    self.check,
                    f"{where}, output {name}: differs by {most:.6g}, allowed {allowed:g}",
                )
            if is_score:
                self._scores.append(difference.ravel())
                self.largest = max(self.largest, most)
        self.answers += 1

    def result(self, unit: str) -> CheckResult:
        """The check, passed.

        Raises:
            VerificationError: The mean difference is larger than the bounds allow.
        """
        mean = float(np.concatenate(self._scores).mean()) if self._scores else 0.0
        if mean > self.bounds.mean_log_probability:
            raise VerificationError(
                self.check,
                f"token_scores differ by {mean:.6g} in the mean, allowed "
                f"{self.bounds.mean_log_probability:g}",
            )
        compared = f"{self.answers} {unit}"
        return CheckResult(self.check, compared, self.largest, self.bounds.log_probability)


def scores_as_training_side(version: Version) -> CheckResult:
    """Scores the training-side model's own outputs, and the outputs of the scoring request."""
    differences = _new("given outputs score as in the training-side model", version)
    for case in version.cases:
        for inputs, expected in _forced(case):
            outputs = version.session.run(Signature.SCORE, inputs)
            for row in range(len(inputs["target_lengths"])):
                differences.compare(
                    _scored_row(version, inputs, outputs, row),
                    _scored_row(version, inputs, expected, row),
                    where=f"signature {case.signature} by score, row {row}",
                )
    return differences.result("rows")


def rows_score_alike_in_any_batch(version: Version) -> CheckResult:
    """Scores rows alone, and merged and padded as TensorFlow Serving does."""
    differences = _new("a row scores alike alone and in any padded batch, in any order", version)
    for case in version.cases:
        if case.signature is not Signature.SCORE:
            continue
        for order in _orders(row_count(case)):
            requests = [row_of(case.inputs, row) for row in order]
            inputs = merged(requests, widen=WIDER)
            outputs = version.session.run(Signature.SCORE, inputs)
            for place, request in enumerate(requests):
                alone = version.session.run(Signature.SCORE, request)
                differences.compare(
                    _scored_row(version, inputs, outputs, place),
                    _scored_row(version, request, alone, 0),
                    where=f"signature score, row {order[place]}",
                )
    return differences.result("rows")


def decoding_scores_as_scoring(version: Version) -> CheckResult:
    """Decodes padded batches, and scores every hypothesis alone."""
    differences = _new("a hypothesis of any padded batch scores as it does alone", version)
    for case in version.cases:
        if case.signature is Signature.SCORE:
            continue
        order = _orders(row_count(case))[-1]
        requests = [row_of(case.inputs, row) for row in order]
        inputs = merged(requests, widen=WIDER)
        decoded = version.session.run(case.signature, inputs)
        for place, request in enumerate(requests):
            for hypothesis in range(decoded["lengths"].shape[1]):
                length = int(decoded["lengths"][place, hypothesis])
                if not length:
                    continue
                found = _hypothesis(version, request, decoded, (place, hypothesis))
                forced = _with_targets(request, decoded["tokens"][place, hypothesis, :length])
                scored = version.session.run(Signature.SCORE, forced)
                differences.compare(
                    _scored_row(version, forced, scored, 0),
                    found,
                    where=f"signature {case.signature}, row {order[place]}, "
                    f"hypothesis {hypothesis}",
                )
    return differences.result("hypotheses")


def greedy_takes_the_most_probable(version: Version, bounds: Bounds | None = None) -> CheckResult:
    """Where a greedy output leaves the training side's, its token must be as probable there.

    Args:
        version: The version.
        bounds: By how much it may be less probable; none = as its precision allows.
    """
    check = "where greedy outputs leave the training side's, by a token that is as probable"
    bound = (bounds or BOUNDS[version.contract.precision]).log_probability
    largest, count = 0.0, 0
    for case in version.cases:
        if case.signature not in _GREEDY:
            continue
        outputs = version.session.run(case.signature, case.inputs)
        for row in range(row_count(case)):
            own, other = (_tokens(answer, row) for answer in (outputs, case.outputs))
            gap = _lost_at_parting(version, row_of(case.inputs, row), own, other)
            if not gap <= bound:
                raise VerificationError(
                    check,
                    f"signature {case.signature}, row {row}: the token chosen is less probable by "
                    f"{gap:.6g} nats, allowed {bound:g}",
                )
            largest, count = max(largest, gap), count + 1
    return CheckResult(check, f"{count} rows", largest, bound)


PRECISION_CHECKS: Final[Sequence[Callable[[Version], CheckResult]]] = (
    scores_as_training_side,
    rows_score_alike_in_any_batch,
    decoding_scores_as_scoring,
    greedy_takes_the_most_probable,
)
"""In place of the comparisons that float32 allows."""


def _new(check: str, version: Version) -> _Differences:
    return _Differences(check, BOUNDS[version.contract.precision])


def _orders(rows: int) -> tuple[list[int], list[int]]:
    return other_orders(rows, np.random.default_rng(SEED))


def _forced(case: ReferenceCase) -> Iterator[tuple[Arrays, Arrays]]:
    """Requests of `score` for a case's outputs, with what the training-side model says of them."""
    if case.signature is Signature.SCORE:
        yield case.inputs, case.outputs
        return
    for hypothesis in range(case.outputs["lengths"].shape[1]):
        lengths = case.outputs["lengths"][:, hypothesis]
        exists = lengths > 0
        inputs = {name: array[exists] for name, array in source_of(case.inputs).items()}
        inputs["target_tokens"] = case.outputs["tokens"][exists, hypothesis]
        inputs["target_lengths"] = lengths[exists]
        yield (
            inputs,
            {
                name: case.outputs[name][exists, hypothesis]
                for name in ("token_scores", ATTENTION_OUTPUT)
            },
        )


def _scored_row(version: Version, inputs: Arrays, outputs: Arrays, row: int) -> Arrays:
    scored = {name: array for name, array in outputs.items() if name in _SCORED}
    return trimmed_row(Signature.SCORE, inputs, scored, row, places_of=version.places_of)


def _hypothesis(
    version: Version, request: Arrays, decoded: Arrays, place: tuple[int, int]
) -> Arrays:
    length = int(decoded["lengths"][place])
    places = version.places_of(int(request["lengths"][0]))
    return {
        "token_scores": decoded["token_scores"][place][:length],
        ATTENTION_OUTPUT: decoded[ATTENTION_OUTPUT][place][:length, :places],
    }


def _with_targets(request: Arrays, tokens: Array) -> Arrays:
    return {
        **source_of(request),
        "target_tokens": tokens[np.newaxis],
        "target_lengths": np.array([len(tokens)], np.int32),
    }


def _tokens(outputs: Arrays, row: int) -> Array:
    return outputs["tokens"][row, 0, : int(outputs["lengths"][row, 0])]


def _lost_at_parting(version: Version, request: Arrays, own: Array, other: Array) -> float:
    """By how much the first token that differs is less probable than the other's, in nats."""
    common = min(len(own), len(other))
    differs = np.flatnonzero(own[:common] != other[:common])
    if not len(differs):
        return 0.0
    first = int(differs[0])
    scores = [
        version.session.run(Signature.SCORE, _with_targets(request, tokens))["token_scores"]
        for tokens in (own, other)
    ]
    return max(0.0, float(scores[1][0, first] - scores[0][0, first]))
