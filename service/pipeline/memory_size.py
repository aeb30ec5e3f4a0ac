"""How much memory a value takes, with everything that it holds."""

from __future__ import annotations

import dataclasses
import sys
from enum import Enum
from typing import Any, Final

import numpy as np

from service.domain.answers import Token, TokenKind

_FLOAT_BYTES: Final = sys.getsizeof(0.5)
_INT_BYTES: Final = sys.getsizeof(1000)
_TOKEN_BYTES: Final = sys.getsizeof(Token(0, "", 0, 0, TokenKind.TEXT))
_LARGEST_SHARED_INT: Final = 256
_FIELDS: Final[dict[type, tuple[str, ...]]] = {}


def memory_size(*values: object) -> int:
    """The bytes that values take together; what they share counts once.

    It knows dataclasses, tuples, texts, numbers and arrays that own their memory. Objects that the
    whole process shares (None, True, small integers, single Latin letters, members of
    enumerations) count nothing.
    """
    seen: set[int] = set()
    waiting: list[object] = list(values)
    total = 0
    while waiting:
        value = waiting.pop()
        if id(value) in seen:
            continue
        seen.add(id(value))
        if isinstance(value, Token):  # most of an answer: its parts are added up at once
            total += _token_size(value)
        else:
            total += _own_size(value)
            waiting.extend(_parts(value))
    return total


def _token_size(token: Token) -> int:
    total = _TOKEN_BYTES + _own_size(token.text)
    if token.score is not None:
        total += _FLOAT_BYTES
    for number in (token.id, token.begin, token.end):
        if number > _LARGEST_SHARED_INT:
            total += _INT_BYTES
    return total


def _own_size(value: object) -> int:
    if value is None or isinstance(value, Enum):
        return 0
    if isinstance(value, str) and len(value) < 2 and value < "\u0100":
        return 0
    if isinstance(value, int) and value <= _LARGEST_SHARED_INT:
        return 0
    return sys.getsizeof(value)


def _parts(value: object) -> list[object]:
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, np.ndarray):
        return [] if value.base is None else [value.base]
    return [getattr(value, name) for name in _fields_of(type(value))]


def _fields_of(kind: type[Any]) -> tuple[str, ...]:
    """The names of what an object of a class holds."""
    known = _FIELDS.get(kind)
    if known is None:
        is_held = dataclasses.is_dataclass(kind) and not issubclass(kind, Enum)
        known = tuple(field.name for field in dataclasses.fields(kind)) if is_held else ()
        _FIELDS[kind] = known
    return known
