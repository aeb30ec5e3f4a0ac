"""One of several gateway processes: `python -m service.workers.worker`.

Its settings come pickled on standard input, from the supervisor that started it. On standard
output it tells the supervisor, line by line, what a gateway alone would tell its user.
"""

from __future__ import annotations

import pickle
import sys

from service.settings import GatewaySettings
from service.workers.process import run_process


def main() -> int:
    """Runs a gateway; returns its exit status."""
    settings: GatewaySettings = pickle.load(sys.stdin.buffer)
    return run_process(settings, lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(main())
