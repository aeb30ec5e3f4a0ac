"""The subcommands train, evaluate, export and verify."""

from __future__ import annotations

import argparse
import os
import sys
from importlib import import_module
from typing import Protocol, cast

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
    "train": ("model_export.training.command", "train a model by a recipe"),
    "evaluate": ("model_export.evaluation.command", "measure how good a trained model is"),
    "export": ("model_export.export.export_command", "write a version that can be served"),
    "verify": ("model_export.export.verify_command", "compare a version with its training run"),
}
"""Module and summary of each subcommand."""


def main(argv: list[str]) -> int:
    """Runs a subcommand.

    Args:
        argv: The subcommand and its arguments.

    Returns:
        The exit status: 0 if all went well, 1 for a failure, 2 for wrong arguments.
    """
    parser = argparse.ArgumentParser(
        prog="heed", description="Train, evaluate, export and verify attention models."
    )
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    # Only the module of the subcommand that runs is loaded.
    for name, (module_name, summary) in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary + ".")
        if argv[:1] == [name]:
            command = cast(Command, import_module(module_name))
            command.add_arguments(subparser)
    try:
        arguments = parser.parse_args(argv)
    except SystemExit as exit_request:  # argparse has printed its help or its error
        return int(exit_request.code or 0)
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")  # TensorFlow's own log is not for users
    try:
        return command.run(arguments)
    except RecipeError as error:
        return _fail(error, status=2)
    except (ModelExportError, ContractError, TokenizerError) as error:
        return _fail(error, status=1)


def _fail(error: Exception, *, status: int) -> int:
    print(f"heed: error: {error}", file=sys.stderr)
    return status
