"""Warm-up: a version answers its recorded requests before it is offered to clients."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError

from model_server.messages import prediction_log_pb2
from model_server.servables.predict import run_prediction
from model_server.servables.records import RecordError, read_records
from model_server.servables.servable import Servable
from model_server.status import Code, StatusError

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
MAX_RECORDS = 1000


def run_warmup(servable: Servable, path: Path, *, iterations: int) -> int:
    """Runs the requests recorded beside a model. A missing or empty file is fine.

    Args:
        servable: The loaded version.
        path: Its folder.
        iterations: How often each request runs, 1 or more.

    Returns:
        The number of records read.

    Raises:
        StatusError: When the file is damaged, holds too many or unknown records, or a request
            fails. The version must then not be served.
    """
    file = path / WARMUP_FILE
    if not file.is_file():
        return 0
    count = 0
    try:
        for count, data in enumerate(read_records(file), start=1):
            _run_record(servable, data, iterations=iterations)
            if count > MAX_RECORDS:
                raise StatusError(
                    Code.INVALID_ARGUMENT,
                    f"Number of warmup records exceeds the maximum ({MAX_RECORDS}) at {file}",
                )
    except RecordError as error:
        raise StatusError(
            Code.DATA_LOSS,
            f"{error} at {file}. Please verify your warmup data is in TFRecord format.",
        ) from error
    return count


def _run_record(servable: Servable, data: bytes, *, iterations: int) -> None:
    log = _parse(data)
    kind = log.WhichOneof("log_type")
    if kind is None:
        return
    if kind != "predict_log":
        number = log.DESCRIPTOR.fields_by_name[kind].number
        raise StatusError(Code.UNIMPLEMENTED, f"Unsupported log_type for warmup: {number}")
    for _ in range(iterations):
        run_prediction(servable, log.predict_log.request, timeout_ms=None)


def _parse(data: bytes) -> Any:
    try:
        return prediction_log_pb2.PredictionLog.FromString(data)
    except DecodeError as error:
        message = f"Failed to parse warmup record: {error}"
        raise StatusError(Code.INVALID_ARGUMENT, message) from error
