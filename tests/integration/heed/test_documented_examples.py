"""The examples that need a gateway: what users copy from the README and the docstrings."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from pathlib import Path

import pytest

from heed.client import AsyncClient, Client
from tests.support.client import serving

README = Path(__file__).parents[3] / "README.md"


def after(heading: str, text: str) -> str:
    """The indented block that follows a heading."""
    block = re.match(r"\n+((?:    .*\n|\n)+)", text.partition(heading)[2] + "\n")
    assert block, f"no example behind {heading!r}"
    return textwrap.dedent(block[1])


EXAMPLES = {
    "the README": after("## Five lines", README.read_text(encoding="utf-8")),
    "Client": after("Example:", inspect.getdoc(Client) or ""),
    "AsyncClient": after("Example:", inspect.getdoc(AsyncClient) or ""),
}


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
