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

ROOT = Path(__file__).parents[3]
BLOCK = re.compile(r"(?:^    .*\n|^\n)+", re.MULTILINE)


def examples() -> dict[str, str]:
    """Code by the name of where it stands: every indented block that begins with an import."""
    texts = {
        path.name: path.read_text(encoding="utf-8")
        for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md"))
    }
    found = {}
    for name, text in texts.items():
        blocks = [textwrap.dedent(block) for block in BLOCK.findall(text)]
        for index, block in enumerate(block for block in blocks if "from heed import" in block):
            found[f"{name}-{index}"] = "from heed import" + block.partition("from heed import")[2]
    for client in (Client, AsyncClient):
        code = (inspect.getdoc(client) or "").partition("Example:\n")[2]
        found[client.__name__] = textwrap.dedent(code)
    return found


EXAMPLES = examples()


def test_the_pages_and_the_docstrings_have_examples() -> None:
    assert {"README.md-0", "Client", "AsyncClient"} <= EXAMPLES.keys()


@pytest.mark.parametrize("example", EXAMPLES.values(), ids=EXAMPLES.keys())
async def test_an_example_runs_as_it_stands(
    example: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving() as (address, gateway):
        there = re.sub(r'Client\((?:"[\d.:]+")?\)', f'Client("{address}")', example)
        code = compile(there, "example", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        names: dict[str, object] = {"AsyncClient": AsyncClient}
        pending = eval(code, names)
        if inspect.iscoroutine(pending):
            await pending
    assert "attention" in gateway.requests[0].texts
    assert "ATTENTION" in capsys.readouterr().out + str(names.get("first"))
