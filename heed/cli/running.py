"""How commands run and fail."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable


def run_command(work: Callable[[argparse.Namespace], None], arguments: argparse.Namespace) -> int:
    """Does the work of a command; returns the exit status, 1 after an error that it prints."""
    from heed.client import HeedError
    from heed.views.errors import PlotError

    try:
        work(arguments)
    except (HeedError, PlotError) as error:
        sys.stdout.flush()
        print(f"heed: error: {error}", file=sys.stderr)
        return 1
    return 0
