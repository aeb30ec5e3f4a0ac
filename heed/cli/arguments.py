"""Arguments that several subcommands share."""

from __future__ import annotations

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING, Final, NoReturn

from heed.defaults import DEFAULT_ADDRESS, DEFAULT_TIMEOUT_S

if TYPE_CHECKING:
    from heed.client import ModelVersion

TERMINAL: Final = "terminal"
NO_ATTENTION: Final = "none"
JSON_ONLY: Final = "json"
API_KEY_VARIABLE: Final = "HEED_API_KEY"
FILE_ENDINGS: Final = (".png", ".svg", ".pdf", ".html", ".json")


class Parser(argparse.ArgumentParser):
    """A parser that reports errors as the rest of `heed` does."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f"heed: error: {message} (see `{self.prog} --help`)\n")


def make_parser(name: str, *, description: str, examples: str) -> Parser:
    """A parser for `heed NAME` whose help ends with examples."""
    return Parser(
        prog=f"heed {name}",
        description=description,
        epilog=f"examples:\n{examples}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def add_gateway_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--address`, `--timeout`, and what proves identities; see `heed.cli.connecting`."""
    parser.add_argument(
        "--address",
        metavar="HOST:PORT",
        type=gateway_address,
        default=DEFAULT_ADDRESS,
        help=f"where the gateway listens (default {DEFAULT_ADDRESS})",
    )
    parser.add_argument(
        "--timeout",
        metavar="S",
        type=seconds,
        default=DEFAULT_TIMEOUT_S,
        help=f"how long a call may take, in seconds (default {DEFAULT_TIMEOUT_S:g})",
    )
    _add_access_arguments(parser)


def _add_access_arguments(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("security")
    group.add_argument(
        "--tls",
        action="store_true",
        help="encrypt the connection, to a gateway whose certificate a public authority signed; "
        "the other --tls flags imply it",
    )
    group.add_argument(
        "--tls-ca",
        metavar="FILE",
        type=Path,
        help="certificates, PEM: the gateway must show one that these have signed",
    )
    group.add_argument(
        "--tls-cert", metavar="FILE", type=Path, help="your own certificate, PEM; needs --tls-key"
    )
    group.add_argument("--tls-key", metavar="FILE", type=Path, help="its private key, PEM")
    group.add_argument(
        "--api-key",
        metavar="KEY",
        help="your API key; others on this machine can see it here, so rather set "
        f"{API_KEY_VARIABLE} in the environment, or use --api-key-file",
    )
    group.add_argument(
        "--api-key-file", metavar="FILE", type=Path, help="a file that holds your API key"
    )


def add_model_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--model`, `--model-version` and `--model-label`; see `model_of`."""
    parser.add_argument(
        "--model", metavar="NAME", default="", help="which model (default: the only one)"
    )
    version = parser.add_mutually_exclusive_group()
    version.add_argument(
        "--model-version",
        metavar="V",
        type=positive_int,
        help="which version (default: the one that the gateway sends calls to)",
    )
    version.add_argument(
        "--model-label",
        metavar="LABEL",
        default="",
        help='the version with this label, for example "stable"',
    )


def model_of(arguments: argparse.Namespace) -> ModelVersion:
    """The model that the arguments of `add_model_arguments` name."""
    from heed.client import ModelVersion

    return ModelVersion(arguments.model, arguments.model_version, arguments.model_label)


def add_attention_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--attention`, `--attention-level`, `--heads` and `--json`."""
    add_view_arguments(parser)
    parser.add_argument(
        "--attention-level",
        choices=("pieces", "words"),
        default="pieces",
        help="what the rows and columns are: the tokens of the model (default), or words",
    )
    parser.add_argument(
        "--heads", action="store_true", help="show every decoder layer and head, not the average"
    )


def add_view_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--attention` and `--json`; see `settle_view`."""
    parser.add_argument(
        "--attention",
        metavar="WHERE",
        type=attention_view,
        help="where to show the attention: terminal (the default where TEXT is given and answers "
        "go to a terminal), none, or a file: FILE.png, FILE.svg, FILE.pdf, FILE.html (a page to "
        "explore it, which needs no server), FILE.json; with several texts the files are "
        "FILE-1.png, FILE-2.png, ...",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print each answer as a line of JSON, attention included unless --attention none",
    )


def settle_view(parser: Parser, arguments: argparse.Namespace, *, on_terminal: bool) -> None:
    """Gives `--attention` its default, and refuses what does not go together.

    Args:
        parser: Reports the error.
        arguments: What `add_view_arguments` added, parsed; its `attention` is a text after.
        on_terminal: Whether the default is the terminal.
    """
    if arguments.json and arguments.attention == TERMINAL:
        parser.error("--json and --attention terminal both want standard output")
    if arguments.attention is None:
        default = TERMINAL if on_terminal else NO_ATTENTION
        arguments.attention = JSON_ONLY if arguments.json else default


def settle_attention(parser: Parser, arguments: argparse.Namespace, *, shows_map: bool) -> None:
    """Gives `--attention` its default, and refuses what does not go together.

    Args:
        parser: Reports the error.
        arguments: What `add_attention_arguments` added, parsed; its `attention` is a text after.
        shows_map: Whether the default is a map in the terminal.
    """
    settle_view(parser, arguments, on_terminal=shows_map)
    if arguments.attention == NO_ATTENTION:
        if arguments.heads:
            parser.error("--heads shows nothing without --attention or --json")
        if arguments.attention_level != "pieces":
            parser.error("--attention-level shows nothing without --attention or --json")


def attention_view(text: str) -> str:
    """`terminal`, `none` or the name of a file of a known kind, for argparse."""
    if text in (TERMINAL, NO_ATTENTION):
        return text
    path = Path(text)
    if path.suffix.lower() not in FILE_ENDINGS:
        endings = ", ".join(FILE_ENDINGS)
        raise argparse.ArgumentTypeError(
            f"{text!r} is neither terminal, nor none, nor a file that ends with {endings}"
        )
    if not path.parent.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {str(path.parent)!r} to write into")
    return text


def gateway_address(text: str) -> str:
    """Where a gateway listens, for argparse."""
    if not text.strip():
        raise argparse.ArgumentTypeError(f"give HOST:PORT, for example {DEFAULT_ADDRESS}")
    return text


def positive_int(text: str) -> int:
    """An integer of 1 or more, for argparse."""
    return _int_from(text, 1)


def natural_int(text: str) -> int:
    """An integer of 0 or more, for argparse."""
    return _int_from(text, 0)


def seconds(text: str) -> float:
    """A time above 0 in seconds, for argparse."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _int_from(text: str, smallest: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = smallest - 1
    if value < smallest:
        raise argparse.ArgumentTypeError(f"{text!r} is not an integer of {smallest} or more")
    return value
