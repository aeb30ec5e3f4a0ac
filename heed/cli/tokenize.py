"""`heed tokenize`: how a model splits texts."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import (
    Parser,
    add_gateway_arguments,
    add_model_arguments,
    make_parser,
    model_of,
)

if TYPE_CHECKING:
    from heed.client import Client, Pause, TokenizedText

_DESCRIPTION: Final = """\
Shows how a model splits each TEXT into tokens: their ids, the vocabulary's
names for them, and which characters they stand for. The model itself is not
asked, so a text may be longer than it takes.

Without TEXT, or with "-", texts are read from standard input, one per line."""

_EXAMPLES: Final = """\
  heed tokenize attention
  heed tokenize --target "AH T EH N SH AH N"
  heed tokenize --json < words.txt | jq .token_count"""

_TEXTS_PER_CALL: Final = 64
_CHARACTERS_PER_CALL: Final = 10_000
_HEADINGS: Final = ("id", "piece", "text", "begin", "end", "kind")


def main(argv: list[str]) -> int:
    """Runs `heed tokenize` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    if arguments.texts in ([], ["-"]) and sys.stdin is None:
        parser.error("give a TEXT: standard input is closed")

    from heed.client import HeedError

    try:
        _tokenize(arguments)
    except HeedError as error:
        sys.stdout.flush()
        print(f"heed: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> Parser:
    parser = make_parser("tokenize", description=_DESCRIPTION, examples=_EXAMPLES)
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text to split")
    add_model_arguments(parser)
    parser.add_argument(
        "--target",
        action="store_true",
        help="split as what the model writes, not as what it reads",
    )
    parser.add_argument("--json", action="store_true", help="print each text as a line of JSON")
    add_gateway_arguments(parser)
    return parser


def _tokenize(arguments: argparse.Namespace) -> None:
    from heed.cli.connecting import client_for
    from heed.cli.documents import as_json_line, tokenized_document

    texts = _lines() if arguments.texts in ([], ["-"]) else arguments.texts
    with client_for(arguments) as client:
        for place, tokenized in enumerate(_answers(client, arguments, texts)):
            if arguments.json:
                print(as_json_line(tokenized_document(tokenized)), flush=True)
            else:
                print(*([""] if place else []), *table_of(tokenized), sep="\n", flush=True)


def _answers(
    client: Client, arguments: argparse.Namespace, texts: Iterable[str | Pause]
) -> Iterator[TokenizedText]:
    from heed.client import TextSide

    side = TextSide.TARGET if arguments.target else TextSide.SOURCE
    for chunk in _chunks(texts):
        yield from client.tokenize(chunk, model=model_of(arguments), side=side)


def _chunks(texts: Iterable[str | Pause]) -> Iterator[list[str]]:
    """Texts that fit into one call together, and no further than a pause; a long one goes alone."""
    chunk: list[str] = []
    for text in texts:
        size = len(text) if isinstance(text, str) else 0
        is_full = len(chunk) == _TEXTS_PER_CALL
        is_full |= sum(map(len, chunk)) + size > _CHARACTERS_PER_CALL
        if chunk and (is_full or not isinstance(text, str)):
            yield chunk
            chunk = []
        if isinstance(text, str):
            chunk.append(text)
    if chunk:
        yield chunk


def _lines() -> Iterator[str | Pause]:
    """The lines of standard input; bytes that are no UTF-8 are refused by the client, by name."""
    from heed.cli.lines import lines_at_hand

    if sys.stdin.isatty():
        print("heed: one text per line; end with Ctrl-D", file=sys.stderr)
    for line in lines_at_hand(sys.stdin.fileno()):
        if isinstance(line, bytes):
            yield line.decode("utf-8", "surrogateescape").rstrip("\r\n")
        else:
            yield line


def table_of(tokenized: TokenizedText) -> list[str]:
    """The tokens of a text as a table, and whether the model takes the text.

    Args:
        tokenized: A text in tokens.
    """
    from rich.cells import cell_len

    from heed.views.labels import visible

    rows = [_HEADINGS] + [
        (
            str(token.id),
            visible(piece),
            visible(token.text),
            str(token.begin),
            str(token.end),
            str(token.kind),
        )
        for token, piece in zip(tokenized.tokens, tokenized.pieces, strict=True)
    ]
    widths = [max(cell_len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
    lines = [
        "  ".join(
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        for row in rows
    ]
    return [*(line.rstrip() for line in lines), _summary(tokenized)]


def _summary(tokenized: TokenizedText) -> str:
    count, most = len(tokenized.tokens), tokenized.max_token_count
    what = "1 token" if count == 1 else f"{count} tokens"
    if tokenized.fits:
        return f"{what} of at most {most}"
    if count == 0:
        return f"{what}: the model takes 1 to {most}"
    return f"{what}: more than the {most} that the model takes"
