"""Requests that TensorFlow Serving runs before a new version becomes available."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from heed.contract import WARMUP_FILE, Contract, Signature
from model_export.export.batching import Arrays, row_of, source_lengths
from model_export.export.exportable import ExportableModel
from model_export.export.reference_cases import ReferenceCase
from model_export.export.signature_table import rules_for

_CONTRACT_INPUTS: Arrays = {"request": np.zeros([1], np.int32)}


def write_warmup_requests(
    exportable: ExportableModel, cases: Sequence[ReferenceCase], version_dir: Path
) -> int:
    """Writes requests of several lengths for every signature and each of its sets of outputs.

    A server optimises its graph at the first request with a set: these requests are that first. And
    XLA compiles at the first of a shape: there is one for each bucket of shapes.

    Returns:
        How many were written.
    """
    path = version_dir / WARMUP_FILE
    path.parent.mkdir(exist_ok=True)
    logs = list(_warmup_logs(exportable, cases))
    with tf.io.TFRecordWriter(str(path)) as writer:
        for log in logs:
            writer.write(log.SerializeToString(deterministic=True))
    return len(logs)


def _warmup_logs(
    exportable: ExportableModel, cases: Sequence[ReferenceCase]
) -> Iterator[PredictionLog]:
    rules, name = rules_for(exportable.contract), exportable.contract.model_name
    for signature, inputs in _warmup_inputs(cases):
        for output_set in rules[signature].output_sets:
            yield _log(name, signature, inputs, outputs=output_set)
    for signature, inputs in _bucket_inputs(exportable.contract, cases):
        yield _log(name, signature, inputs, outputs=rules[signature].output_sets[-1])


def _log(
    model_name: str, signature: Signature, inputs: Arrays, *, outputs: Sequence[str]
) -> PredictionLog:
    request = PredictRequest(output_filter=sorted(outputs))
    request.model_spec.name = model_name
    request.model_spec.signature_name = signature
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
    return PredictionLog(predict_log=PredictLog(request=request))


def _warmup_inputs(cases: Sequence[ReferenceCase]) -> Iterator[tuple[Signature, Arrays]]:
    yield Signature.CONTRACT, _CONTRACT_INPUTS
    for case in cases:
        rows = np.argsort(source_lengths(case.inputs), kind="stable")
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            yield case.signature, row_of(case.inputs, int(row))
        yield case.signature, case.inputs


def _bucket_inputs(
    contract: Contract, cases: Sequence[ReferenceCase]
) -> Iterator[tuple[Signature, Arrays]]:
    """A full batch of every shape that XLA compiles, for each signature that decodes."""
    if contract.shape_buckets is None:
        return
    buckets = contract.shape_buckets
    for case in cases:
        if case.signature is not Signature.SCORE:
            for rows, length in itertools.product(buckets.rows, buckets.source_tokens):
                inputs = {name: array[:1].repeat(rows, 0) for name, array in case.inputs.items()}
                inputs["tokens"] = np.resize(case.inputs["tokens"][:1], (rows, length))
                inputs["lengths"] = np.full(rows, length, np.int32)
                yield case.signature, inputs
