"""Reads this project's docstrings for mkdocstrings.

It knows a section `Examples:`; here it is `Example:`, with a doctest or with plain code. Of a class
it expects no `Returns:`; here layers say with it what a call returns.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^( *)Example:\n((?:\1 +.*\n?|\n)+)", re.MULTILINE)
_RETURNS = re.compile(r"^Returns:$", re.MULTILINE)


class OwnSections(griffe.Extension):
    """Fences every example, and names what a layer's call returns."""

    def on_object(self, *, obj: griffe.Object, **_: Any) -> None:
        """Changes the docstring of an object."""
        if obj.docstring is None:
            return
        obj.docstring.value = fenced(obj.docstring.value)
        if obj.is_class:
            obj.docstring.value = _RETURNS.sub("Call returns:", obj.docstring.value)


def fenced(docstring: str) -> str:
    """A docstring whose examples are fenced code."""

    def fence(found: re.Match[str]) -> str:
        code = textwrap.dedent(found[2]).strip("\n")
        return textwrap.indent(f"**Example:**\n\n```python\n{code}\n```\n", found[1])

    return _EXAMPLE.sub(fence, docstring).rstrip("\n")
