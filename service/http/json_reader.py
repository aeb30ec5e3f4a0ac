"""JSON into messages, by protobuf's JSON mapping; whatever does not fit is named by its field.

Fields may be written in lowerCamelCase or as the proto has them. Errors name them as the proto
has them, as over gRPC, and never repeat a value.
"""

from __future__ import annotations

import base64
import binascii
import functools
import json
import math
from collections.abc import Callable, Mapping
from typing import Any, Final, NoReturn

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from service.errors import InvalidRequestError
from service.pipeline.limits import Violations

WHOLE_MESSAGE: Final = "(message)"
MAX_NAME_CHARACTERS: Final = 64
"""So much of an unknown field's name is repeated."""
_LARGEST_FLOAT: Final = 3.4028235677973366e38  # what still rounds to a float32

Members = list[tuple[str, object]]


class _WrongValueError(Exception):
    """A value does not fit its field; the text says what was expected."""


class _Object:
    """A JSON object as it was written, so that a name that comes twice is seen."""

    def __init__(self, members: Members) -> None:
        self.members = members


def read_json(body: bytes, message: Message) -> None:
    """Reads a JSON object into an empty message.

    Raises:
        InvalidRequestError: The bytes are no JSON object, or fields of it do not fit.
    """
    value = _parse(body)
    violations = Violations()
    if isinstance(value, _Object):
        _read_message(value, message, path="", violations=violations)
    else:
        violations.add(WHOLE_MESSAGE, "must be a JSON object")
    violations.check()


def _parse(body: bytes) -> object:
    try:
        return json.loads(body.decode(), object_pairs_hook=_Object, parse_constant=_refuse_constant)
    except json.JSONDecodeError as error:
        what = f"{error.msg} at line {error.lineno}, column {error.colno}"
        raise InvalidRequestError.of(WHOLE_MESSAGE, f"must be JSON: {what}") from error
    except UnicodeDecodeError as error:
        what = f"must be JSON in UTF-8: {error.reason} at byte {error.start}"
        raise InvalidRequestError.of(WHOLE_MESSAGE, what) from error
    except RecursionError as error:
        raise InvalidRequestError.of(WHOLE_MESSAGE, "is nested too deeply") from error
    except ValueError as error:  # NaN, Infinity, or a number of thousands of digits
        what = "must be JSON; a number in it is none that JSON or the gateway knows"
        raise InvalidRequestError.of(WHOLE_MESSAGE, what) from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


@functools.cache
def _fields_of(descriptor: Descriptor) -> Mapping[str, FieldDescriptor]:
    fields = {field.json_name: field for field in descriptor.fields}
    return {**fields, **{field.name: field for field in descriptor.fields}}


def _read_message(value: _Object, message: Message, *, path: str, violations: Violations) -> None:
    descriptor = message.DESCRIPTOR
    fields = _fields_of(descriptor)
    seen: dict[str, str] = {}
    for name, item in value.members:
        if violations.is_full:
            return
        field = fields.get(name)
        if field is None:
            violations.add(path + _harmless(name), _unknown_field(descriptor))
            continue
        group = field.containing_oneof.name if field.containing_oneof else field.name
        if group in seen and item is not None:
            what = "comes twice" if seen[group] == field.name else f"excludes {seen[group]}"
            violations.add(path + field.name, what)
        elif item is not None:
            seen[group] = field.name
            _read_field(item, field, message, path=path + field.name, violations=violations)


def _harmless(name: str) -> str:
    return name[:MAX_NAME_CHARACTERS].encode(errors="replace").decode() or '""'


def _unknown_field(descriptor: Descriptor) -> str:
    names = ", ".join(field.name for field in descriptor.fields) or "none"
    return f"is no field of {descriptor.name}; its fields are: {names}"


def _read_field(
    item: object, field: FieldDescriptor, message: Message, *, path: str, violations: Violations
) -> None:
    if _is_special(field):
        _read_special(item, field, message, path=path, violations=violations)
    elif field.label != FieldDescriptor.LABEL_REPEATED:
        _read_one(item, field, message, path=path, violations=violations)
    elif not isinstance(item, list):
        violations.add(path, "must be a list")
    else:
        values: Any = getattr(message, field.name)
        for index, each in enumerate(item):
            if violations.is_full:
                return
            place = f"{path}[{index}]"
            if field.message_type is None:
                _try(functools.partial(_append, values, each, field), place, violations)
            elif isinstance(each, _Object):
                _read_message(each, values.add(), path=f"{place}.", violations=violations)
            else:
                violations.add(place, "must be an object")


