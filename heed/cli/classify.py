"""`heed classify`: gives texts their labels."""

from __future__ import annotations

import argparse
import sys
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import (
    NO_ATTENTION,
    Parser,
    add_gateway_arguments,
    add_model_arguments,
    add_view_arguments,
    make_parser,
    model_of,
    positive_int,
    settle_view,
)
from heed.cli.picture_arguments import add_picture_arguments, picture_look
from heed.cli.running import run_command
from heed.cli.texts import (
    TextLine,
    add_texts_argument,
    placed,
    priority_of,
    settle_texts,
    text_chunks,
)

if TYPE_CHECKING:
    from heed.cli.painted_output import PaintedOutput
    from heed.client import AttentionLevel, ClassifyResult, Client

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

_CHARACTERS_PER_CALL: Final = 200_000


def main(argv: list[str]) -> int:
    """Runs `heed classify` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    return run_command(_classify, arguments)


def _parser() -> Parser:
    parser = make_parser("classify", description=_DESCRIPTION, examples=_EXAMPLES)
    add_texts_argument(parser, help_text="a text to classify")
    add_model_arguments(parser)
    parser.add_argument(
        "--top", metavar="N", type=positive_int, help="print the N most probable labels"
    )
    add_view_arguments(parser)
    parser.add_argument(
        "--attention-level",
        choices=("words", "pieces"),
        default="words",
        help="what is painted: words (default), or the tokens of the model",
    )
    add_picture_arguments(parser)
    add_gateway_arguments(parser)
    return parser


def _check(parser: Parser, arguments: argparse.Namespace) -> None:
    """Settles what the arguments leave open, and refuses what does not go together."""
    settle_texts(parser, arguments)
    settle_view(parser, arguments, on_terminal=bool(arguments.texts) and sys.stdout.isatty())
    arguments.look = picture_look(parser, arguments)


def _classify(arguments: argparse.Namespace) -> None:
    from heed.cli.connecting import client_for
    from heed.cli.painted_output import painted_output

    output = painted_output(arguments.attention, look=arguments.look)
    with client_for(arguments) as client:
        asking = client.with_priority(priority_of(arguments))
        try:
            for chunk in text_chunks(arguments, most_characters=_CHARACTERS_PER_CALL):
                _answer(asking, arguments, chunk=chunk, output=output)
        finally:
            output.close()


def _answer(
    client: Client,
    arguments: argparse.Namespace,
    *,
    chunk: list[TextLine],
    output: PaintedOutput,
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
        raise placed(error, asked, arguments) from error
    answers = {line.number: result for line, result in zip(asked, results, strict=True)}
    for line in chunk:
        result = answers.get(line.number)
        if result is None:
            print("null" if arguments.json else "", flush=True)
        else:
            _print_answer(result, arguments)
            output.write(line.number, result)


def _level(arguments: argparse.Namespace) -> AttentionLevel:
    from heed.client import AttentionLevel

    if arguments.attention == NO_ATTENTION:
        return AttentionLevel.NONE
    return AttentionLevel(arguments.attention_level)


def _print_answer(result: ClassifyResult, arguments: argparse.Namespace) -> None:
    from heed.cli.documents import as_json_line, classify_document
    from heed.figures.visible import one_line

    if arguments.json:
        print(as_json_line(classify_document(result, most=arguments.top)), flush=True)
    elif arguments.top is None:
        print(one_line(result.label), f"{result.probability:.3f}", sep="\t", flush=True)
    else:
        for place, each in enumerate(result.labels, start=1):
            print(place, f"{each.probability:.3f}", one_line(each.label), sep="\t", flush=True)
