"""`heed score`: how probable a given output is."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, Final

from heed.cli.answer_arguments import add_answer_arguments, answer_options_of, level_of
from heed.cli.arguments import (
    add_attention_arguments,
    add_gateway_arguments,
    add_model_arguments,
    make_parser,
    model_of,
    settle_attention,
)
from heed.cli.picture_arguments import add_picture_arguments, picture_look
from heed.cli.running import run_command

if TYPE_CHECKING:
    from heed.client import ScoreResult

_DESCRIPTION: Final = """\
Prints the natural logarithm of the probability that the model answers TEXT
with TARGET; on a terminal also that of every token, and where the model would
look."""

_EXAMPLES: Final = """\
  heed score attention "AH T EH N SH AH N"
  heed score attention "AH T EH N SH AH N" --json
  heed score attention "AH T EH N SH AH N" --attention attention.png"""


def main(argv: list[str]) -> int:
    """Runs `heed score` and returns the exit status."""
    parser = make_parser("score", description=_DESCRIPTION, examples=_EXAMPLES)
    parser.add_argument("text", metavar="TEXT", help="the source text")
    parser.add_argument("target", metavar="TARGET", help="the output to score")
    add_model_arguments(parser)
    add_attention_arguments(parser)
    add_picture_arguments(parser)
    add_answer_arguments(parser)
    add_gateway_arguments(parser)
    arguments = parser.parse_args(argv)
    settle_attention(parser, arguments, shows_map=sys.stdout.isatty())
    arguments.look = picture_look(parser, arguments)
    return run_command(_score, arguments)


def _score(arguments: argparse.Namespace) -> None:
    from heed.cli.attention_output import attention_output
    from heed.cli.connecting import client_for
    from heed.cli.documents import as_json_line, score_document
    from heed.cli.timings_output import TimingsReport

    output = attention_output(arguments.attention, heads=arguments.heads, look=arguments.look)
    with client_for(arguments) as client:
        result = client.with_answers(answer_options_of(arguments)).score(
            arguments.text,
            arguments.target,
            model=model_of(arguments),
            attention=level_of(arguments),
        )
    if arguments.json:
        print(as_json_line(score_document(result)))
    else:
        _print_score(result)
    output.write(1, result)
    output.close()
    if arguments.timings:
        report = TimingsReport()
        report.add(result.timings)
        sys.stdout.flush()
        report.print()


def _print_score(result: ScoreResult) -> None:
    from heed.views.labels import token_label

    alignment = [] if result.alignment is None else [result.alignment.pharaoh()]
    if not sys.stdout.isatty():
        print(f"{result.score:.6f}", *alignment, sep="\t")
        return
    print(f"{result.score:.6f}   (probability {math.exp(min(result.score, 0.0)):.3g})")
    print(*alignment, "", sep="\n")
    for token in result.tokens:
        if token.score is not None:
            print(f"  {token_label(token):>8}  {token.score:9.4f}")
