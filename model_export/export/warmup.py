"""Requests that TensorFlow Serving runs before a new version becomes available."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import tensorflow as tf
from tensorflow_serving.apis.predict_pb2 import PredictRequest
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog, PredictLog

from heed.contract import WARMUP_FILE, Signature
from model_export.export.batching import Arrays, row_of, source_lengths
from model_export.export.exportable import ExportableModel
from model_export.export.reference_cases import ReferenceCase
from model_export.export.signature_table import rules_for

_CONTRACT_INPUTS: Arrays = {"request": np.zeros([1], np.int32)}


def write_warmup_requests(
    exportable: ExportableModel, cases: Sequence[ReferenceCase], version_dir: Path
) -> int:
    """Writes requests of several lengths for every signature and each of its sets of outputs.

    A server optimises its graph at the first request with a set: these requests are that first.

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
    rules = rules_for(exportable.contract)
    for signature, inputs in _warmup_inputs(cases):
        for output_set in rules[signature].output_sets:
            request = PredictRequest(output_filter=sorted(output_set))
            request.model_spec.name = exportable.contract.model_name
            request.model_spec.signature_name = signature
            for name, array in inputs.items():
                request.inputs[name].CopyFrom(tf.make_tensor_proto(array))
            yield PredictionLog(predict_log=PredictLog(request=request))


def _warmup_inputs(cases: Sequence[ReferenceCase]) -> Iterator[tuple[Signature, Arrays]]:
    yield Signature.CONTRACT, _CONTRACT_INPUTS
    for case in cases:
        rows = np.argsort(source_lengths(case.inputs), kind="stable")
        for row in (rows[0], rows[len(rows) // 2], rows[-1]):
            yield case.signature, row_of(case.inputs, int(row))
        yield case.signature, case.inputs
