"""The examples that need a gateway: what users copy from the pages and the docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest

from heed.client import AsyncClient, Client
from tests.support.client import serving
from tests.support.pages import in_language

OWN_MODEL = "docs/own-model.md"
"""Asks the classifier that the page makes; tests/system/docs/test_walkthroughs.py follows it."""


def examples() -> dict[str, str]:
    """Code by the name of where it stands: every block of a page that begins with an import."""
    found = {
        str(block): block.text
        for block in in_language("python")
        if "from heed import" in block.text and not block.title and block.page != OWN_MODEL
    }
    for client in (Client, AsyncClient):
        code = (inspect.getdoc(client) or "").partition("Example:\n")[2]
        found[client.__name__] = textwrap.dedent(code)
    return found


EXAMPLES = examples()


def test_the_pages_and_the_docstrings_have_examples() -> None:
    assert {"Client", "AsyncClient"} <= EXAMPLES.keys()
    assert any(name.startswith("README.md:") for name in EXAMPLES)


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_an_example_runs_as_it_stands(
    example: str,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)  # where files are written
    with serving() as (address, gateway):
        there = re.sub(r'Client\((?:"[\d.:]+")?\)', f'Client("{address}")', example)
        code = compile(there, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        names: dict[str, object] = {"AsyncClient": AsyncClient}
        pending = eval(code, names)
        if inspect.iscoroutine(pending):
            await pending
    assert "attention" in gateway.requests[0].texts
    assert "ATTENTION" in capsys.readouterr().out + str(names.get("first"))
