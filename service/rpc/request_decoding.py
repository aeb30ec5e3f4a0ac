"""Decodes requests so that bytes that are no message name the field that is wrong.

gRPC answers a message that cannot be parsed with INTERNAL and no word about where. Here a failure
becomes a value, which the handler turns into INVALID_ARGUMENT with the field's path.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor, FileDescriptor
from google.protobuf.message import DecodeError, Message

from service.errors import MAX_VIOLATIONS, FieldViolation

_WHOLE_MESSAGE: Final = "(message)"


@dataclass(frozen=True, slots=True)
class UndecodableRequest:
    """Bytes that are no request.

    Attributes:
        violations: What is wrong with them, at least one entry.
    """

    violations: tuple[FieldViolation, ...]


RequestDecoder = Callable[[bytes], Message | UndecodableRequest]


def make_decoder(message_type: Descriptor) -> RequestDecoder:
    """A decoder for requests of one type that never raises."""
    message_class = message_factory.GetMessageClass(message_type)
    twin_class = message_factory.GetMessageClass(_bytes_twin(message_type))

    def decode(serialized: bytes) -> Message | UndecodableRequest:
        try:
            return message_class.FromString(serialized)
        except DecodeError:
            return UndecodableRequest(tuple(_find_violations(twin_class, serialized)))

    return decode


def _bytes_twin(message_type: Descriptor) -> Descriptor:
    """The same message with `bytes` for every `string`, which parses whatever the text holds."""
    pool: Any = descriptor_pool.DescriptorPool()
    _add_twin(pool, message_type.file, set())
    twin: Descriptor = pool.FindMessageTypeByName(message_type.full_name)
    return twin


def _add_twin(pool: Any, file: FileDescriptor, seen: set[str]) -> None:
    if file.name in seen:
        return
    seen.add(file.name)
    for dependency in file.dependencies:
        _add_twin(pool, dependency, seen)
    proto = descriptor_pb2.FileDescriptorProto()
    proto.ParseFromString(file.serialized_pb)
    for message in proto.message_type:
        _strings_to_bytes(message)
    pool.Add(proto)


def _strings_to_bytes(message: descriptor_pb2.DescriptorProto) -> None:
    for nested in message.nested_type:
        _strings_to_bytes(nested)
    if message.options.map_entry:  # a map's key cannot be bytes
        return
    for field in message.field:
        if field.type == descriptor_pb2.FieldDescriptorProto.TYPE_STRING:
            field.type = descriptor_pb2.FieldDescriptorProto.TYPE_BYTES


def _find_violations(twin_class: type[Message], serialized: bytes) -> list[FieldViolation]:
    name = twin_class.DESCRIPTOR.full_name
    try:
        twin = twin_class.FromString(serialized)
    except DecodeError:
        return [FieldViolation(_WHOLE_MESSAGE, f"the bytes are no {name}")]
    found = [
        FieldViolation(path, f"must be valid UTF-8: {error.reason} at byte {error.start}")
        for path, error in itertools.islice(_invalid_strings(twin, ""), MAX_VIOLATIONS)
    ]
    return found or [FieldViolation(_WHOLE_MESSAGE, f"the bytes are no {name}")]


def _invalid_strings(message: Message, prefix: str) -> Iterator[tuple[str, UnicodeDecodeError]]:
    for field, value in message.ListFields():
        is_repeated = field.label == FieldDescriptor.LABEL_REPEATED
        if field.type not in (FieldDescriptor.TYPE_BYTES, FieldDescriptor.TYPE_MESSAGE):
            continue
        for index, item in enumerate(value if is_repeated else [value]):
            path = f"{prefix}{field.name}" + (f"[{index}]" if is_repeated else "")
            if isinstance(item, Message):
                yield from _invalid_strings(item, f"{path}.")
            else:
                yield from _invalid_string(item, path)


def _invalid_string(value: bytes, path: str) -> Iterator[tuple[str, UnicodeDecodeError]]:
    try:
        value.decode()
    except UnicodeDecodeError as error:
        yield path, error
