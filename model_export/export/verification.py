"""Checks that an exported version is what its training-side model is.

Everything runs on the version as TensorFlow Serving would run it: its graph, in a session.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np
import tensorflow as tf

from heed.contract import WARMUP_FILE, Contract, Precision, Signature
from model_export.export import contract_check
from model_export.export.batching import (
    SEED,
    WIDER,
    merged,
    other_orders,
    row_of,
    source_of,
)
from model_export.export.checks import CheckResult, Version, row_count
from model_export.export.comparison import TOLERANCE, Comparison, trimmed_row
from model_export.export.errors import ExportError, VerificationError
from model_export.export.exportable import exportable_from_run
from model_export.export.graph_session import GraphSession
from model_export.export.precision_checks import PRECISION_CHECKS
from model_export.export.reference_cases import (
    ReferenceCase,
    load_reference_cases,
    training_side_outputs,
)
from model_export.export.saved_model import GRAPH_FILE
from model_export.runs.training_run import TrainingRun

_DECODING: Final = (
    Signature.SERVING_DEFAULT,
    Signature.GREEDY,
    Signature.BEAM,
    Signature.SAMPLE,
)


def verify_version(version_dir: Path, run: TrainingRun | None = None) -> tuple[CheckResult, ...]:
    """Runs every check on a version.

    Args:
        version_dir: Its directory, under whatever name.
        run: Its training run; answers the reference requests anew. Without it, the answers count
            that the training-side model gave when the version was exported.

    Raises:
        VerificationError: A check failed; the message says which, where and by how much.
        ExportError: There is no version in the directory, or TensorFlow cannot load it.
    """
    if not (version_dir / GRAPH_FILE).is_file():
        raise ExportError(f"{version_dir} is no exported version: it has no {GRAPH_FILE}")
    with GraphSession(version_dir) as session:
        contract = contract_check.check_contract(version_dir, session)
        version = Version(version_dir, contract, session, load_reference_cases(version_dir))
        if run is not None:
            version = replace(version, cases=_answered_by(run, version))
        results = [CheckResult(contract_check.CHECK, "all")]
        results.extend(check(version) for check in _checks_of(contract))
    return tuple(results)


def _answered_by(run: TrainingRun, version: Version) -> tuple[ReferenceCase, ...]:
    """The same requests, with the answers of a training run's model."""
    contract = version.contract
    exportable = exportable_from_run(
        run, model_name=contract.model_name, precision=Precision.FLOAT32
    )
    for part in ("source_tokenizer", "image", "target_tokenizer", "labels"):
        if getattr(contract, part) != getattr(exportable.contract, part):
            raise VerificationError("training run", f"the {part} of {run.path} is another one")
    return tuple(
        replace(case, outputs=training_side_outputs(exportable, case.signature, case.inputs))
        for case in version.cases
    )


def _equals_training_side(version: Version) -> CheckResult:
    comparison = Comparison("the graph answers as the training-side model")
    for case in version.cases:
        outputs = version.session.run(case.signature, case.inputs)
        comparison.compare(outputs, case.outputs, where=f"signature {case.signature}")
    return _result(comparison, "batches")


def _rows_stand_alone(version: Version) -> CheckResult:
    comparison = Comparison("a row alone answers as in its batch")
    for case in version.cases:
        for row in range(row_count(case)):
            inputs = row_of(case.inputs, row)
            outputs = version.session.run(case.signature, inputs)
            comparison.compare(
                trimmed_row(case.signature, inputs, outputs, 0, places_of=version.places_of),
                trimmed_row(
                    case.signature, case.inputs, case.outputs, row, places_of=version.places_of
                ),
                where=f"signature {case.signature}, row {row}",
            )
    return _result(comparison, "rows")


