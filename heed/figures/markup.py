"""SVG and HTML, element by element."""

from __future__ import annotations

import html
import unicodedata
from typing import Final

_UNPRINTABLE: Final = {"Cc", "Cs", "Cn"}
_KEPT: Final = {"\t", "\n"}

Attribute = str | float | bool | None


def element(name: str, /, *children: str, **attributes: Attribute) -> str:
    """An element as text.

    Args:
        name: The element's name.
        *children: What stands in it: markup, or text that went through `escaped`.
        **attributes: By name, with "_" for "-" and an "_" behind names that are Python's. None and
            False leave an attribute out, True writes it without a value.
    """
    written = "".join(_attribute(key, value) for key, value in attributes.items())
    return f"<{name}{written}>{''.join(children)}</{name}>"


def void_element(name: str, /, **attributes: Attribute) -> str:
    """An HTML element that never has an end, such as `meta`."""
    return f"<{name}{''.join(_attribute(key, value) for key, value in attributes.items())}>"


def escaped(text: str) -> str:
    """Text as it stands in markup; what markup cannot hold becomes U+FFFD."""
    return html.escape("".join(map(_allowed, text)))


def number(value: float) -> str:
    """A number as short as a picture needs it: at most two decimals."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def _attribute(key: str, value: Attribute) -> str:
    if value is None or value is False:
        return ""
    name = key.rstrip("_").replace("_", "-")
    if value is True:
        return f" {name}"
    return f' {name}="{escaped(value) if isinstance(value, str) else number(value)}"'


def _allowed(character: str) -> str:
    refused = character not in _KEPT and unicodedata.category(character) in _UNPRINTABLE
    return "\N{REPLACEMENT CHARACTER}" if refused else character
