"""A finished training run of the recipe g2p-tiny, made once for all tests.

    from tests.support.training import tiny_run

    def test_something(tiny_run: Path) -> None: ...

The run is made by the command itself, in a process of its own, so that TensorFlow does not come
into the process of the tests; do not change it.
"""

from __future__ import annotations

import atexit
import functools
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest

TINY_RECIPE = "g2p-tiny"


@pytest.fixture(scope="session")
def tiny_run() -> Path:
    """The folder of a finished run."""
    return _tiny_run()


def run_model_export(
    arguments: Sequence[str], *, timeout_s: float = 120.0
) -> subprocess.CompletedProcess[str]:
    """Runs `python -m model_export` to its end, and returns its status and output."""
    return subprocess.run(
        [sys.executable, "-m", "model_export", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


@functools.cache
def _tiny_run() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="heed-tiny-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    result = run_model_export(["train", TINY_RECIPE, "--out", str(folder / "run")])
    if result.returncode != 0:
        raise RuntimeError(f"training {TINY_RECIPE} failed: {result.stderr}")
    return folder / "run"
