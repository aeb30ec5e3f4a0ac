"""From the JSON body of a predict call to a `PredictRequest`, by TensorFlow Serving's rules.

Row form: `{"instances": [...]}`, one value, list or object per row. Columnar form:
`{"inputs": ...}`, one whole tensor, or an object of them. The element types are the signature's.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

import numpy as np

from model_server.messages import predict_pb2, types_pb2
from model_server.status import Code, StatusError

_SIGNATURE, _INSTANCES, _INPUTS, _BASE64 = "signature_name", "instances", "inputs", "b64"
_INT_RANGES = {
    types_pb2.DT_INT32: (range(-(2**31), 2**31), "int_val"),
    types_pb2.DT_INT16: (range(-(2**31), 2**31), "int_val"),
    types_pb2.DT_INT8: (range(-(2**31), 2**31), "int_val"),
    types_pb2.DT_UINT8: (range(-(2**31), 2**31), "int_val"),
    types_pb2.DT_INT64: (range(-(2**63), 2**63), "int64_val"),
    types_pb2.DT_UINT32: (range(2**32), "uint32_val"),
    types_pb2.DT_UINT64: (range(2**64), "uint64_val"),
}
_FLOATS: Mapping[int, tuple[str, Any, str]] = {
    types_pb2.DT_FLOAT: ("float", np.float32, "float_val"),
    types_pb2.DT_DOUBLE: ("double", np.float64, "double_val"),
}

InputTypes = Mapping[str, int]
Shape = tuple[int, ...]


class Form(StrEnum):
    """How tensors are laid out in JSON; the answer has the form of the request."""

    ROW = "row"
    COLUMNAR = "columnar"


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON object of a request.

    Raises:
        StatusError: INVALID_ARGUMENT when it is no JSON, or no object.
    """
    if not body:
        raise _invalid("JSON Parse error: The document is empty")
    try:
        document = json.loads(body.decode(errors="surrogateescape"))
    except json.JSONDecodeError as error:
        raise _invalid(f"JSON Parse error: {error.msg} at offset: {error.pos}") from error
    except RecursionError as error:
        raise _invalid("JSON Parse error: The document is nested too deeply") from error
    if not isinstance(document, dict):
        raise _invalid(f"JSON Value: {_text(document)} Is not object")
    return document


def fill_request(
    document: dict[str, Any], request: Any, input_types: Callable[[str], InputTypes]
) -> Form:
    """Fills a `PredictRequest` from a JSON object.

    Args:
        document: The body.
        request: The message; its signature and inputs are set.
        input_types: The inputs of a signature and their element types.

    Raises:
        StatusError: INVALID_ARGUMENT when the object does not fit the signature.
    """
    signature = document.get(_SIGNATURE, "")
    if not isinstance(signature, str):
        raise _invalid(
            f"JSON Value: {_text(document)} not formatted correctly. "
            "'signature_name' key must be a string value."
        )
    request.model_spec.signature_name = signature
    types = input_types(signature)
    if not types:
        raise _invalid(f"Failed to get input map for signature: {signature or 'DEFAULT'}")
    if _INSTANCES in document and _INPUTS in document:
        raise _invalid(
            f"JSON Value: {_text(document)} Not formatted correctly expecting only one of "
            f"'{_INPUTS}' or '{_INSTANCES}' keys to exist "
        )
    if _INSTANCES in document:
        _fill_rows(_instances(document), types, request.inputs)
        return Form.ROW
    if _INPUTS in document:
        _fill_columns(document[_INPUTS], types, request.inputs)
        return Form.COLUMNAR
    raise _invalid("Missing 'inputs' or 'instances' key")


def _instances(document: dict[str, Any]) -> list[Any]:
    instances = document[_INSTANCES]
    if not isinstance(instances, list):
        raise _invalid(
            f"JSON Value: {_text(document)} Excepting '{_INSTANCES}' to be an list/array"
        )
    if not instances:
        raise _invalid(f"JSON Value: {_text(document)} No values in '{_INSTANCES}' array")
    return instances


def _fill_rows(instances: Sequence[Any], types: InputTypes, inputs: Any) -> None:
    if not isinstance(instances[0], dict) and len(types) > 1:
        raise _invalid(
            "instances is a plain list, but expecting list of objects as multiple input tensors "
            "required as per tensorinfo_map"
        )
    shapes: dict[str, Shape] = {}
    named = _is_named(instances[0])
    for index, element in enumerate(instances):
        where = f"Failed to process element: {index}"
        for name, value in _row_items(element, index, types=types, named=named):
            try:
                _add_row(name, value, shapes, types=types, inputs=inputs)
            except StatusError as error:
                key = f" key: {name}" if named else ""
                message = f"{where}{key} of 'instances' list. Error: {error}"
                raise _invalid(message) from error
        if named and element.keys() != types.keys():
            raise _invalid(
                f"{where} of 'instances' list. JSON object: {_text(element)} "
                f"keys must be equal to: {','.join(sorted(types))}"
            )
    for name, shape in shapes.items():
        _set_head(inputs[name], types[name], (len(instances), *shape))


def _row_items(
    element: Any, index: int, *, types: InputTypes, named: bool
) -> Iterator[tuple[str, Any]]:
    if named and not _is_named(element):
        raise _invalid(f"Expecting object but got list at item {index} of input list")
    if not named and _is_named(element):
        raise _invalid(f"Expecting value/list but got object at item {index} of input list")
    if named:
        yield from element.items()
    else:
        yield next(iter(types)), element


