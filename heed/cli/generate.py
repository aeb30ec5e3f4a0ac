"""`heed generate`: answers texts."""

from __future__ import annotations

import argparse
import dataclasses
import os
import stat
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Final

from heed.cli.answer_arguments import add_answer_arguments, answer_options_of, level_of
from heed.cli.arguments import (
    Parser,
    add_attention_arguments,
    add_gateway_arguments,
    add_model_arguments,
    make_parser,
    model_of,
    natural_int,
    positive_int,
    settle_attention,
)
from heed.cli.growing import add_stream_arguments, grown_results, settle_stream, whole_input
from heed.cli.picture_arguments import add_picture_arguments, picture_look
from heed.cli.running import run_command
from heed.cli.search_arguments import (
    add_search_arguments,
    check_search,
    prints_several,
    search_of,
)
from heed.cli.texts import add_texts_argument, invite_lines, priority_of, settle_texts

if TYPE_CHECKING:
    from heed.cli.attention_output import AttentionOutput
    from heed.cli.lines import NumberedLines
    from heed.client import AnswerOptions, Client, GenerateResult, Hypothesis, Pause

_DESCRIPTION: Final = """\
Answers each TEXT and shows where the model looked.

Without TEXT, or with "-", texts are read from standard input, one per line,
and answered in order while they are read: every line gets one line. A blank
line gets an empty line (null with --json) and is not sent. A line that cannot
be answered ends the work with an error that names it, after the answers before
it.

With --stream each text is split into sentences, and every sentence gets a line
as soon as it is answered.

With --num-hypotheses or --num-samples every text gets a line for each output:
its place, its score and its text, separated by tabs. The attention shown is the
first one's.
With --alignments the words' origins stand behind each output, after a tab."""

_EXAMPLES: Final = """\
  heed generate attention
  heed generate attention chicago --attention words.png
  heed generate attention --attention attention.html --heads
  heed generate < words.txt > pronunciations.txt
  heed generate --json attention | jq .score
  heed generate attention --beam-width 8 --num-hypotheses 3
  heed generate attention --sample --temperature 0.7 --seed 1
  heed generate attention --num-samples 5 --top-p 0.9
  heed generate "two words" --alignments --attention-level words
  heed generate --stream < letter.txt
  heed generate -- -s-"""


