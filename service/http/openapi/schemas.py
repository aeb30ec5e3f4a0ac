"""JSON Schemas of messages in protobuf's JSON mapping."""

from __future__ import annotations

import functools
import importlib.resources
import json
from collections.abc import Iterable, Mapping
from typing import Any, Final

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor

Schema = dict[str, Any]

_INTEGERS: Final[Mapping[int, tuple[str, int, int]]] = {
    FieldDescriptor.CPPTYPE_INT32: ("int32", -(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_UINT32: ("uint32", 0, 2**32 - 1),
}
_LONGS: Final[Mapping[int, str]] = {
    FieldDescriptor.CPPTYPE_INT64: "int64",
    FieldDescriptor.CPPTYPE_UINT64: "uint64",
}
_FLOATS: Final[Mapping[int, str]] = {
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_DOUBLE: "double",
}
_DURATION: Final[Schema] = {
    "type": "string",
    "pattern": r"^-?\d+(\.\d{1,9})?s$",
    "description": "A span of time in seconds, for example 0.25s.",
}


@functools.cache
def comments() -> Mapping[str, str]:
    """What the protos say of every element, by its full name."""
    text = importlib.resources.files("heed.v1").joinpath("comments.json").read_text("utf-8")
    return dict(json.loads(text))


def reference(descriptor: Descriptor | EnumDescriptor) -> Schema:
    """Refers to the schema of a message or an enum."""
    return {"$ref": f"#/components/schemas/{descriptor.name}"}


def schemas_of(
    requests: Iterable[Descriptor], responses: Iterable[Descriptor]
) -> dict[str, Schema]:
    """The schemas of these messages and all that they hold, by name.

    Requests may leave everything out and hold nothing unknown; answers hold every field that has
    no presence, and may hold more one day.

    Args:
        requests: What callers send.
        responses: What they get.
    """
    sent, received = _reachable(requests), _reachable(responses)
    found: dict[str, Schema] = {}
    for name, descriptor in sorted({**sent, **received}.items()):
        if isinstance(descriptor, EnumDescriptor):
            found[name] = _enum_schema(descriptor)
        else:
            found[name] = _message_schema(
                descriptor, is_sent=name in sent, is_received=name in received
            )
    return found


def _reachable(roots: Iterable[Descriptor]) -> dict[str, Descriptor | EnumDescriptor]:
    found: dict[str, Descriptor | EnumDescriptor] = {}
    waiting = list(roots)
    while waiting:
        descriptor = waiting.pop()
        if descriptor.name in found or _is_well_known(descriptor):
            continue
        if not descriptor.GetOptions().map_entry:
            found[descriptor.name] = descriptor
        for field in descriptor.fields:
            if field.enum_type is not None:
                found[field.enum_type.name] = field.enum_type
            if field.message_type is not None:
                waiting.append(field.message_type)
    return found


def _is_well_known(descriptor: Descriptor) -> bool:
    return str(descriptor.full_name).startswith("google.protobuf.")


def _enum_schema(enum: EnumDescriptor) -> Schema:
    said = comments()
    values = [
        f"- `{value.name}`: {said.get(f'{enum.full_name}.{value.name}', '')}"
        for value in enum.values
    ]
    description = "\n".join([said.get(enum.full_name, ""), "", *values])
    return {
        "type": "string",
        "enum": [value.name for value in enum.values],
        "description": description,
    }


def _message_schema(descriptor: Descriptor, *, is_sent: bool, is_received: bool) -> Schema:
    schema: Schema = {
        "type": "object",
        "description": comments().get(descriptor.full_name, ""),
        "properties": {
            field.json_name: field_schema(field, is_sent=is_sent) for field in descriptor.fields
        },
    }
    if is_received and not is_sent:
        required = [field.json_name for field in descriptor.fields if not field.has_presence]
        schema |= {"required": required} if required else {}
    if is_sent and not is_received:
        schema["additionalProperties"] = False
    return schema


def field_schema(field: FieldDescriptor, *, is_sent: bool) -> Schema:
    """The schema of a field.

    Args:
        field: The field.
        is_sent: Whether callers send it; they may write long numbers either way.
    """
    description = comments().get(field.full_name, "")
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        values = _value_schema(kind.fields_by_name["value"], is_sent=is_sent)
        schema: Schema = {"type": "object", "additionalProperties": values}
    elif field.label == FieldDescriptor.LABEL_REPEATED:
        schema = {"type": "array", "items": _value_schema(field, is_sent=is_sent)}
    else:
        schema = _value_schema(field, is_sent=is_sent)
    return {**schema, "description": description} if description else schema


def _value_schema(field: FieldDescriptor, *, is_sent: bool) -> Schema:
    if field.message_type is not None:
        is_duration = field.message_type.full_name == "google.protobuf.Duration"
        return dict(_DURATION) if is_duration else reference(field.message_type)
    if field.enum_type is not None:
        return reference(field.enum_type)
    return _scalar_schema(field, is_sent=is_sent)


def _scalar_schema(field: FieldDescriptor, *, is_sent: bool) -> Schema:
    if field.cpp_type in _INTEGERS:
        name, lowest, highest = _INTEGERS[field.cpp_type]
        return {"type": "integer", "format": name, "minimum": lowest, "maximum": highest}
    if field.cpp_type in _LONGS:
        text = {"type": "string", "pattern": r"^-?\d{1,20}$", "format": _LONGS[field.cpp_type]}
        whole = {"type": "integer", "format": _LONGS[field.cpp_type]}
        return {"oneOf": [text, whole]} if is_sent else text
    if field.cpp_type in _FLOATS:
        return {"type": "number", "format": _FLOATS[field.cpp_type]}
    if field.cpp_type == FieldDescriptor.CPPTYPE_BOOL:
        return {"type": "boolean"}
    is_bytes = field.type == FieldDescriptor.TYPE_BYTES
    return {"type": "string", "contentEncoding": "base64"} if is_bytes else {"type": "string"}
