"""Messages into JSON, by protobuf's JSON mapping.

Numbers that are 0, empty texts and empty lists are written too, so that readers need no defaults;
what is optional and not set is left out. It is written for matrices: protobuf's own converter
takes ten times as long on them.
"""

from __future__ import annotations

import base64
import functools
import json
import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import numpy as np
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

Writer = Callable[[Any], str]

_text: Final = json.JSONEncoder(ensure_ascii=False).encode


def write_json(message: Message) -> str:
    """The message as JSON, names in lowerCamelCase, numbers as exact as the message has them."""
    return _message_writer(message.DESCRIPTOR)(message)


@functools.cache
def _message_writer(descriptor: Descriptor) -> Writer:
    if descriptor.full_name.startswith("google.protobuf."):
        return _write_well_known
    fields = [
        (f'"{field.json_name}":', field.name, field.has_presence, _field_writer(field))
        for field in descriptor.fields
    ]

    def write(message: Message) -> str:
        members = [
            prefix + write_field(getattr(message, name))
            for prefix, name, has_presence, write_field in fields
            if not has_presence or message.HasField(name)
        ]
        return "{" + ",".join(members) + "}"

    return write


def _write_well_known(message: Message) -> str:
    return json_format.MessageToJson(message, indent=None)


def _write_message(descriptor: Descriptor, message: Message) -> str:
    """Looks for the writer when it is needed: a message may hold its own kind."""
    return _message_writer(descriptor)(message)


def _field_writer(field: FieldDescriptor) -> Writer:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return _map_writer(field)
    if field.label == FieldDescriptor.LABEL_REPEATED:
        return _list_writer(field)
    return _value_writer(field)


def _value_writer(field: FieldDescriptor) -> Writer:
    if field.message_type is not None:
        return functools.partial(_write_message, field.message_type)
    if field.enum_type is not None:
        return functools.partial(_write_enum, field.enum_type)
    return _WRITERS[field.type]


def _list_writer(field: FieldDescriptor) -> Writer:
    write = _value_writer(field)
    if field.type == FieldDescriptor.TYPE_FLOAT:
        return _write_floats
    return lambda values: "[" + ",".join([write(value) for value in values]) + "]"


def _map_writer(field: FieldDescriptor) -> Writer:
    entry = field.message_type
    write = _value_writer(entry.fields_by_name["value"])
    is_message = entry.fields_by_name["value"].message_type is not None

    def write_map(values: Any) -> str:
        members = [
            f"{_text(str(key))}:{write(values[key] if is_message else value)}"
            for key, value in sorted(values.items())
        ]
        return "{" + ",".join(members) + "}"

    return write_map


def _write_enum(enum: EnumDescriptor, number: int) -> str:
    value = enum.values_by_number.get(number)
    return str(number) if value is None else f'"{value.name}"'


def _write_floats(values: Iterable[float]) -> str:
    """Nine digits are enough to tell every float32 from the next."""
    text = ",".join(["%.9g" % value for value in values])  # noqa: UP031  (much the fastest)
    if "n" in text:  # "nan" or "inf"
        text = ",".join([_write_float(value) for value in values])
    return f"[{text}]"


def _write_float(value: float) -> str:
    """The fewest digits that tell it from every other float32."""
    if not math.isfinite(value):
        return _write_infinite(value)
    texts = (f"{value:.{digits}g}" for digits in (7, 8))
    return next((text for text in texts if _as_float32(float(text)) == value), f"{value:.9g}")


def _as_float32(value: float) -> float:
    return float(np.float32(value))


def _write_double(value: float) -> str:
    return repr(value) if math.isfinite(value) else _write_infinite(value)


def _write_infinite(value: float) -> str:
    if math.isnan(value):
        return '"NaN"'
    return '"Infinity"' if value > 0 else '"-Infinity"'


def _write_long(value: int) -> str:
    """As text: readers that know only floats would lose digits."""
    return f'"{value}"'


def _write_bytes(value: bytes) -> str:
    return f'"{base64.b64encode(value).decode()}"'


_32_BITS: Final = (
    *(FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_SINT32, FieldDescriptor.TYPE_SFIXED32),
    *(FieldDescriptor.TYPE_UINT32, FieldDescriptor.TYPE_FIXED32),
)
_64_BITS: Final = (
    *(FieldDescriptor.TYPE_INT64, FieldDescriptor.TYPE_SINT64, FieldDescriptor.TYPE_SFIXED64),
    *(FieldDescriptor.TYPE_UINT64, FieldDescriptor.TYPE_FIXED64),
)
_WRITERS: Final[dict[int, Writer]] = {
    **dict.fromkeys(_32_BITS, str),
    **dict.fromkeys(_64_BITS, _write_long),
    FieldDescriptor.TYPE_BOOL: lambda value: "true" if value else "false",
    FieldDescriptor.TYPE_STRING: _text,
    FieldDescriptor.TYPE_BYTES: _write_bytes,
    FieldDescriptor.TYPE_FLOAT: _write_float,
    FieldDescriptor.TYPE_DOUBLE: _write_double,
}
