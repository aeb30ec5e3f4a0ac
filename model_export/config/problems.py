"""What is wrong with a recipe, in words."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_args

from pydantic import BaseModel
from pydantic_core import ErrorDetails

Location = tuple[int | str, ...]

_ENUM_MEMBER = re.compile(r"<\w+\.\w+: '(\w+)'>")
"""How pydantic writes the kinds of a union: <AttentionKind.BAHDANAU: 'bahdanau'>."""


def describe_problem(problem: ErrorDetails, section: type[BaseModel]) -> str:
    """One line about one wrong key or value.

    Args:
        problem: What pydantic found.
        section: The class of the whole value, in which the problem lies.
    """
    keys, section = _without_kinds(problem["loc"], section)
    path = ".".join(str(key) for key in keys) or "the recipe as a whole"
    if problem["type"] == "extra_forbidden":
        valid = sorted(section.model_fields)
        near = near_match(str(problem["loc"][-1]), valid)
        return f"{path}: unknown key{near}; keys here: {', '.join(valid)}"
    if problem["type"] == "missing":
        return f"{path}: missing"
    if problem["type"] == "union_tag_not_found":
        return f"{path}.kind: missing"
    if problem["type"] in {"enum", "union_tag_invalid"}:
        return f"{path}: {_choices(problem)}"
    message = problem["msg"].removeprefix("Value error, ")
    if problem["type"] == "value_error":
        return f"{path}: {message}"
    return f"{path}: {message}, not {problem['input']!r}"


def near_match(word: str, choices: Sequence[str]) -> str:
    """A question after the choice that looks like `word`; empty if none does."""
    near = difflib.get_close_matches(word, choices, n=1)
    return f' (did you mean "{near[0]}"?)' if near else ""


def _choices(problem: ErrorDetails) -> str:
    context = problem["ctx"]
    is_kind = problem["type"] == "union_tag_invalid"
    expected: str = context["expected_tags"] if is_kind else context["expected"]
    expected = _ENUM_MEMBER.sub(r"\1", expected)
    choices = expected.replace("'", "").replace(" or ", ", ").split(", ")
    value = str(context["tag"]) if is_kind else problem["input"]
    return (
        f"{value!r} is not a choice{near_match(str(value), choices)}; choices: {', '.join(choices)}"
    )


def _without_kinds(
    location: Location, section: type[BaseModel]
) -> tuple[list[int | str], type[BaseModel]]:
    """The keys of a location, and the section that the last of them lies in.

    Where a section is one of several kinds, pydantic puts the kind into the location.
    """
    keys: list[int | str] = []
    parts = list(location)
    while parts:
        keys.append(parts.pop(0))
        field = section.model_fields.get(str(keys[-1]))
        sections = list(_sections(field.annotation)) if field is not None and parts else []
        if len(sections) > 1:
            kind = str(parts.pop(0))
            sections = [item for item in sections if _kind(item) == kind]
        if sections and parts:
            (section,) = sections
        elif not sections and parts:
            return [*keys, *parts], section
    return keys, section


def _sections(annotation: Any) -> Iterator[type[BaseModel]]:
    """The classes of settings in an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    else:
        for argument in get_args(annotation):
            yield from _sections(argument)


def _kind(section: type[BaseModel]) -> str:
    return str(section.model_fields["kind"].default)
