"""The commands that the documents show exist, with the flags that they show."""

from __future__ import annotations

import functools
import re
import subprocess
import sys
from pathlib import Path

import pytest

from heed.cli.commands import COMMANDS

ROOT = Path(__file__).parents[3]
PAGES = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
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


def code_of(page: Path) -> str:
    """The indented blocks of a page, and what stands between back-quotes."""
    text = page.read_text(encoding="utf-8")
    blocks = [line for line in text.splitlines() if line.startswith("    ")]
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", text)])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_flags_of_a_page_exist(page: Path) -> None:
    for command, rest in COMMAND.findall(code_of(page)):
        assert command in COMMANDS, f"{page.name}: heed {command}"
        for flag in FLAG.findall(rest):
            assert flag in help_of(command), f"{page.name}: heed {command} {flag}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_of_a_page_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert "test" in targets
    assert set(TARGET.findall(code_of(page))) <= targets
