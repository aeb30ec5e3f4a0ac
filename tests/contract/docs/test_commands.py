"""The commands that the documents show exist, with the flags that they show."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from heed.cli.commands import COMMANDS
from tests.support.pages import PAGES, ROOT, code_of, name_of

COMMAND = re.compile(r"(?<!from )\bheed ([a-z][a-z-]+)((?: [^#`|\n]*)?)")
FLAG = re.compile(r"(?<!\S)--[a-z][a-z_-]*")
TARGET = re.compile(r"\bmake ([a-z][a-z-]*)")


@functools.cache
def help_of(command: str) -> str:
    """What `heed COMMAND --help` prints."""
    arguments = [sys.executable, "-m", "heed", command, "--help"]
    return subprocess.run(
        arguments, cwd=ROOT, capture_output=True, text=True, check=True, timeout=60
    ).stdout


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_and_flags_of_a_page_exist(page: Path) -> None:
    for command, rest in COMMAND.findall(code_of(page)):
        assert command in COMMANDS, f"{page.name}: heed {command}"
        for flag in FLAG.findall(rest):
            assert flag in help_of(command), f"{page.name}: heed {command} {flag}"


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_make_targets_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "test" in targets
    assert set(TARGET.findall(code_of(page))) <= targets