def main(argv: list[str]) -> int:
    """Runs `heed generate` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    _check(parser, arguments)
    return run_command(_generate, arguments)


def _parser() -> Parser:
    parser = make_parser("generate", description=_DESCRIPTION, examples=_EXAMPLES)
    add_texts_argument(parser, help_text="a text to answer")
    add_model_arguments(parser)
    parser.add_argument(
        "--max-length",
        metavar="N",
        type=positive_int,
        help="the most tokens of an output, the end token counted (default: the model's longest)",
    )
    parser.add_argument(
        "--min-length",
        metavar="N",
        type=natural_int,
        help="the fewest tokens of an output before it may end (default: 0)",
    )
    parser.add_argument(
        "--prefix", metavar="P", default="", help="text that every output begins with"
    )
    parser.add_argument(
        "--replace-unknown",
        action="store_true",
        help="write the word of TEXT that was looked at most in the place of a word that the "
        "model does not know",
    )
    add_search_arguments(parser)
    add_attention_arguments(parser)
    add_picture_arguments(parser)
    add_answer_arguments(parser)
    add_stream_arguments(parser)
    add_gateway_arguments(parser)
    return parser


def _check(parser: Parser, arguments: argparse.Namespace) -> None:
    """Settles what the arguments leave open, and refuses what does not go together."""
    check_search(parser, arguments)
    settle_stream(parser, arguments)
    settle_texts(parser, arguments)
    shows_map = bool(arguments.texts) and not arguments.stream and sys.stdout.isatty()
    settle_attention(parser, arguments, shows_map=shows_map)
    arguments.look = picture_look(parser, arguments)


def _generate(arguments: argparse.Namespace) -> None:
    from heed.cli.attention_output import attention_output
    from heed.cli.connecting import client_for

    output = attention_output(arguments.attention, heads=arguments.heads, look=arguments.look)
    if not arguments.texts:
        invite_lines("one text" if arguments.stream else "one text per line")
    if arguments.stream and not arguments.texts:
        arguments.texts = [whole_input()]
    answer = _answer_texts if arguments.texts else _answer_lines
    with client_for(arguments) as client:
        try:
            answer(client, arguments, output)
        finally:
            output.close()


def _answer_texts(client: Client, arguments: argparse.Namespace, output: AttentionOutput) -> None:
    from heed.client import HeedError

    try:
        for number, result in enumerate(_answers(client, arguments, arguments.texts), start=1):
            _print_answer(result, arguments)
            output.write(number, result)
    except HeedError as error:
        raise _placed(error, "text", (error.text_index or 0) + 1) from error


def _answer_lines(client: Client, arguments: argparse.Namespace, output: AttentionOutput) -> None:
    from heed.cli.lines import LongLineError, NumberedLines, lines_at_hand
    from heed.cli.progress import BulkProgress
    from heed.client import HeedError

    lines = NumberedLines(lines_at_hand(sys.stdin.fileno()))
    blanks = _Blanks(arguments)
    bar = sys.stderr.isatty() and not sys.stdout.isatty()
    with BulkProgress(_size_of_input(), bar=bar) as progress:
        try:
            for result in _answers(client, arguments, blanks.between(lines)):
                number = lines.settle()
                blanks.fill(number - 1)
                _print_answer(result, arguments)
                blanks.count_answer()
                output.write(number, result)
                progress.advance(lines.byte_count)
        except LongLineError as error:
            raise HeedError(f"line {lines.line_count + 1}: {error}", error.details) from error
        except HeedError as error:
            number = lines.next_line_number or lines.line_count
            blanks.fill(number - 1)
            raise _placed(error, "line", number) from error
    blanks.fill(lines.line_count)


class _Blanks:
    """Prints an empty line for every blank line of the input, in its place."""

    def __init__(self, arguments: argparse.Namespace) -> None:
        self._blank = "null" if arguments.json else ""
        self._printed_count = 0

    def fill(self, line_count: int) -> None:
        """Prints blanks until so many lines stand in the output."""
        for _ in range(line_count - self._printed_count):
            print(self._blank, flush=True)
        self._printed_count = max(line_count, self._printed_count)

    def count_answer(self) -> None:
        """Notes that the next line was printed by somebody else."""
        self._printed_count += 1

    def between(self, lines: NumberedLines) -> Iterator[str | Pause]:
        """The texts of the lines; blanks at the end are printed before a wait for more lines."""
        for text in lines.texts():
            yield text
            if not isinstance(text, str):  # everything that was read has been answered by now
                self.fill(lines.line_count)


def _answers(
    client: Client, arguments: argparse.Namespace, texts: Iterable[str | Pause]
) -> Iterator[GenerateResult]:
    asking = client.with_search(search_of(arguments)).with_answers(_answer_options(arguments))
    asking = asking.with_priority(priority_of(arguments))
    options = {
        "model": model_of(arguments),
        "attention": level_of(arguments),
        "max_length": arguments.max_length,
        "min_length": arguments.min_length,
        "prefix": arguments.prefix,
    }
    if arguments.stream:
        chunk = arguments.chunk_tokens
        results = grown_results(
            asking.stream_generate(text, split_sentences=True, chunk_tokens=chunk, **options)
            for text in arguments.texts
        )
    else:
        results = asking.generate_many(texts, **options)
    return _timed(results) if arguments.timings else results


def _answer_options(arguments: argparse.Namespace) -> AnswerOptions:
    options = answer_options_of(arguments)
    return dataclasses.replace(options, replace_unknown=arguments.replace_unknown)


def _timed(results: Iterator[GenerateResult]) -> Iterator[GenerateResult]:
    """Passes results on, and tells at the end where their time went."""
    from heed.cli.timings_output import TimingsReport

    report = TimingsReport()
    try:
        for result in results:
            report.add(result.timings)
            yield result
    finally:
        sys.stdout.flush()
        report.print()


def _print_answer(result: GenerateResult, arguments: argparse.Namespace) -> None:
    from heed.cli.documents import as_json_line, generate_document

    if arguments.json:
        print(as_json_line(generate_document(result)), flush=True)
    elif not prints_several(arguments):
        print(*_columns(result.best), sep="\t", flush=True)
    else:
        for place, hypothesis in enumerate(result.hypotheses, start=1):
            print(place, f"{hypothesis.score:.3f}", *_columns(hypothesis), sep="\t")
        sys.stdout.flush()


def _columns(hypothesis: Hypothesis) -> list[str]:
    """The output's text, and its alignment if there is one."""
    from heed.figures.visible import one_line

    alignment = hypothesis.alignment
    return [one_line(hypothesis.text), *([] if alignment is None else [alignment.pharaoh()])]


def _placed(error: Exception, kind: str, number: int) -> Exception:
    """The error with the place of the text at fault before its message, if one is at fault."""
    from heed.client import HeedError

    if not isinstance(error, HeedError) or error.text_index is None:
        return error
    reasons = "; ".join(violation.description for violation in error.field_violations)
    return type(error)(f"{kind} {number}: {reasons or error}", error.details)


def _size_of_input() -> int | None:
    """The bytes of standard input, if it is a file."""
    status = os.fstat(sys.stdin.fileno())
    return status.st_size if stat.S_ISREG(status.st_mode) else None
