"""Writes what the protos' comments say of every element, for the OpenAPI document.

Usage: python tools/proto_comments.py DESCRIPTOR_SET COMMENTS_JSON

DESCRIPTOR_SET comes from protoc with --include_source_info.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet


def comments(file: FileDescriptorProto) -> Iterator[tuple[str, str]]:
    """The full name of every element with a comment, and the comment, a line for a paragraph."""
    names = dict(_names(file))
    for location in file.source_code_info.location:
        name = names.get(tuple(location.path))
        if name and location.leading_comments:
            yield name, _joined(location.leading_comments)


def _names(file: FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """The full name of every element by its path, as descriptor.proto describes paths."""
    package = file.package
    for index, service in enumerate(file.service):
        yield (6, index), f"{package}.{service.name}"
        for place, method in enumerate(service.method):
            yield (6, index, 2, place), f"{package}.{service.name}.{method.name}"
    for index, enum in enumerate(file.enum_type):
        yield from _enum_names(enum, (5, index), f"{package}.{enum.name}")
    for index, message in enumerate(file.message_type):
        yield from _message_names(message, (4, index), f"{package}.{message.name}")


def _enum_names(
    enum: Any, path: tuple[int, ...], name: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for place, value in enumerate(enum.value):
        yield (*path, 2, place), f"{name}.{value.name}"


def _message_names(
    message: Any, path: tuple[int, ...], name: str
) -> Iterator[tuple[tuple[int, ...], str]]:
    yield path, name
    for place, field in enumerate(message.field):
        yield (*path, 2, place), f"{name}.{field.name}"
    for place, enum in enumerate(message.enum_type):
        yield from _enum_names(enum, (*path, 4, place), f"{name}.{enum.name}")
    for place, nested in enumerate(message.nested_type):
        yield from _message_names(nested, (*path, 3, place), f"{name}.{nested.name}")


def _joined(comment: str) -> str:
    paragraphs = comment.strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def main() -> int:
    """Reads the descriptors and writes the comments."""
    source, target = map(Path, sys.argv[1:])
    files = FileDescriptorSet.FromString(source.read_bytes()).file
    found = {name: text for file in files for name, text in comments(file)}
    text = json.dumps(dict(sorted(found.items())), indent=1, ensure_ascii=False)
    target.write_text(text + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
