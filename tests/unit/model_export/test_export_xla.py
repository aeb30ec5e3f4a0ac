"""The variant for XLA: its shapes, what they are refused for, and the warm-up of each."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from heed.contract import WARMUP_FILE, Contract, Signature
from model_export.export.errors import ExportError
from model_export.export.reference_cases import compute_reference_cases
from model_export.export.warmup import write_warmup_requests
from model_export.export.xla import with_xla
from tests.support.exported_model import MAX_SOURCE_TOKENS, random_exportable


def test_the_contract_names_the_shapes_and_the_widest_beam() -> None:
    contract = with_xla(random_exportable()).contract
    assert contract.shape_buckets is not None
    assert contract.shape_buckets.rows == (1, 8, 32, 128)
    assert contract.shape_buckets.source_tokens == (6, MAX_SOURCE_TOKENS)
    assert contract.max_beam_width == 4
    assert Contract.from_json(contract.to_json()) == contract


def test_the_warm_up_has_a_full_batch_of_every_shape(tmp_path: Path) -> None:
    exportable = with_xla(random_exportable(), rows=(2, 8), source_tokens=(5, 9))
    write_warmup_requests(exportable, compute_reference_cases(exportable), tmp_path)
    asked = set()
    for record in tf.data.TFRecordDataset(str(tmp_path / WARMUP_FILE)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        if "tokens" in request.inputs:
            inputs = {name: tf.make_ndarray(proto) for name, proto in request.inputs.items()}
            if (inputs["lengths"] == inputs["tokens"].shape[1]).all():
                asked.add((request.model_spec.signature_name, *inputs["tokens"].shape))
    searches = (Signature.SERVING_DEFAULT, Signature.GREEDY, Signature.BEAM, Signature.SAMPLE)
    for shape in itertools.product(searches, (2, 8), (5, 9, MAX_SOURCE_TOKENS)):
        assert shape in asked


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"rows": (1, 4)}, "--xla-rows must end with 8 or more"),
        ({"rows": (8, 8)}, "--xla: .*rows must be 1 or more and ascend"),
        ({"rows": (0, 8)}, "--xla: .*rows must be 1 or more and ascend"),
        ({"source_tokens": (8, 24)}, "--xla-source-tokens must be below the model's longest, 24"),
        ({"source_tokens": (9, 8)}, "--xla: .*source_tokens must be 1 or more and ascend"),
        ({"beam_width": 33}, "--xla-beam-width must be 1 to 32"),
    ],
)
def test_shapes_that_cannot_be_are_refused(options: dict[str, object], message: str) -> None:
    with pytest.raises(ExportError, match=message):
        with_xla(random_exportable(), **options)  # type: ignore[arg-type]


def test_a_contract_whose_shapes_do_not_hold_every_source_is_refused() -> None:
    contract = with_xla(random_exportable()).contract
    fields = {**dict(contract), "max_source_tokens": contract.max_source_tokens + 1}
    with pytest.raises(ValueError, match=r"the last of shape_buckets\.source_tokens"):
        Contract.model_validate(fields)
