"""Every example in a docstring does what it says."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
PACKAGES = ("heed", "service", "model_export", "model_server")


def modules_with_examples() -> list[str]:
    """Names of the modules whose source holds a doctest; only these are imported."""
    paths = (path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
    return sorted(
        ".".join(path.relative_to(ROOT).with_suffix("").parts)
        for path in paths
        if ">>> " in path.read_text(encoding="utf-8")
    )


@pytest.mark.parametrize("name", modules_with_examples())
def test_examples_give_what_they_show(name: str) -> None:
    results = doctest.testmod(importlib.import_module(name))
    assert results.attempted > 0, "a module that names an example must have one that runs"
    assert results.failed == 0, "the report above shows what was expected and what came"
