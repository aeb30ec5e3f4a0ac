"""How urgent a call is."""

from __future__ import annotations

from enum import StrEnum


class Priority(StrEnum):
    """How urgent a call is when the gateway has more work than its models can do at once."""

    INTERACTIVE = "interactive"
    """Somebody waits for the answer."""
    BULK = "bulk"
    """Nobody does: interactive calls go first, and a busy gateway refuses bulk calls earlier."""


def priority_of(value: Priority | str) -> Priority:
    """The priority.

    Raises:
        ValueError: There is no such priority; the message lists them.
    """
    try:
        return Priority(value)
    except ValueError as error:
        choices = ", ".join(f'"{choice}"' for choice in Priority)
        raise ValueError(f"priority is {value!r}; it must be one of {choices}") from error
