"""`heed tokenize`: how a model splits texts."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import (
    Parser,
    add_gateway_arguments,
    add_model_arguments,
    make_parser,
    model_of,
)
from heed.cli.running import run_command
from heed.cli.texts import add_texts_argument, placed, settle_texts, text_chunks

if TYPE_CHECKING:
    from heed.client import Client, TokenizedText

_DESCRIPTION: Final = """\
Shows how a model splits each TEXT into tokens: their ids, the vocabulary's
names for them, and which characters they stand for. The model itself is not
asked, so a text may be longer than it takes.

Without TEXT, or with "-", texts are read from standard input, one per line."""

_EXAMPLES: Final = """\
  heed tokenize attention
  heed tokenize --target "AH T EH N SH AH N"
  heed tokenize --json < words.txt | jq .token_count"""

_CHARACTERS_PER_CALL: Final = 10_000
_HEADINGS: Final = ("id", "piece", "text", "begin", "end", "kind")


def main(argv: list[str]) -> int:
    """Runs `heed tokenize` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    settle_texts(parser, arguments)
    return run_command(_tokenize, arguments)


def _parser() -> Parser:
    parser = make_parser("tokenize", description=_DESCRIPTION, examples=_EXAMPLES)
    add_texts_argument(parser, help_text="a text to split")
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

    with client_for(arguments) as client:
        for place, tokenized in enumerate(_answers(client, arguments)):
            if arguments.json:
                print(as_json_line(tokenized_document(tokenized)), flush=True)
            else:
                print(*([""] if place else []), *table_of(tokenized), sep="\n", flush=True)


def _answers(client: Client, arguments: argparse.Namespace) -> Iterator[TokenizedText]:
    from heed.client import HeedError, TextSide

    side = TextSide.TARGET if arguments.target else TextSide.SOURCE
    for chunk in text_chunks(arguments, most_characters=_CHARACTERS_PER_CALL):
        texts = [line.text for line in chunk]
        try:
            yield from client.tokenize(texts, model=model_of(arguments), side=side)
        except HeedError as error:
            raise placed(error, chunk, arguments) from error


def table_of(tokenized: TokenizedText) -> list[str]:
    """The tokens of a text as a table, and whether the model takes the text.

    Args:
        tokenized: A text in tokens.
    """
    from rich.cells import cell_len

    from heed.figures.visible import visible

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
