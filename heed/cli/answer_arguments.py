"""Arguments that say what answers tell beside their texts."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import NO_ATTENTION

if TYPE_CHECKING:
    from heed.client import AnswerOptions, AttentionLevel

WORDS: Final = "words"


def add_answer_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--alignments` and `--timings`."""
    parser.add_argument(
        "--alignments",
        action="store_true",
        help="print behind each output, after a tab, which word of the text each of its words "
        "comes from, as pairs of places counted from 0: 0-0 2-1",
    )
    parser.add_argument(
        "--timings",
        action="store_true",
        help="tell at the end, on standard error, where the time went",
    )


def answer_options_of(arguments: argparse.Namespace) -> AnswerOptions:
    """What answers are to tell."""
    from heed.client import AnswerOptions

    return AnswerOptions(
        alignments=arguments.alignments,
        heads_of_words=arguments.heads and arguments.attention_level == WORDS,
    )


def level_of(arguments: argparse.Namespace) -> AttentionLevel:
    """How much attention answers are to carry."""
    from heed.client import AttentionLevel

    if arguments.attention == NO_ATTENTION:
        return AttentionLevel.NONE
    return AttentionLevel.HEADS if arguments.heads else AttentionLevel(arguments.attention_level)
