"""`heed serve`: reads the settings and runs the gateway."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence

from service.settings import GatewaySettings, SettingsError, read_settings


def main(argv: Sequence[str]) -> int:
    """Runs the gateway.

    Args:
        argv: The subcommand, then its flags.

    Returns:
        The exit status: 0 after an orderly end, 1 after a failure, 2 for wrong flags.
    """
    try:
        settings = read_settings(argv[1:], os.environ)
    except SettingsError as error:
        print(f"heed: error: {error}", file=sys.stderr)
        return 2
    return _run(settings)


def _run(settings: GatewaySettings) -> int:
    if settings.workers > 1:
        from service.workers.supervisor import run_workers

        return run_workers(settings)
    from service.logs import announce
    from service.workers.process import run_process

    return run_process(settings, announce)
