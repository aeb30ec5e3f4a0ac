"""A gateway in this process, from its logs to its exit status."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable
from typing import Final

from service.api.listening import AddressError
from service.backends.local_model_server import ModelsDirectoryError
from service.gateway import GatewayFailedError, run_gateway
from service.logs import configure_logs
from service.security.watching import RefusedFileError
from service.settings import GatewaySettings

FAILURES: Final = (ModelsDirectoryError, AddressError, GatewayFailedError, RefusedFileError)
"""What the message of says all that there is to say."""

INTERRUPTED: Final = 130
"""The exit status after a second Ctrl-C."""


def run_process(settings: GatewaySettings, announce: Callable[[str], None]) -> int:
    """Runs a gateway until it is told to end.

    Args:
        settings: Its settings.
        announce: Gets the lines that scripts wait for, and why it failed.

    Returns:
        The exit status: 0 after an orderly end, 1 after a failure. If it is not let end, the
        process ends with 130.
    """
    configure_logs(settings.log_format, settings.log_level)
    try:
        asyncio.run(run_gateway(settings, announce))
    except FAILURES as error:
        announce(f"heed: error: {error}")
        return 1
    except KeyboardInterrupt:  # a second Ctrl-C: do not wait for the answers
        logging.shutdown()
        os._exit(INTERRUPTED)  # gRPC's server complains of an event loop that is closed
    return 0
