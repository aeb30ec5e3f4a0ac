"""How much memory a value takes, with everything that it holds."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from enum import Enum

import numpy as np


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
        if _is_everybodys(value) or id(value) in seen:
            continue
        seen.add(id(value))
        total += sys.getsizeof(value)
        waiting.extend(_parts(value))
    return total


def _is_everybodys(value: object) -> bool:
    if isinstance(value, Enum | type):
        return True
    if isinstance(value, str):
        return len(value) < 2 and value < "\u0100"
    return value is None or (isinstance(value, int) and -5 <= value <= 256)


def _parts(value: object) -> Iterator[object]:
    if isinstance(value, tuple):
        yield from value
    elif isinstance(value, np.ndarray):
        if value.base is not None:
            yield value.base
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield getattr(value, field.name)
