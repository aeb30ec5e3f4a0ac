"""The pages of the documentation, and the blocks of code that they show.

from tests.support.pages import DOCS, blocks_of

for block in blocks_of(DOCS / "http.md"):
    ...
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = tuple(
    sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *DOCS.glob("*.md")])
    + sorted(DOCS.glob("*/*.md"))
)
"""Every page that people write."""
FENCE = re.compile(
    r'^( *)(```+)(?P<language>[\w-]*)(?: +title="(?P<title>[^"]+)")?[^\n]*\n(?P<text>.*?)^\1\2 *$',
    re.MULTILINE | re.DOTALL,
)
_INDENTED = re.compile(r"(?:(?:^|\n)\n)((?:^    .*\n(?:\n(?=    ))?)+)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A block of code on a page.

    Attributes:
        page: The page's path from the repository's root, such as "docs/http.md".
        line: The line that it begins at, from 1.
        language: What its fence says; "" if it says nothing.
        text: The code, without the fence and its indentation.
        title: The file that it stands for; "" if it stands for none.
    """

    page: str
    line: int
    language: str
    text: str
    title: str = ""

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def commands(self) -> list[str]:
        """The commands of a block of `bash`: continued lines joined, comments left out."""
        lines = self.text.replace("\\\n", " ").splitlines()
        bare = (re.sub(r"(?:^|\s{2,})#.*$", "", line).strip() for line in lines)
        return [re.sub(r"\s+", " ", line) if "'" not in line else line for line in bare if line]


def name_of(page: Path) -> str:
    """A page's path from the repository's root."""
    return page.relative_to(ROOT).as_posix()


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in order."""
    text = page.read_text(encoding="utf-8")
    return [
        Block(
            name_of(page),
            text.count("\n", 0, found.start()) + 1,
            found["language"],
            textwrap.dedent(found["text"]),
            found["title"] or "",
        )
        for found in FENCE.finditer(text)
    ]


def block_with(page: Path, words: str, language: str = "") -> str:
    """The text of the only block of a page that holds some words.

    Raises:
        ValueError: There is none, or there are several.
    """
    (found,) = [
        block.text.strip()
        for block in blocks_of(page)
        if words in block.text and language in ("", block.language)
    ]
    return found


def in_language(language: str, pages: Iterable[Path] = PAGES) -> list[Block]:
    """All blocks in a language."""
    return [block for page in pages for block in blocks_of(page) if block.language == language]


def code_of(page: Path) -> str:
    """All code of a page: its blocks, and what stands between back-quotes in its text."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    return "\n".join(
        [*(block.text for block in blocks_of(page)), *re.findall(r"`([^`\n]+)`", text)]
    )


def indented_blocks(page: Path) -> list[str]:
    """Blocks of code by indentation: in no language, so that nobody can test them."""
    text = FENCE.sub("", page.read_text(encoding="utf-8"))
    found = (found[1] for found in _INDENTED.finditer(text))
    return [block for block in found if not re.match(r" *([*-]|\d+\.|:::|options:) ?", block)]
