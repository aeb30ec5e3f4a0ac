"""Does what a page says, block by block, in a folder of its own.

    walk = Walkthrough(folder, changes={"g2p-quick": "g2p-tiny"})
    with walk:
        walk.follow(DOCS / "tutorial.md")

Blocks with a title are written to the file of that name, one behind the other. `bash` is run: a
`heed serve` goes on in the background until the end, and whoever asks is sent to it. `console`
holds commands behind "$" and what they print; so does a `text` behind any other block. What is
printed is compared by its form: numbers, phonemes and shades may differ.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.pages import ROOT, Block, blocks_of

ASKING = re.compile(r"^heed (generate|score|classify|tokenize|models)\b")
SERVING = re.compile(r"^heed serve\b")
SETTING_UP = re.compile(r"^(make setup|source )")
"""What made the environment in which the tests run."""
LEFT_OUT = "left out\n"
ALLOWED_S = 170


@dataclass
class Walkthrough:
    """Follows pages.

    Attributes:
        folder: Where everything is done.
        changes: What to write instead of some words of a command, so that it takes less time.
        left_out: Commands by how they begin, with the reason; what they print is not compared.
        printed: What the last block printed.
        gateway: The gateway that the page has started.
    """

    folder: Path
    changes: Mapping[str, str] = field(default_factory=dict)
    left_out: Mapping[str, str] = field(default_factory=dict)
    printed: str = ""
    gateway: GatewayProcess | None = None
    _ends: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> Walkthrough:
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def follow(self, page: Path) -> None:
        """Does what the page's blocks say, in order.

        Raises:
            AssertionError: A command failed, or printed something of another form.
        """
        for block in blocks_of(page):
            if block.title:
                with (self.folder / block.title).open("a", encoding="utf-8") as file:
                    file.write(block.text + "\n")
            elif block.language == "bash":
                self.printed = "".join(self.command(command) for command in block.commands)
            elif block.language == "console":
                self._follow_console(block)
            elif block.language == "python":
                self.printed = self._python(block)
            elif block.language == "text":
                check_form(block, block.text, self.printed)

    def command(self, command: str) -> str:
        """Runs a command and returns what it prints.

        Raises:
            AssertionError: It failed.
        """
        for words, others in self.changes.items():
            command = command.replace(words, others)
        if SETTING_UP.match(command):
            return ""
        if any(command.startswith(begin) for begin in self.left_out):
            return LEFT_OUT
        if SERVING.match(command):
            return self._serve(command)
        if ASKING.match(command):
            command += f" --address {self._gateway.address}"
        return self._run(as_here(command), shell=True)

    def _follow_console(self, block: Block) -> None:
        for part in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = part.partition("\n")
            self.printed = self.command(command)
            check_form(block, expected, self.printed)

    def _python(self, block: Block) -> str:
        address = f'Client("{self._gateway.address}")'
        return self._run([sys.executable, "-c", re.sub(r"Client\([^)]*\)", address, block.text)])

    @property
    def _gateway(self) -> GatewayProcess:
        assert self.gateway is not None, "the page asks before it serves"
        return self.gateway

    def _serve(self, command: str) -> str:
        flags = shlex.split(command)[2:]
        models = flags.index("--models-dir") + 1
        flags[models] = str(self.folder / flags[models])
        self.gateway = self._ends.enter_context(running_gateway([*flags, "--http-port=0"]))
        return self.gateway.log()

    def _run(self, command: str | list[str], *, shell: bool = False) -> str:
        ended = subprocess.run(
            command,
            shell=shell,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "100"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            timeout=ALLOWED_S,
        )
        assert ended.returncode == 0, f"{command}\n{ended.stdout}"
        return ended.stdout


def as_here(command: str) -> str:
    """A command with the Python of the tests."""
    here = re.sub(
        r"(?:(?<=\s)|^)(?:\.venv/bin/)?heed (?=[a-z])", f"{sys.executable} -m heed ", command
    )
    return re.sub(r"^python ", f"{sys.executable} ", here)


def check_form(block: Block, expected: str, printed: str) -> None:
    """Checks that every line that a page shows has one of the same form among those printed.

    Raises:
        AssertionError: One has not.
    """
    if LEFT_OUT in printed:
        return
    forms = {form_of(line) for line in printed.splitlines()}
    for line in expected.splitlines():
        if line.strip() not in ("", "..."):
            assert form_of(line) in forms, f"{block}: nothing like {line!r} in\n{printed}"


def form_of(line: str) -> str:
    """What stays of a line when numbers, phonemes, rows of shades and spaces may differ."""
    if re.search(r"[█▓▒░·]+(?:\s*[█▓▒░·]+){2}\s*$", line):
        return "a row of a heat map"
    form = re.sub(r"\b[A-Z]{1,2}(?: [A-Z]{1,2})*\b|<end>(?= <-)", "PHONEMES", line)
    form = re.sub(r"<- \S+", "<- PIECE", form)
    form = re.sub(r"[-−]?\d[\d.,-]*", "0", form)
    return " ".join(form.split())
