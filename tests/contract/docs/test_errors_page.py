"""The page of errors is made from the classes."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_the_documented_errors_are_the_classes() -> None:
    command = [sys.executable, ROOT / "tools/document_errors.py", "--check"]
    assert subprocess.run(command, check=False).returncode == 0, "run: make docs"
