"""Arguments that say how outputs are searched for."""

from __future__ import annotations

import argparse
import math
from typing import TYPE_CHECKING, Any, Final

from heed.cli.arguments import Parser, natural_int, positive_int

if TYPE_CHECKING:
    from heed.client import BeamSearch, Sampling

_BEAM_OPTIONS: Final = (
    "num_hypotheses",
    "length_penalty",
    "coverage_penalty",
    "no_repeat_ngram_size",
)
_SAMPLING_OPTIONS: Final = ("temperature", "top_k", "top_p", "seed", "num_samples")


def add_search_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the options of beam search and of sampling."""
    _add_beam_arguments(parser)
    _add_sampling_arguments(parser)


def _add_beam_arguments(parser: argparse.ArgumentParser) -> None:
    beam = parser.add_argument_group("beam search (without it: the most probable tokens)")
    beam.add_argument(
        "--beam-width", metavar="K", type=positive_int, help="how many hypotheses to follow"
    )
    beam.add_argument(
        "--num-hypotheses",
        metavar="N",
        type=positive_int,
        help="print the N best, numbered, each with its score (default: 1)",
    )
    beam.add_argument(
        "--length-penalty",
        metavar="A",
        type=number,
        help="prefer longer outputs: 0 (default, not at all) to 10; 0.6 to 1 is common",
    )
    beam.add_argument(
        "--coverage-penalty",
        metavar="B",
        type=number,
        help="prefer outputs that look at all of the text: 0 (default, not at all) to 10",
    )
    beam.add_argument(
        "--no-repeat-ngram",
        metavar="N",
        dest="no_repeat_ngram_size",
        type=natural_int,
        help="never write the same N tokens in a row twice (default: 0, they may come again)",
    )


def _add_sampling_arguments(parser: argparse.ArgumentParser) -> None:
    sampling = parser.add_argument_group("sampling (any of these draws tokens at random)")
    sampling.add_argument(
        "--sample", action="store_true", help="draw each token as probably as the model says"
    )
    sampling.add_argument(
        "--temperature",
        metavar="T",
        type=number,
        help="below 1 prefers probable tokens more, above 1 less: 0.01 to 100 (default: 1)",
    )
    sampling.add_argument(
        "--top-k",
        metavar="K",
        type=natural_int,
        help="draw from the K most probable tokens (default: 0, from all)",
    )
    sampling.add_argument(
        "--top-p",
        metavar="P",
        type=number,
        help="draw from the fewest tokens that together have this probability (default: 1, all)",
    )
    sampling.add_argument(
        "--seed",
        metavar="S",
        type=int,
        help="the same number gives the same output (default: another at each call)",
    )
    sampling.add_argument(
        "--num-samples",
        metavar="N",
        type=positive_int,
        help="draw N outputs of each text and print them numbered, each with its score: "
        "1 (default) to 32",
    )


def check_search(parser: Parser, arguments: argparse.Namespace) -> None:
    """Refuses options that do not go together."""
    beam, sampling = _given(arguments, _BEAM_OPTIONS), _given(arguments, _SAMPLING_OPTIONS)
    if arguments.beam_width is None:
        for name in beam:
            parser.error(f"{_flag(name)} needs --beam-width")
    elif arguments.sample or sampling:
        flag = "--sample" if arguments.sample else _flag(next(iter(sampling)))
        parser.error(f"{flag} and --beam-width contradict each other: draw tokens, or search")
    elif (arguments.num_hypotheses or 1) > arguments.beam_width:
        parser.error(
            f"--num-hypotheses {arguments.num_hypotheses} is more than "
            f"--beam-width {arguments.beam_width}"
        )


def prints_several(arguments: argparse.Namespace) -> bool:
    """Whether each text gets several lines: one for every hypothesis or sample."""
    return max(arguments.num_hypotheses or 1, arguments.num_samples or 1) > 1


def search_of(arguments: argparse.Namespace) -> BeamSearch | Sampling | None:
    """The search asked for; None: the most probable tokens."""
    from heed.client import BeamSearch, Sampling

    if arguments.beam_width is not None:
        return BeamSearch(arguments.beam_width, **_given(arguments, _BEAM_OPTIONS))
    sampling = _given(arguments, _SAMPLING_OPTIONS)
    return Sampling(**sampling) if arguments.sample or sampling else None


def number(text: str) -> float:
    """A finite number, for argparse; the gateway knows the model's limits."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise argparse.ArgumentTypeError(f"{text!r} is not a number")
    return value


def _given(arguments: argparse.Namespace, names: tuple[str, ...]) -> dict[str, Any]:
    values = {name: getattr(arguments, name) for name in names}
    return {name: value for name, value in values.items() if value is not None}


def _flag(name: str) -> str:
    return "--" + name.removesuffix("_size").replace("_", "-")
