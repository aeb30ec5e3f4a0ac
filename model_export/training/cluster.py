"""Which of several training processes this one is."""

from __future__ import annotations

import json
import os
from typing import Final

from model_export.errors import RunError

_VARIABLE: Final = "TF_CONFIG"
_EXAMPLE: Final = (
    '{"cluster": {"worker": ["host-a:2222", "host-b:2222"]}, '
    '"task": {"type": "worker", "index": 0}}'
)


def worker_index() -> int:
    """Which worker this process is, from 0, by TF_CONFIG.

    Raises:
        RunError: TF_CONFIG is missing or wrong.
    """
    try:
        config = json.loads(os.environ[_VARIABLE])
        workers, task = config["cluster"]["worker"], config["task"]
        index = int(task["index"])
        if task["type"] != "worker" or not 0 <= index < len(workers):
            raise ValueError(f"no worker {index}")
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"--distribute multi-worker needs {_VARIABLE} in the environment of every worker, such "
            f"as {_EXAMPLE} ({type(error).__name__}: {error})"
        ) from error
    return index
