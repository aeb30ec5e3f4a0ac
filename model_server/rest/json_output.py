"""From the outputs of a run to the JSON answer of a predict call."""

from __future__ import annotations

import base64
import json
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from model_server.engine.arrays import view
from model_server.engine.tensor import Tensor
from model_server.messages import types_pb2
from model_server.rest.json_input import Form
from model_server.status import Code, StatusError

_BYTES_SUFFIX = "_bytes"
_NUMPY_TYPES: Mapping[int, str] = {
    types_pb2.DT_FLOAT: "<f4",
    types_pb2.DT_DOUBLE: "<f8",
    types_pb2.DT_HALF: "<f2",
    types_pb2.DT_INT32: "<i4",
    types_pb2.DT_INT16: "<i2",
    types_pb2.DT_INT8: "|i1",
    types_pb2.DT_UINT8: "|u1",
    types_pb2.DT_INT64: "<i8",
    types_pb2.DT_UINT32: "<u4",
    types_pb2.DT_UINT64: "<u8",
    types_pb2.DT_BOOL: "|b1",
}
_DIGITS = {2: 9, 4: 9, 8: 17}  # bytes of a float to the digits that always tell it apart


def encode_outputs(outputs: Mapping[str, Tensor], form: Form) -> bytes:
    """The body of the answer: `predictions`, one per row, or `outputs`, whole tensors.

    A single output stands there without its name. Bytes of an output whose name ends in `_bytes`
    are `{"b64": ...}`; other strings are written as they are.

    Raises:
        StatusError: INVALID_ARGUMENT when the outputs cannot be written in that form.
    """
    if form is Form.ROW:
        text = f'{{\n    "predictions": {_rows(outputs)}\n}}'
    else:
        text = f'{{\n    "outputs": {_columns(outputs)}\n}}'
    return text.encode(errors="surrogateescape")


def _rows(outputs: Mapping[str, Tensor]) -> str:
    _check_rows(outputs)
    columns = {name: _values(name, tensor) for name, tensor in outputs.items()}
    if len(columns) == 1:
        rows: Iterable[str] = next(iter(columns.values()))
    else:
        rows = (
            _object(dict(zip(columns, row, strict=True)))
            for row in zip(*columns.values(), strict=True)
        )
    return "[" + ", ".join(rows) + "]"


def _columns(outputs: Mapping[str, Tensor]) -> str:
    columns = {name: _whole(name, tensor) for name, tensor in outputs.items()}
    return next(iter(columns.values())) if len(columns) == 1 else _object(columns)


def _check_rows(outputs: Mapping[str, Tensor]) -> None:
    expected: int | None = None
    for name, tensor in outputs.items():
        shape = tensor.shape
        if not shape:
            raise _invalid(f"Tensor name: {name} has no shape information ")
        if expected is not None and shape[0] != expected:
            raise _invalid(
                f"Tensor name: {name} has inconsistent batch size: {shape[0]} expecting: {expected}"
            )
        expected = shape[0]


def _values(name: str, tensor: Tensor) -> list[str]:
    """Each row of a tensor as JSON."""
    write, elements = _writer(name, tensor), _elements(tensor)
    return [_nested(row, write) for row in elements]


def _whole(name: str, tensor: Tensor) -> str:
    return _nested(_elements(tensor), _writer(name, tensor))


def _nested(value: Any, write: Callable[[Any], str]) -> str:
    if isinstance(value, list):
        return "[" + ", ".join(_nested(item, write) for item in value) + "]"
    return write(value)


def _elements(tensor: Tensor) -> Any:
    """The elements in nested lists, or one element for a scalar."""
    array = view(tensor)
    if tensor.dtype != types_pb2.DT_STRING:
        array = np.ascontiguousarray(array).reshape(array.shape).view(_NUMPY_TYPES[tensor.dtype])
    return array.tolist()


def _writer(name: str, tensor: Tensor) -> Callable[[Any], str]:
    dtype = tensor.dtype
    if dtype == types_pb2.DT_STRING:
        return _base64_object if name.endswith(_BYTES_SUFFIX) else _string
    numpy_type = _NUMPY_TYPES.get(dtype)
    if numpy_type is None:
        type_name = str(types_pb2.DataType.Name(dtype)).removeprefix("DT_").lower()
        raise _invalid(f"Failed to write JSON value for tensor type: {type_name}")
    if np.dtype(numpy_type).kind == "f":
        kind = np.dtype(numpy_type).type
        return lambda value: _decimal(value, kind)
    return json.dumps


def _decimal(value: float, kind: Any) -> str:
    """Six digits where they suffice, and always a sign that it is no whole number."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "-Infinity" if value < 0 else "Infinity"
    text = f"{value:.6g}"
    if kind(text) != value:
        text = f"{value:.{_DIGITS[np.dtype(kind).itemsize]}g}"
    return text if "." in text or "e" in text else text + ".0"


def _string(value: bytes) -> str:
    return json.dumps(value.decode(errors="surrogateescape"), ensure_ascii=False)


def _base64_object(value: bytes) -> str:
    return json.dumps({"b64": base64.b64encode(value).decode()})


def _object(members: Mapping[str, str]) -> str:
    pairs: Sequence[str] = [f"{json.dumps(name)}: {value}" for name, value in members.items()]
    return "{" + ", ".join(pairs) + "}"


def _invalid(message: str) -> StatusError:
    return StatusError(Code.INVALID_ARGUMENT, message)
