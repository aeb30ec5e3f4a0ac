"""What is loaded only when it is needed, looked at in a fresh process."""

from __future__ import annotations

import subprocess
import sys

LAZY = {"starlette", "uvicorn", "opentelemetry", "matplotlib"}


def test_the_gateway_loads_what_it_does_not_need_only_when_it_does() -> None:
    code = "import sys, service.gateway; print(*sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True
    )
    assert not LAZY & set(result.stdout.split())
