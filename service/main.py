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
    import asyncio

    from service.api.listening import AddressError
    from service.backends.local_model_server import ModelsDirectoryError
    from service.gateway import GatewayFailedError, run_gateway
    from service.logs import configure_logs
    from service.security.watching import RefusedFileError

    configure_logs(settings.log_format, settings.log_level)
    try:
        asyncio.run(run_gateway(settings))
    except (ModelsDirectoryError, AddressError, GatewayFailedError, RefusedFileError) as error:
        print(f"heed: error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # a second Ctrl-C: do not wait for the answers
        return 130
    return 0
