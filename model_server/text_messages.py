"""Messages of TensorFlow Serving that its Python package lacks, declared when the program runs.

Parsing text into a declared message makes an unknown field an error, as in the real server.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, wrappers_pb2

_PACKAGE = "tensorflow.serving"
_KINDS = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "int64": _KINDS.TYPE_INT64,
    "bool": _KINDS.TYPE_BOOL,
    "string": _KINDS.TYPE_STRING,
}


@dataclass(frozen=True)
class Field:
    """A field of a message.

    Attributes:
        number: Its number.
        kind: `int64`, `bool`, `string`, or the whole name of a message, with a dot before it.
        repeated: True for a list.
    """

    number: int
    kind: str
    repeated: bool = False


def message_class(messages: Mapping[str, Mapping[str, Field]], name: str) -> Any:
    """Declares messages, and returns the class of one of them.

    Args:
        messages: Message name to its fields by name, all in TensorFlow Serving's package; fields
            may be of its other messages, or of protobuf's wrappers.
        name: The message that is wanted.
    """
    file = descriptor_pb2.FileDescriptorProto(
        name=f"model_server/{name}.proto",
        package=_PACKAGE,
        syntax="proto3",
        dependency=[wrappers_pb2.DESCRIPTOR.name],
    )
    for message_name, fields in messages.items():
        file.message_type.add(name=message_name, field=_described(fields))
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(wrappers_pb2.DESCRIPTOR.serialized_pb)
    pool.Add(file)
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"{_PACKAGE}.{name}"))


def _described(fields: Mapping[str, Field]) -> Sequence[Any]:
    described = []
    for name, field in fields.items():
        label = _KINDS.LABEL_REPEATED if field.repeated else _KINDS.LABEL_OPTIONAL
        message = _KINDS(name=name, number=field.number, label=label)
        if field.kind in _SCALARS:
            message.type = _SCALARS[field.kind]
        else:
            message.type, message.type_name = _KINDS.TYPE_MESSAGE, field.kind
        described.append(message)
    return described
