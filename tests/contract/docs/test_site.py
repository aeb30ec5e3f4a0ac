"""The site of the documentation: built strictly, whole, and read without a network."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from heed.cli.commands import COMMANDS
from heed.client import __all__ as client_names
from heed.v1 import inference_pb2, model_pb2
from tests.support.pages import ROOT, Block, in_language
from tools.site_docstrings import fenced
from tools.site_math import EquationError, cells, equation, spoken

LOADING = {
    ("audio", "src"),
    ("iframe", "src"),
    ("img", "src"),
    ("link", "href"),
    ("script", "src"),
    ("source", "src"),
    ("video", "src"),
}
"""What a browser fetches by itself."""
ALLOWED_S = 170


class _Page(HTMLParser):
    """Collects what a page loads, where it leads, and its anchors."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.loaded: list[str] = []
        self.links: list[str] = []
        self.anchors: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if name == "id" and value:
                self.anchors.add(value)
            if (tag, name) in LOADING and value:
                self.loaded.append(value)
            if (tag, name) == ("a", "href") and value:
                self.links.append(value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=ALLOWED_S,
    )
    assert built.returncode == 0, built.stderr
    return folder


@pytest.fixture(scope="module")
def pages(site: Path) -> dict[Path, _Page]:
    return {path: _Page(path) for path in site.rglob("*.html")}


def test_the_site_is_built_strictly(pages: dict[Path, _Page]) -> None:
    assert len(pages) > 30


def test_no_page_loads_anything_from_another_host(site: Path, pages: dict[Path, _Page]) -> None:
    for path, page in pages.items():
        for address in page.loaded:
            parts = urlsplit(address)
            # <link rel="canonical"> and the like would name a host; there is none.
            assert parts.scheme in ("", "data"), f"{path}: {address}"
            assert not parts.netloc, f"{path}: {address}"
    for path in [*site.rglob("*.css")]:
        assert not re.findall(r"(?:url\(|@import)\s*['\"]?(?:https?:)?//", path.read_text()), path


def test_every_link_leads_somewhere(site: Path, pages: dict[Path, _Page]) -> None:
    for path, page in pages.items():
        if path.name == "404.html":  # is shown at any address, so its links are absolute
            continue
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme:
                assert parts.scheme in ("https", "http", "mailto"), f"{path}: {link}"
                assert re.fullmatch(r"[\w-]+(\.[\w-]+)+(:\d+)?", parts.netloc), f"{path}: {link}"
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            assert target.exists(), f"{path.relative_to(site)}: {link}"
            if parts.fragment and target in pages:
                anchors = pages[target].anchors
                assert unquote(parts.fragment) in anchors, f"{path.relative_to(site)}: {link}"


def _elements() -> Iterator[str]:
    for file in (inference_pb2.DESCRIPTOR, model_pb2.DESCRIPTOR):
        yield from file.message_types_by_name
        yield from file.enum_types_by_name
        for service in file.services_by_name.values():
            yield from service.methods_by_name


def test_every_message_and_method_is_in_the_reference(pages: dict[Path, _Page], site: Path) -> None:
    anchors = pages[site / "reference/api.html"].anchors
    for name in _elements():
        assert name.lower() in anchors


def test_every_name_of_the_client_is_in_the_reference(pages: dict[Path, _Page], site: Path) -> None:
    anchors = pages[site / "reference/client.html"].anchors
    for name in client_names:
        assert f"heed.client.{name}" in anchors


def test_every_command_is_in_the_reference(pages: dict[Path, _Page], site: Path) -> None:
    anchors = pages[site / "reference/commands.html"].anchors
    for name in COMMANDS:
        assert f"heed-{name}" in anchors


@pytest.mark.parametrize("block", in_language("math"), ids=str)
def test_every_equation_is_drawn(block: Block) -> None:
    drawn = equation(block.text)
    assert drawn.count("<svg") == sum(bool(cell) for row in cells(block.text) for cell in row)


def test_an_equation_has_rows_cells_and_words_for_those_who_hear_it() -> None:
    rows = (r"a &= \mathrm{softmax}(e)", r"b &= \frac{1}{2} & \text{eq. 1}")
    source = rf"\begin{{aligned}}{rows[0]} \\ {rows[1]}\end{{aligned}}"
    assert cells(source) == [
        ["a", r"= \mathrm{softmax}(e)"],
        ["b", r"= \frac{1}{2}", r"\text{eq. 1}"],
    ]
    assert spoken(source) == "a = softmax(e) ; b = (1) / (2) eq. 1"


def test_an_example_in_a_docstring_is_shown_as_code() -> None:
    docstring = "Doubles.\n\nExample:\n    >>> double(2)\n    4\n"
    assert fenced(docstring) == "Doubles.\n\n**Example:**\n\n```python\n>>> double(2)\n4\n```"


def test_what_is_no_equation_is_named() -> None:
    with pytest.raises(EquationError, match=r"\\nonsense"):
        equation(r"a = \nonsense{b}")