def _read_one(
    item: object, field: FieldDescriptor, message: Message, *, path: str, violations: Violations
) -> None:
    if field.message_type is None:
        _try(lambda: setattr(message, field.name, _scalar(item, field)), path, violations)
    elif isinstance(item, _Object):
        nested: Message = getattr(message, field.name)
        nested.SetInParent()
        _read_message(item, nested, path=f"{path}.", violations=violations)
    else:
        violations.add(path, "must be an object")


def _append(values: Any, item: object, field: FieldDescriptor) -> None:
    values.append(_scalar(item, field))


def _try(assign: Callable[[], object], path: str, violations: Violations) -> None:
    try:
        assign()
    except _WrongValueError as error:
        violations.add(path, str(error))


def _is_special(field: FieldDescriptor) -> bool:
    """Whether a field's JSON has a form of its own: maps, durations and the like."""
    kind = field.message_type
    return kind is not None and (
        kind.GetOptions().map_entry or kind.full_name.startswith("google.protobuf.")
    )


def _read_special(
    item: object, field: FieldDescriptor, message: Message, *, path: str, violations: Violations
) -> None:
    try:
        json_format.ParseDict({field.name: _plain(item)}, message)
    except (json_format.ParseError, ValueError):  # also text that is no valid Unicode
        kind = field.message_type.name if field.message_type else "value"
        violations.add(path, f"must be a {kind} in protobuf's JSON mapping")


def _plain(item: object) -> object:
    if isinstance(item, _Object):
        return {name: _plain(value) for name, value in item.members}
    return [_plain(each) for each in item] if isinstance(item, list) else item


def _scalar(item: object, field: FieldDescriptor) -> Any:
    """The value of a field that is no message.

    Raises:
        _WrongValueError: It does not fit.
    """
    if field.enum_type is not None:
        return _enum_value(item, field.enum_type)
    return _READERS[field.cpp_type](item, field)


def _enum_value(item: object, enum: EnumDescriptor) -> int:
    numbers = _numbers_of(enum)
    if isinstance(item, str) and item in numbers:
        return numbers[item]
    if isinstance(item, int) and not isinstance(item, bool) and item in numbers.values():
        return item
    raise _WrongValueError(f"must be one of {', '.join(numbers)}")


@functools.cache
def _numbers_of(enum: EnumDescriptor) -> Mapping[str, int]:
    """The values by their names. Protobuf's own mappings fail where a key cannot be converted."""
    return {value.name: int(value.number) for value in enum.values}


def _read_bool(item: object, field: FieldDescriptor) -> bool:
    if isinstance(item, bool):
        return item
    raise _WrongValueError("must be true or false")


def _read_text(item: object, field: FieldDescriptor) -> str | bytes:
    is_bytes = field.type == FieldDescriptor.TYPE_BYTES
    if not isinstance(item, str):
        raise _WrongValueError("must be text in base64" if is_bytes else "must be text")
    try:
        if is_bytes:
            padded = item.replace("-", "+").replace("_", "/") + "=" * (-len(item) % 4)
            return base64.b64decode(padded, validate=True)
        item.encode()
    except UnicodeEncodeError as error:
        raise _WrongValueError(f"must be valid Unicode: {error.reason}") from error
    except (binascii.Error, ValueError) as error:
        raise _WrongValueError("must be text in base64") from error
    return item


def _whole_number(lowest: int, highest: int) -> Callable[[object, FieldDescriptor], int]:
    expected = f"must be a whole number from {lowest} to {highest}"

    def read(item: object, field: FieldDescriptor) -> int:
        if isinstance(item, str) and item.removeprefix("-").isdecimal() and len(item) <= 20:
            item = int(item)
        if isinstance(item, float) and item.is_integer():
            item = int(item)
        if isinstance(item, bool) or not isinstance(item, int) or not lowest <= item <= highest:
            raise _WrongValueError(expected)
        return item

    return read


def _read_number(item: object, field: FieldDescriptor) -> float:
    limit = _LARGEST_FLOAT if field.type == FieldDescriptor.TYPE_FLOAT else math.inf
    try:
        number = math.nan if isinstance(item, bool) else float(item)  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not abs(number) <= limit or math.isinf(number):
        raise _WrongValueError("must be a finite number")
    return number


_READERS: Final[Mapping[int, Callable[[Any, FieldDescriptor], object]]] = {
    FieldDescriptor.CPPTYPE_BOOL: _read_bool,
    FieldDescriptor.CPPTYPE_STRING: _read_text,
    FieldDescriptor.CPPTYPE_INT32: _whole_number(-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: _whole_number(0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_INT64: _whole_number(-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT64: _whole_number(0, 2**64 - 1),
    FieldDescriptor.CPPTYPE_FLOAT: _read_number,
    FieldDescriptor.CPPTYPE_DOUBLE: _read_number,
}
