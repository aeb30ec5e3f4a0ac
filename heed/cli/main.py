"""The command `heed`: finds the subcommand and loads nothing else."""

from __future__ import annotations

import difflib
import errno
import io
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Final, cast

import heed
from heed.cli.commands import COMMANDS, GROUPS, Command

_USAGE: Final = "usage: heed COMMAND [ARGUMENTS ...]"
_EXAMPLES: Final = """\
examples:
  heed train g2p-quick                  learn to pronounce English words
  heed serve --models-dir models        serve what was exported
  heed generate attention               ask, and see the attention
  heed COMMAND --help                   everything about one command
"""
_OUR_PACKAGES: Final = {"heed", "loadtest", "model_export", "model_server", "service"}
_FULL: Final = {errno.EDQUOT, errno.EFBIG, errno.ENOSPC}
_INTERRUPTED: Final = 130
_BROKEN_PIPE: Final = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Runs `heed`.

    Args:
        argv: The arguments, the program's name left out. None: those of the process.

    Returns:
        The exit status: 0 for success, 1 for a failure, 2 for wrong arguments, 130 if the user
        interrupted it, 141 if whoever read the output went away.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")  # errors are told in our own words
    _open_closed_outputs()
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # an old terminal is no reason to fail
    try:
        status = _dispatch(arguments)
        sys.stdout.flush()
    except SystemExit as request:  # argparse has printed its help or its error
        return request.code if isinstance(request.code, int) else 0
    except KeyboardInterrupt:
        print("heed: interrupted", file=sys.stderr)
        return _INTERRUPTED
    except BrokenPipeError:
        _drop_output()
        return _BROKEN_PIPE
    except OSError as error:
        if error.errno not in _FULL:
            raise
        _drop_output()
        print(f"heed: error: cannot write to standard output: {error.strerror}", file=sys.stderr)
        return 1
    return status


def _open_closed_outputs() -> None:
    """Gives output that was closed before we began somewhere to go, as `>/dev/null` does."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115, PTH123


def _drop_output() -> None:
    """Throws away what cannot be written: Python would complain about it at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _dispatch(arguments: list[str]) -> int:
    if not arguments:
        print(_help(), file=sys.stderr, end="")
        return 2
    first, *rest = arguments
    if first in ("-h", "--help", "help"):
        if rest and rest[0] in COMMANDS:
            return _run(COMMANDS[rest[0]], ["--help"])
        print(_help(), end="")
        return 0
    if first in ("-V", "--version"):
        print(f"heed {heed.__version__}")
        return 0
    if first not in COMMANDS:
        print(f"heed: error: {_unknown(first)}", file=sys.stderr)
        return 2
    return _run(COMMANDS[first], rest)


def _run(command: Command, arguments: list[str]) -> int:
    argv = [command.name, *arguments] if command.passes_name else arguments
    try:
        return cast(int, import_module(command.module).main(argv))
    except ModuleNotFoundError as error:
        missing = (error.name or "").partition(".")[0]
        if not command.extra or missing in _OUR_PACKAGES:
            raise
        print(
            f"heed: error: `heed {command.name}` needs the package {missing}, which is not "
            f'installed: pip install "heed[{command.extra}]"',
            file=sys.stderr,
        )
        return 1


def _help() -> str:
    lines = [_USAGE, "", heed.__doc__.split("\n")[0] if heed.__doc__ else "", ""]
    for title, commands in GROUPS:
        lines.append(f"{title}:")
        lines.extend(f"  {command.name:14}{command.summary}" for command in commands)
        lines.append("")
    lines += ["options:", "  -h, --help    this help", "  -V, --version the version", ""]
    return "\n".join(lines) + "\n" + _EXAMPLES


def _unknown(name: str) -> str:
    kind = "option" if name.startswith("-") else "command"
    near = difflib.get_close_matches(name, COMMANDS, n=1)
    advice = f"did you mean `heed {near[0]}`?" if near else "see `heed --help`"
    return f"there is no {kind} {name!r}; {advice}"


if __name__ == "__main__":
    sys.exit(main())
