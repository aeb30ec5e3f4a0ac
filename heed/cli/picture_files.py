"""Picture files as commands take them."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heed.client import HeedError, InvalidRequestError

_IMAGE_FIELD: Final = re.compile(r"^images\[(\d+)\]")


class PictureFileError(InvalidRequestError):
    """A picture's file cannot be read."""


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A picture's file, and its place among the files, from 1."""

    number: int
    path: Path
    content: bytes


def picture_chunks(
    paths: Sequence[Path], *, most: int, most_bytes: int
) -> Iterator[list[PictureFile]]:
    """Pictures that fit into one call together.

    Args:
        paths: Their files.
        most: The most pictures of a call.
        most_bytes: The most bytes of a call; a larger file goes alone.

    Raises:
        PictureFileError: A file cannot be read.
    """
    chunk: list[PictureFile] = []
    for number, path in enumerate(paths, start=1):
        picture = PictureFile(number, path, _content(path))
        size = sum(len(each.content) for each in chunk) + len(picture.content)
        if chunk and (len(chunk) == most or size > most_bytes):
            yield chunk
            chunk = []
        chunk.append(picture)
    if chunk:
        yield chunk


def _content(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise PictureFileError(f"cannot read {path}: {error.strerror or error}") from error


def placed_picture(error: HeedError, asked: Sequence[PictureFile]) -> HeedError:
    """The error with the file at fault before its message, if one is at fault."""
    for violation in error.field_violations:
        field = _IMAGE_FIELD.match(violation.field)
        if field is not None:
            path = asked[int(field[1])].path
            return type(error)(f"{path}: {violation.description}", error.details)
    return error