def _add_row(
    name: str, value: Any, shapes: dict[str, Shape], *, types: InputTypes, inputs: Any
) -> None:
    if name not in types:
        raise _invalid(f"JSON object: does not have named input: {name}")
    shape = _shape(value)
    _add_values(inputs[name], value, types[name], shape)
    known = shapes.setdefault(name, shape)
    if int(np.prod(known)) != int(np.prod(shape)):
        raise _invalid(f"Expecting tensor size: {np.prod(known):.0f} but got: {np.prod(shape):.0f}")
    if known != shape:
        raise _invalid(f"Expecting shape {_bracketed(known)} but got: {_bracketed(shape)}")


def _fill_columns(value: Any, types: InputTypes, inputs: Any) -> None:
    if not _is_named(value):
        if len(types) > 1:
            raise _invalid(
                "inputs is a plain value/list, but expecting an object as multiple input tensors "
                "required as per tensorinfo_map"
            )
        value = {next(iter(types)): value}
    for name, dtype in types.items():
        if name not in value:
            raise _invalid(f"Missing named input: {name} in 'inputs' object.")
        shape = _shape(value[name])
        _add_values(inputs[name], value[name], dtype, shape)
        _set_head(inputs[name], dtype, shape)


def _set_head(tensor: Any, dtype: int, shape: Shape) -> None:
    tensor.dtype = dtype
    for size in shape:
        tensor.tensor_shape.dim.add(size=size)


def _add_values(tensor: Any, value: Any, dtype: int, shape: Shape) -> None:
    elements = list(_elements(value, shape, level=0))
    if dtype == types_pb2.DT_STRING:
        tensor.string_val.extend(_bytes(element) for element in elements)
    elif dtype == types_pb2.DT_BOOL:
        _check_all(elements, lambda element: isinstance(element, bool), dtype)
        tensor.bool_val.extend(elements)
    elif dtype in _FLOATS:
        name, numpy_type, field = _FLOATS[dtype]
        _check_all(elements, _is_number, dtype)
        for element in elements:
            _check_precision(element, name, numpy_type)
        getattr(tensor, field).extend(elements)
    elif dtype in _INT_RANGES:
        allowed, field = _INT_RANGES[dtype]
        _check_all(elements, lambda element: _is_integer(element) and element in allowed, dtype)
        getattr(tensor, field).extend(elements)
    else:
        raise StatusError(
            Code.UNIMPLEMENTED,
            f"Conversion of JSON Value: {_text(value)} to type: {_type_name(dtype)}",
        )


def _elements(value: Any, shape: Shape, *, level: int) -> Iterator[Any]:
    """The leaves in row-major order; every list must have its level's size."""
    if not isinstance(value, list):
        if level != len(shape):
            raise _invalid(
                f"JSON Value: {_text(value)} found at incorrect level: {level + 1} "
                f"in the JSON DOM. Expected at level: {len(shape)}"
            )
        yield value
        return
    if level >= len(shape):
        raise _invalid(f"Encountered list at unexpected level: {level} expected < {len(shape)}")
    if len(value) != shape[level]:
        raise _invalid(
            f"Encountered list at unexpected size: {len(value)} at level: {level} "
            f"expected size: {shape[level]}"
        )
    for item in value:
        yield from _elements(item, shape, level=level + 1)


def _shape(value: Any) -> Shape:
    sizes = []
    while isinstance(value, list):
        sizes.append(len(value))
        if not value:
            break
        value = value[0]
    return tuple(sizes)


def _bytes(value: Any) -> bytes:
    if isinstance(value, str):
        return value.encode(errors="surrogateescape")
    if not isinstance(value, dict):
        raise _wrong_type(value, types_pb2.DT_STRING)
    if not _is_base64(value):
        raise _invalid(f"JSON Value: {_text(value)} not formatted correctly for base64 data")
    try:
        text = value[_BASE64].encode()
        return base64.b64decode(text + b"=" * (-len(text) % 4), validate=True)
    except (binascii.Error, UnicodeEncodeError) as error:
        raise _invalid("Unable to base64 decode") from error


def _is_named(value: Any) -> bool:
    return isinstance(value, dict) and not _is_base64(value)


def _is_base64(value: Any) -> bool:
    return isinstance(value, dict) and list(value) == [_BASE64] and isinstance(value[_BASE64], str)


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _check_all(elements: Sequence[Any], fits: Callable[[Any], bool], dtype: int) -> None:
    for element in elements:
        if not fits(element):
            raise _wrong_type(element, dtype)


def _check_precision(value: float, name: str, numpy_type: Any) -> None:
    """Whole numbers must have an exact value of the type, and others must be in its range."""
    limits = np.finfo(numpy_type)
    if isinstance(value, int):
        lossless = abs(value) <= 2 ** (limits.nmant + 1) - 1
    else:
        lossless = not np.isfinite(value) or abs(value) <= float(limits.max)
    if not lossless:
        raise _invalid(
            f"Cannot convert JSON value: {_text(value)} to {name} without loss of precision."
        )


def _wrong_type(value: Any, dtype: int) -> StatusError:
    kind = {bool: str(value), dict: "Object", list: "Array", str: "String", type(None): "Null"}
    return _invalid(
        f"JSON Value: {_text(value)} Type: {kind.get(type(value), 'Number')} "
        f"is not of expected type: {_type_name(dtype)}"
    )


def _type_name(dtype: int) -> str:
    return str(types_pb2.DataType.Name(dtype)).removeprefix("DT_").lower()


def _bracketed(shape: Shape) -> str:
    return f"[{','.join(str(size) for size in shape)}]"


def _text(value: Any) -> str:
    return json.dumps(value)


def _invalid(message: str) -> StatusError:
    return StatusError(Code.INVALID_ARGUMENT, message)


def new_request(name: str) -> Any:
    """An empty `PredictRequest` for a model."""
    request = predict_pb2.PredictRequest()
    request.model_spec.name = name
    return request
