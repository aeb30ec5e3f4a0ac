"""The reference of the API, from the descriptors of heed.v1 and the protos' comments."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from google.protobuf.descriptor import (
    Descriptor,
    EnumDescriptor,
    FieldDescriptor,
    FileDescriptor,
    MethodDescriptor,
    ServiceDescriptor,
)

from heed.v1 import inference_pb2, model_pb2
from service.http.methods import METHODS

FILES: Final[tuple[FileDescriptor, ...]] = (inference_pb2.DESCRIPTOR, model_pb2.DESCRIPTOR)
COMMENTS: Final = Path(__file__).parents[1] / "heed/v1/comments.json"

_SCALARS: Final = {
    getattr(FieldDescriptor, name): name.removeprefix("TYPE_").lower()
    for name in dir(FieldDescriptor)
    if name.startswith("TYPE_") and name not in {"TYPE_MESSAGE", "TYPE_ENUM", "TYPE_GROUP"}
}


def api_reference() -> str:
    """Services, messages and enums as Markdown."""
    return (
        "".join(_services(file) for file in FILES)
        + "\n## Messages\n"
        + "".join(_message(message) for file in FILES for message in _messages(file))
        + "\n## Choices\n"
        + "".join(_enum(enum) for file in FILES for enum in _enums(file))
    )


def comments() -> dict[str, str]:
    """What the protos say of every element, by its full name."""
    return dict(json.loads(COMMENTS.read_text(encoding="utf-8")))


def _messages(file: FileDescriptor) -> Iterator[Descriptor]:
    for message in file.message_types_by_name.values():
        yield from _with_nested(message)


def _with_nested(message: Descriptor) -> Iterator[Descriptor]:
    yield message
    for nested in message.nested_types:
        if not nested.GetOptions().map_entry:
            yield from _with_nested(nested)


def _enums(file: FileDescriptor) -> Iterator[EnumDescriptor]:
    yield from file.enum_types_by_name.values()
    for message in _messages(file):
        yield from message.enum_types


def _services(file: FileDescriptor) -> str:
    return "".join(_service(service) for service in file.services_by_name.values())


def _service(service: ServiceDescriptor) -> str:
    methods = "".join(_method(method) for method in service.methods)
    return f"\n## {service.name}\n\n{_comment(service)}\n{methods}"


def _method(method: MethodDescriptor) -> str:
    takes = ("a stream of " if method.client_streaming else "") + _link(method.input_type)
    gives = ("a stream of " if method.server_streaming else "") + _link(method.output_type)
    paths = [
        f"`{offered.verb} {path.template}`"
        for offered in METHODS
        if offered.name == method.name
        for path in offered.paths
    ]
    http = ", ".join(paths) or "gRPC alone"
    return (
        f"\n### {method.name}\n\n{_comment(method)}\n\n"
        f"Takes {takes}, answers {gives}. HTTP: {http}.\n"
    )


def _message(message: Descriptor) -> str:
    rows = "".join(_field(field) for field in message.fields)
    table = f"\n\n| field | type | meaning |\n|---|---|---|\n{rows}" if rows else "\n\nNo fields.\n"
    return f"\n### {_name(message)}\n\n{_comment(message)}{table}"


def _field(field: FieldDescriptor) -> str:
    cells = (f"`{field.name}` = {field.number}", _type(field), _cell(_comment(field)))
    return f"| {' | '.join(cells)} |\n"


def _type(field: FieldDescriptor) -> str:
    kind = field.message_type
    if kind is not None and kind.GetOptions().map_entry:
        key, value = kind.fields_by_name["key"], kind.fields_by_name["value"]
        return f"map of {_type(key)} to {_type(value)}"
    oneof = field.containing_oneof
    if field.label == FieldDescriptor.LABEL_REPEATED:
        prefix = "repeated "
    elif oneof is not None and not oneof.name.startswith("_"):
        prefix = f"one of *{oneof.name}*: "
    else:
        prefix = "optional " if oneof is not None else ""
    return prefix + (_link(kind or field.enum_type) if kind or field.enum_type else _scalar(field))


def _scalar(field: FieldDescriptor) -> str:
    return _SCALARS[field.type]


def _enum(enum: EnumDescriptor) -> str:
    rows = ""
    for value in enum.values:
        meaning = _comment_of(f"{enum.full_name}.{value.name}")
        rows += f"| `{value.name}` = {value.number} | {_cell(meaning)} |\n"
    return f"\n### {_name(enum)}\n\n{_comment(enum)}\n\n| value | meaning |\n|---|---|\n{rows}"


def _name(kind: Any) -> str:
    """A message's or an enum's name, with those that it stands in."""
    return str(kind.full_name).removeprefix(f"{kind.file.package}.")


def _link(kind: Any) -> str:
    """A type, with a link to where this page describes it."""
    if kind.file not in FILES:
        return f"`{kind.full_name}`"
    anchor = re.sub(r"[^a-z0-9]", "", _name(kind).lower())
    return f"[{_name(kind)}](#{anchor})"


def _comment(element: Any) -> str:
    return _comment_of(str(element.full_name))


def _comment_of(name: str) -> str:
    return comments().get(name, "")


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n\n", "<br>")
