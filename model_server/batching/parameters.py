"""How requests are batched: `BatchingParameters` in text form, as TensorFlow Serving reads it.

An unknown field is an error, as it is in the real server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from model_server.status import Code, StatusError
from model_server.text_messages import Field, message_class

_MESSAGE = "BatchingParameters"
_INT64 = ".google.protobuf.Int64Value"
_WRAPPED = {
    "max_batch_size": Field(1, _INT64),
    "batch_timeout_micros": Field(2, _INT64),
    "max_enqueued_batches": Field(3, _INT64),
    "num_batch_threads": Field(4, _INT64),
    "thread_pool_name": Field(5, ".google.protobuf.StringValue"),
    "enable_large_batch_splitting": Field(8, ".google.protobuf.BoolValue"),
    "max_execution_batch_size": Field(9, _INT64),
}
_PLAIN = {
    "allowed_batch_sizes": Field(6, "int64", repeated=True),
    "pad_variable_length_inputs": Field(7, "bool"),
}
_AT_LEAST: Mapping[str, int] = {
    "max_batch_size": 1,
    "batch_timeout_micros": 0,
    "max_enqueued_batches": 1,
    "num_batch_threads": 1,
    "max_execution_batch_size": 1,
}


def _available_cpus() -> int:
    return len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class BatchingParameters:
    """How requests are batched; the defaults are TensorFlow Serving's.

    Attributes:
        max_batch_size: Rows of a batch at most; a larger request is refused.
        batch_timeout_s: How long the first request of a batch waits for others, in seconds.
        max_enqueued_batches: Batches that may wait in one queue, the open one included.
        num_batch_threads: Batches that run at once, over all queues.
        thread_pool_name: What the metrics call the threads.
        allowed_batch_sizes: Rows are rounded up to one of these, ascending; empty: not at all.
        pad_variable_length_inputs: Pad inputs to the longest of their batch.
        max_execution_batch_size: Rows of one run when larger requests are to be cut into several
            runs; None: requests are never cut.
    """

    max_batch_size: int = 1000
    batch_timeout_s: float = 0.0
    max_enqueued_batches: int = 10
    num_batch_threads: int = 0
    thread_pool_name: str = ""
    allowed_batch_sizes: tuple[int, ...] = ()
    pad_variable_length_inputs: bool = False
    max_execution_batch_size: int | None = None

    @property
    def threads(self) -> int:
        """The number of threads; one per processor unless it is given."""
        return self.num_batch_threads or _available_cpus()

    @property
    def rows_per_run(self) -> int:
        """The rows that one run of the graph may have."""
        return self.max_execution_batch_size or self.max_batch_size

    def rounded(self, rows: int) -> int:
        """The rows to run for a batch: the first allowed size that holds them, if there is one."""
        return next((size for size in self.allowed_batch_sizes if size >= rows), rows)


def read_batching_parameters(path: Path) -> BatchingParameters:
    """Reads the parameters from a text file.

    Raises:
        StatusError: NOT_FOUND when it cannot be read, INVALID_ARGUMENT when it is not valid.
    """
    try:
        return parse_batching_parameters(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise StatusError(Code.NOT_FOUND, f"Cannot read '{path}': {error}") from error
    except text_format.ParseError as error:
        message = f"Invalid protobuf file: '{path}': {error}"
        raise StatusError(Code.INVALID_ARGUMENT, message) from error


def parse_batching_parameters(text: str) -> BatchingParameters:
    """Checked parameters from text such as `max_batch_size { value: 8 } allowed_batch_sizes: 8`.

    Raises:
        google.protobuf.text_format.ParseError: When it does not parse.
        StatusError: INVALID_ARGUMENT when a value is out of range.
    """
    message = text_format.Parse(text, message_class({_MESSAGE: {**_WRAPPED, **_PLAIN}}, _MESSAGE)())
    given = {name: getattr(message, name).value for name in _WRAPPED if message.HasField(name)}
    for name, least in _AT_LEAST.items():
        if given.get(name, least) < least:
            raise StatusError(
                Code.INVALID_ARGUMENT, f"{name} must be at least {least}; was {given[name]}"
            )
    parameters = BatchingParameters(
        batch_timeout_s=given.pop("batch_timeout_micros", 0) / 1e6,
        max_execution_batch_size=_rows_per_run(given),
        allowed_batch_sizes=tuple(message.allowed_batch_sizes),
        pad_variable_length_inputs=message.pad_variable_length_inputs,
        **given,
    )
    _check_allowed_sizes(parameters)
    return parameters


def _rows_per_run(given: dict[str, Any]) -> int | None:
    """The rows of one run; only a server that may cut requests looks at it."""
    rows = given.pop("max_execution_batch_size", None)
    if not given.pop("enable_large_batch_splitting", False):
        return None
    largest = given.get("max_batch_size", BatchingParameters.max_batch_size)
    if rows is not None and rows > largest:
        raise StatusError(
            Code.INVALID_ARGUMENT,
            f"max_execution_batch_size should be less than or equal to max_batch_size; "
            f"was {rows} and {largest}",
        )
    return int(rows or largest)


def _check_allowed_sizes(parameters: BatchingParameters) -> None:
    sizes = parameters.allowed_batch_sizes
    if not sizes:
        return
    if sizes[-1] != parameters.max_batch_size:
        raise StatusError(
            Code.INVALID_ARGUMENT,
            "Last entry in allowed_batch_sizes must match max_batch_size; "
            f"last entry was {sizes[-1]}; expected {parameters.max_batch_size}",
        )
    if sizes[0] < 1 or list(sizes) != sorted(set(sizes)):
        raise StatusError(
            Code.INVALID_ARGUMENT, "allowed_batch_sizes entries must be positive and increasing"
        )
