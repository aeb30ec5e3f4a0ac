"""The reference of all commands and their flags, from what `heed COMMAND --help` prints."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from heed.cli.commands import COMMANDS, GROUPS, Command

WIDTH: Final = 96
"""Columns of the help."""


def commands_reference() -> str:
    """Every command as Markdown."""
    with ThreadPoolExecutor() as pool:
        helps = dict(zip(COMMANDS, pool.map(_help, COMMANDS.values()), strict=True))
    parts = []
    for title, commands in GROUPS:
        parts.append(f"\n## To {title}\n")
        for command in commands:
            extra = f" Needs `heed[{command.extra}]`." if command.extra else ""
            summary = command.summary[0].upper() + command.summary[1:]
            parts.append(
                f"\n### heed {command.name}\n\n{summary}.{extra}\n\n"
                f"```text\n{helps[command.name]}```\n"
            )
    return "".join(parts)


def _help(command: Command) -> str:
    return subprocess.run(
        [sys.executable, "-m", "heed", command.name, "--help"],
        env={**os.environ, "COLUMNS": str(WIDTH), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