def _rows_keep_their_answers_in_any_batch(version: Version) -> CheckResult:
    """Merges and pads as TensorFlow Serving does: with each request's own first element."""
    comparison = Comparison("a row answers the same in any padded batch, in any order")
    random = np.random.default_rng(SEED)
    for case in version.cases:
        for order in other_orders(row_count(case), random):
            inputs = merged([row_of(case.inputs, row) for row in order], widen=WIDER)
            outputs = version.session.run(case.signature, inputs)
            for place, row in enumerate(order):
                comparison.compare(
                    trimmed_row(
                        case.signature, inputs, outputs, place, places_of=version.places_of
                    ),
                    trimmed_row(
                        case.signature, case.inputs, case.outputs, row, places_of=version.places_of
                    ),
                    where=f"signature {case.signature}, row {row}",
                )
    return _result(comparison, "rows")


def _scoring_equals_decoding(version: Version) -> CheckResult:
    comparison = Comparison("the score of a hypothesis is what scoring gives for it")
    for case in version.cases:
        if case.signature not in _DECODING:
            continue
        decoded = version.session.run(case.signature, case.inputs)
        decoded.pop("ranks", None)  # with penalties, which scoring does not know
        for place in range(decoded["lengths"].shape[1]):
            hypothesis = {name: array[:, place] for name, array in decoded.items()}
            exists = hypothesis["lengths"] > 0
            hypothesis = {name: array[exists] for name, array in hypothesis.items()}
            scored = version.session.run(
                Signature.SCORE,
                {
                    **{name: array[exists] for name, array in source_of(case.inputs).items()},
                    "target_tokens": hypothesis.pop("tokens"),
                    "target_lengths": hypothesis.pop("lengths"),
                },
            )
            where = f"signature {case.signature} against score, hypothesis {place}"
            comparison.compare(scored, hypothesis, where=where)
    return _result(comparison, "batches")


def _weights_and_probabilities_sum_to_one(version: Version) -> CheckResult:
    check = "probabilities sum to 1, and so does attention over a row's tokens and sentences"
    largest, count = 0.0, 0
    for case in version.cases:
        outputs = version.session.run(case.signature, case.inputs)
        for name, array in outputs.items():
            difference = float(np.max(np.abs(array.sum(axis=-1) - 1.0)))
            if not difference <= TOLERANCE:  # so that NaN fails
                raise VerificationError(
                    check, f"signature {case.signature}, output {name}: is off by {difference:.6g}"
                )
            largest = max(largest, difference)
        count += row_count(case)
    return CheckResult(check, f"{count} rows", largest, TOLERANCE)


def _warmup_requests_run(version: Version) -> CheckResult:
    """Each set of outputs that a server will be asked for, as the server will be asked."""
    from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

    check = "warm-up requests cover every signature and run"
    seen = set()
    count = 0
    path = version.directory / WARMUP_FILE
    try:
        for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
            request = PredictionLog.FromString(record).predict_log.request
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            signature = request.model_spec.signature_name
            version.session.run(signature, inputs, list(request.output_filter))
            seen.add(signature)
            count += 1
    except (tf.errors.OpError, ValueError, KeyError) as error:
        raise VerificationError(check, f"request {count} of {path}: {error}") from error
    missing = sorted(set(version.contract.signatures) - seen)
    if missing:
        raise VerificationError(check, f"none for {', '.join(missing)}")
    return CheckResult(check, f"{count} requests")


def _result(comparison: Comparison, unit: str) -> CheckResult:
    return CheckResult(
        comparison.check,
        f"{comparison.answers} {unit}",
        comparison.largest_difference,
        TOLERANCE,
    )


def _checks_of(contract: Contract) -> Sequence[Callable[[Version], CheckResult]]:
    if contract.is_classifier:
        return _CLASSIFIER_CHECKS
    if contract.precision is Precision.FLOAT32:
        return _CHECKS
    return *PRECISION_CHECKS, _warmup_requests_run


_CHECKS: Final[Sequence[Callable[[Version], CheckResult]]] = (
    _equals_training_side,
    _rows_stand_alone,
    _rows_keep_their_answers_in_any_batch,
    _scoring_equals_decoding,
    _warmup_requests_run,
)
_CLASSIFIER_CHECKS: Final[Sequence[Callable[[Version], CheckResult]]] = (
    _equals_training_side,
    _rows_stand_alone,
    _rows_keep_their_answers_in_any_batch,
    _weights_and_probabilities_sum_to_one,
    _warmup_requests_run,
)
