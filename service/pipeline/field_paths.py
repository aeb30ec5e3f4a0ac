"""The same rule under the names that another message has for its fields. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from service.errors import FieldViolation, InvalidRequestError

PATHS_OF_STREAM: Final = {"texts[0]": "text"}
"""From the fields of GenerateRequest to those of StreamGenerateRequest."""
PATHS_OF_MANY: Final = {
    "texts[0]": "input.text",
    "options": "config.options",
    "model": "config.model",
    "priority": "config.priority",
}
"""From the fields of GenerateRequest to those of GenerateManyRequest."""


def with_paths(error: InvalidRequestError, paths: Mapping[str, str]) -> InvalidRequestError:
    """The error with the beginnings of its fields' paths replaced.

    Args:
        error: What is wrong.
        paths: New beginnings by old ones; the first that fits counts.

    Example:
        >>> error = InvalidRequestError.of("texts[0]", "is empty")
        >>> with_paths(error, {"texts[0]": "input.text"}).violations[0].field
        'input.text'
    """
    return InvalidRequestError(
        [
            FieldViolation(_replaced(violation.field, paths), violation.description)
            for violation in error.violations
        ]
    )


def _replaced(field: str, paths: Mapping[str, str]) -> str:
    for old, new in paths.items():
        if field == old or field.startswith((f"{old}.", f"{old}[")):
            return new + field.removeprefix(old)
    return field
