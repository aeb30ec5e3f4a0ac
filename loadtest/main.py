"""`heed loadtest`: how much a gateway carries."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Final

from heed.cli.arguments import Parser, make_parser
from loadtest.arrivals import PatternKind
from loadtest.errors import LoadTestError
from loadtest.kinds import Mix

_EXAMPLES: Final = """\
  heed loadtest search models/g2p-quick              the highest rate within the objectives
  heed loadtest run models/g2p-quick --rate 50       one load, and its report
  heed loadtest run --address HOST:50051 --rate 50   the same, of a gateway that runs already
  heed loadtest run models/g2p-quick --rate 50 --pattern soak --period-s 300 --seconds 3600
  heed loadtest ceiling                              what the load generator can send
  locust -f loadtest/locustfile.py --host HOST:50051 by hand, with a page, from many machines
"""
_OBJECTIVES: Final = Path(__file__).with_name("objectives.toml")
_DEFAULT_OUT: Final = Path("runs/loadtest")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs a command.

    Returns:
        0: the objectives are met; 1: they are not, or the test could not be made; 2: wrong
        arguments.
    """
    arguments = _parser().parse_args(argv)
    try:
        commands = import_module("loadtest.commands")
        status: int = getattr(commands, arguments.run)(arguments)
    except (LoadTestError, ValueError) as error:
        print(f"heed: error: {error}", file=sys.stderr)
        return 1
    return status


def _parser() -> Parser:
    parser = make_parser("loadtest", description=__doc__ or "", examples=_EXAMPLES)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (_add_search, _add_run, _add_ceiling):
        add(commands)
    usages = "\n".join(command.format_usage() for command in commands.choices.values())
    parser.epilog = f"{usages}\n{parser.epilog}"
    return parser


def _add_search(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "search",
        help="find the highest rate that meets the objectives",
        description="Starts a model server and a gateway, warms them up, searches for the highest "
        "rate that meets the objectives, and writes report.html and report.json. "
        "Exit status 0: they are met.",
    )
    parser.add_argument("model", type=_model_folder, metavar="MODELS/NAME", help="its folder")
    parser.add_argument("--searches", type=_positive_int, default=2, help="how often (2)")
    parser.add_argument(
        "--most-trials", type=_positive_int, default=14, help="rates tried in a search (14)"
    )
    parser.add_argument("--seconds", type=_seconds, default=8.0, help="of each rate (8)")
    parser.add_argument("--final-seconds", type=_seconds, default=30.0, help="of the result (30)")
    parser.add_argument("--warm-up-seconds", type=_seconds, default=8.0, help="before (8)")
    _add_load(parser)
    parser.set_defaults(run="run_search")


def _add_run(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "run",
        help="run one load",
        description="Runs one load, of a stack that it starts or of a gateway that runs already, "
        "and writes report.html and report.json.",
    )
    parser.add_argument(
        "model", type=_model_folder, nargs="?", metavar="MODELS/NAME", help="the model's folder"
    )
    parser.add_argument("--address", metavar="HOST:PORT", help="a gateway that runs already")
    parser.add_argument("--metrics-url", default="", help="its metrics, http://HOST:PORT/metrics")
    parser.add_argument("--rate", type=_seconds, required=True, help="requests a second")
    parser.add_argument("--seconds", type=_seconds, default=30.0, help="how long (30)")
    parser.add_argument(
        "--pattern",
        choices=[str(kind) for kind in PatternKind],
        default=str(PatternKind.STEADY),
        help="how the rate changes (steady)",
    )
    parser.add_argument(
        "--period-s", type=_seconds, default=10.0, help="of bursts, ramp and soak (10)"
    )
    _add_load(parser)
    parser.set_defaults(run="run_load_once")


def _add_ceiling(commands: argparse._SubParsersAction[Parser]) -> None:
    parser = commands.add_parser(
        "ceiling",
        help="what the load generator can send",
        description="Sends as much as it can to a server that answers at once.",
    )
    parser.add_argument("--seconds", type=_seconds, default=5.0, help="how long (5)")
    parser.set_defaults(run="run_ceiling")


def _add_load(parser: Parser) -> None:
    parser.add_argument(
        "--objectives",
        type=Path,
        default=_OBJECTIVES,
        metavar="FILE",
        help="what has to be met (loadtest/objectives.toml)",
    )
    parser.add_argument(
        "--mix",
        default="plain",
        type=_mix,
        help="kinds of requests and their weights, for example plain=8,attention=1,beam=1,"
        "stream=1,bulk=1 (plain)",
    )
    parser.add_argument("--texts", type=Path, metavar="FILE", help="texts to send, one a line")
    parser.add_argument("--seed", type=int, default=1, help="decides everything random (1)")
    parser.add_argument(
        "--load-flags", default="", help="more flags of loadtest/locustfile.py, in quotes"
    )
    parser.add_argument("--gateway-flags", default="", help="flags of the gateway, in quotes")
    parser.add_argument(
        "--out", type=Path, default=_DEFAULT_OUT, help=f"folder of the report ({_DEFAULT_OUT})"
    )


def _model_folder(text: str) -> Path:
    path = Path(text)
    if not any(each.name.isdecimal() for each in (path.iterdir() if path.is_dir() else ())):
        raise argparse.ArgumentTypeError(
            f"{text} holds no exported version; expected a folder MODELS/NAME, see `heed export`"
        )
    return path


def _mix(text: str) -> str:
    try:
        Mix.parse(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
    return text


def _seconds(text: str) -> float:
    value = float(text)
    if not (value > 0 and math.isfinite(value)):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value


def _positive_int(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is below 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
