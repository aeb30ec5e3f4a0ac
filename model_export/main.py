"""The subcommands that make models."""

from __future__ import annotations

import argparse
import os
import signal
import sys
from importlib import import_module
from typing import NoReturn, Protocol, cast

from heed.contract import ContractError
from heed.text import TokenizerError
from model_export.config import RecipeError
from model_export.errors import ModelExportError


class Command(Protocol):
    """What the module of a subcommand offers; it imports TensorFlow in `run` alone."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Describes the subcommand and its arguments to its parser."""

    def run(self, arguments: argparse.Namespace) -> int:
        """Does the work and returns the exit status."""


COMMANDS = {
    "train": ("model_export.training.command", "Train a model by a recipe"),
    "average": ("model_export.training.average_command", "Average the weights of a training"),
    "pairs": ("model_export.data.pairs_command", "Print pairs of texts for a word aligner"),
    "evaluate": ("model_export.evaluation.command", "Measure how good a trained model is"),
    "export": ("model_export.export.export_command", "Write a version that can be served"),
    "verify": ("model_export.export.verify_command", "Compare a version with its training run"),
}
"""Module and summary of each subcommand."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f"heed: error: {message} (see `{self.prog} --help`)\n")


def main(argv: list[str]) -> int:
    """Runs a subcommand.

    Args:
        argv: The subcommand and its arguments.

    Returns:
        The exit status: 0 if all went well, 1 for a failure, 2 for wrong arguments, 130 when
        interrupted.
    """
    if not argv or argv[0] not in COMMANDS:
        return _show_commands(argv)
    module_name, summary = COMMANDS[argv[0]]
    command = cast(Command, import_module(module_name))
    parser = _Parser(prog=f"heed {argv[0]}", description=f"{summary}.")
    command.add_arguments(parser)
    try:
        # Intermixed: key=value may stand before or behind options.
        arguments = parser.parse_intermixed_args(argv[1:])
    except SystemExit as exit_request:  # argparse has printed its help or its error
        return int(exit_request.code or 0)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own log is not for users
    try:
        return command.run(arguments)
    except RecipeError as error:
        return _fail(error, status=2)
    except (ModelExportError, ContractError, TokenizerError) as error:
        return _fail(error, status=1)
    except KeyboardInterrupt:
        print("heed: interrupted", file=sys.stderr)
        return 128 + signal.SIGINT


def _show_commands(argv: list[str]) -> int:
    """Help, or an error, for arguments that begin with no subcommand."""
    parser = argparse.ArgumentParser(
        prog="heed", description="Train, average, evaluate, export and verify attention models."
    )
    subparsers = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, (_, summary) in COMMANDS.items():
        subparsers.add_parser(name, help=summary)
    try:
        parser.parse_args(argv)
    except SystemExit as exit_request:
        return int(exit_request.code or 0)
    return 2


def _fail(error: Exception, *, status: int) -> int:
    print(f"heed: error: {error}", file=sys.stderr)
    return status
