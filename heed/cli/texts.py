"""Texts as commands take them: arguments, or lines of standard input."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import Parser

if TYPE_CHECKING:
    from heed.client import HeedError, Priority

_TEXTS_PER_CALL: Final = 64
_TEXT_FIELD: Final = re.compile(r"^texts\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class TextLine:
    """A text, and its place among the texts or lines, from 1."""

    number: int
    text: str

    @property
    def is_blank(self) -> bool:
        """Whether it holds nothing but white space."""
        return not self.text.strip()


def add_texts_argument(parser: argparse.ArgumentParser, *, help_text: str) -> None:
    """Adds TEXT, any number of times; see `settle_texts`."""
    parser.add_argument("texts", nargs="*", metavar="TEXT", help=help_text)


def settle_texts(parser: Parser, arguments: argparse.Namespace) -> None:
    """Leaves `texts` empty where they come from standard input, and checks that there is one."""
    if arguments.texts in ([], ["-"]):
        arguments.texts = []
        if sys.stdin is None:
            parser.error("give a TEXT: standard input is closed")


def invite_lines(what: str = "one text per line") -> None:
    """Tells whoever sits at the terminal what standard input takes."""
    if sys.stdin.isatty():
        print(f"heed: {what}; end with Ctrl-D", file=sys.stderr)


def priority_of(arguments: argparse.Namespace) -> Priority:
    """Interactive where somebody waits for the answers, bulk where texts come from a file."""
    from heed.client import Priority

    somebody_waits = arguments.texts or sys.stdin.isatty()
    return Priority.INTERACTIVE if somebody_waits else Priority.BULK


def text_chunks(arguments: argparse.Namespace, *, most_characters: int) -> Iterator[list[TextLine]]:
    """Texts that fit into one call together, and no further than a pause of the input.

    Args:
        arguments: What `add_texts_argument` added, settled.
        most_characters: The most characters of a call; a longer text goes alone.
    """
    chunk: list[TextLine] = []
    for line in _lines(arguments):
        size = sum(len(each.text) for each in chunk) + (len(line.text) if line else 0)
        is_full = len(chunk) == _TEXTS_PER_CALL or size > most_characters
        if chunk and (is_full or line is None):
            yield chunk
            chunk = []
        if line is not None:
            chunk.append(line)
    if chunk:
        yield chunk


def placed(error: HeedError, asked: list[TextLine], arguments: argparse.Namespace) -> HeedError:
    """The error with the place of the text at fault before its message, if one is at fault."""
    kind = "text" if arguments.texts else "line"
    for violation in error.field_violations:
        field = _TEXT_FIELD.match(violation.field)
        if field is not None:
            number = asked[int(field[1])].number
            return type(error)(f"{kind} {number}: {violation.description}", error.details)
    return error


def _lines(arguments: argparse.Namespace) -> Iterator[TextLine | None]:
    """The texts, or the lines of standard input; None where the input pauses.

    Bytes that are not UTF-8 become lone surrogates, which the client refuses by name.
    """
    if arguments.texts:
        yield from (TextLine(number, text) for number, text in enumerate(arguments.texts, start=1))
        return
    from heed.cli.lines import lines_at_hand

    invite_lines()
    number = 0
    for line in lines_at_hand(sys.stdin.fileno()):
        if isinstance(line, bytes):
            number += 1
            encoding = "utf-8-sig" if number == 1 else "utf-8"
            yield TextLine(number, line.decode(encoding, "surrogateescape").rstrip("\r\n"))
        else:
            yield None
