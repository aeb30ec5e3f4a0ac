"""`heed classify`: gives texts their labels."""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import (
    JSON_ONLY,
    NO_ATTENTION,
    TERMINAL,
    Parser,
    add_gateway_arguments,
    add_model_arguments,
    attention_view,
    make_parser,
    model_of,
    positive_int,
)

if TYPE_CHECKING:
    from heed.cli.painted_output import PaintedOutput
    from heed.client import AttentionLevel, ClassifyResult, Client, HeedError

_DESCRIPTION: Final = """\
Gives each TEXT its most probable label and that label's probability, separated
by a tab, and paints the words that the model looked at.

Without TEXT, or with "-", texts are read from standard input, one per line,
and answered in order while they are read: every line gets one line. A blank
line gets an empty line (null with --json) and is not sent.

With --top every text gets a line for each of its labels: place, probability
and label, separated by tabs."""

_EXAMPLES: Final = """\
  heed classify "is it windy in Boston right now?"
  heed classify "play the last track" --top 3 --attention words.png
  heed classify < questions.txt > labels.txt
  heed classify --json "play the last track" | jq .labels"""

_TEXT_FIELD: Final = re.compile(r"^texts\[(\d+)\]")
_TEXTS_PER_CALL: Final = 64
_CHARACTERS_PER_CALL: Final = 200_000


@dataclass(frozen=True, slots=True)
class _Line:
    """A text, and its place among the texts or lines, from 1."""

    number: int
    text: str

    @property
    def is_blank(self) -> bool:
        return not self.text.strip()


def main(argv: list[str]) -> int:
    """Runs `heed classify` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _check(parser, arguments)

    from heed.client import HeedError
    from heed.views.errors import PlotError

    try:
        _classify(arguments)
    except (HeedError, PlotError) as error:
        sys.stdout.flush()
        print(f"heed: error: {error}", file=sys.stderr)
        return 1
    return 0


def _parser() -> Parser:
    parser = make_parser("classify", description=_DESCRIPTION, examples=_EXAMPLES)
    parser.add_argument("texts", nargs="*", metavar="TEXT", help="a text to classify")
    add_model_arguments(parser)
    parser.add_argument(
        "--top", metavar="N", type=positive_int, help="print the N most probable labels"
    )
    parser.add_argument(
        "--attention",
        metavar="WHERE",
        type=attention_view,
        help="where to show what the model looked at: terminal (the default where TEXT is given "
        "and answers go to a terminal), none, or a file: FILE.png, FILE.svg, FILE.pdf, FILE.json; "
        "with several texts the files are FILE-1.png, FILE-2.png, ...",
    )
    parser.add_argument(
        "--attention-level",
        choices=("words", "pieces"),
        default="words",
        help="what is painted: words (default), or the tokens of the model",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print each answer as a line of JSON, attention included unless --attention none",
    )
    add_gateway_arguments(parser)
    return parser


def _check(parser: Parser, arguments: argparse.Namespace) -> None:
    """Settles what the arguments leave open, and refuses what does not go together."""
    from_input = arguments.texts in ([], ["-"])
    if from_input:
        arguments.texts = []
        if sys.stdin is None:
            parser.error("give a TEXT: standard input is closed")
    if arguments.json and arguments.attention == TERMINAL:
        parser.error("--json and --attention terminal both want standard output")
    if arguments.attention is None:
        paints = not from_input and sys.stdout.isatty()
        default = TERMINAL if paints else NO_ATTENTION
        arguments.attention = JSON_ONLY if arguments.json else default


def _classify(arguments: argparse.Namespace) -> None:
    from heed.cli.connecting import client_for
    from heed.cli.painted_output import painted_output
    from heed.client import Priority

    output = painted_output(arguments.attention)
    if not arguments.texts and sys.stdin.isatty():
        print("heed: one text per line; end with Ctrl-D", file=sys.stderr)
    somebody_waits = arguments.texts or sys.stdin.isatty()
    priority = Priority.INTERACTIVE if somebody_waits else Priority.BULK
    with client_for(arguments) as client:
        try:
            for chunk in _chunks(arguments):
                _answer(client.with_priority(priority), arguments, chunk, output)
        finally:
            output.close()


def _chunks(arguments: argparse.Namespace) -> Iterator[list[_Line]]:
    """Lines that fit into one call together, and no further than a pause of the input."""
    chunk: list[_Line] = []
    for line in _lines(arguments):
        is_full = len(chunk) == _TEXTS_PER_CALL
        is_full |= sum(len(each.text) for each in chunk) >= _CHARACTERS_PER_CALL
        if chunk and (is_full or line is None):
            yield chunk
            chunk = []
        if line is not None:
            chunk.append(line)
    if chunk:
        yield chunk


def _lines(arguments: argparse.Namespace) -> Iterator[_Line | None]:
    """The texts, or the lines of standard input; None where the input pauses."""
    if arguments.texts:
        yield from (_Line(number, text) for number, text in enumerate(arguments.texts, start=1))
        return
    from heed.cli.lines import lines_at_hand

    number = 0
    for line in lines_at_hand(sys.stdin.fileno()):
        if isinstance(line, bytes):
            number += 1
            encoding = "utf-8-sig" if number == 1 else "utf-8"
            yield _Line(number, line.decode(encoding, "surrogateescape").rstrip("\r\n"))
        else:
            yield None


def _answer(
    client: Client, arguments: argparse.Namespace, chunk: list[_Line], output: PaintedOutput
) -> None:
    from heed.client import HeedError

    asked = [line for line in chunk if arguments.texts or not line.is_blank]
    try:
        results = (
            client.classify(
                [line.text for line in asked],
                model=model_of(arguments),
                attention=_level(arguments),
                max_labels=None if arguments.json else arguments.top or 1,
            )
            if asked
            else []
        )
    except HeedError as error:
        raise _placed(error, asked, "text" if arguments.texts else "line") from error
    answers = {line.number: result for line, result in zip(asked, results, strict=True)}
    for line in chunk:
        result = answers.get(line.number)
        if result is None:
            print("null" if arguments.json else "", flush=True)
        else:
            _print_answer(result, arguments)
            output.write(line.number, result)


def _placed(error: HeedError, asked: list[_Line], kind: str) -> HeedError:
    """The error with the place of the text at fault before its message, if one is at fault."""
    for violation in error.field_violations:
        field = _TEXT_FIELD.match(violation.field)
        if field is not None:
            number = asked[int(field[1])].number
            return type(error)(f"{kind} {number}: {violation.description}", error.details)
    return error


def _level(arguments: argparse.Namespace) -> AttentionLevel:
    from heed.client import AttentionLevel

    if arguments.attention == NO_ATTENTION:
        return AttentionLevel.NONE
    return AttentionLevel(arguments.attention_level)


def _print_answer(result: ClassifyResult, arguments: argparse.Namespace) -> None:
    from heed.cli.documents import as_json_line, classify_document
    from heed.views.labels import one_line

    if arguments.json:
        print(as_json_line(classify_document(result, most=arguments.top)), flush=True)
    elif arguments.top is None:
        print(one_line(result.label), f"{result.probability:.3f}", sep="\t", flush=True)
    else:
        for place, each in enumerate(result.labels, start=1):
            print(place, f"{each.probability:.3f}", one_line(each.label), sep="\t", flush=True)
