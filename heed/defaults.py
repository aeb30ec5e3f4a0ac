"""What the client and the command line assume unless told otherwise."""

from typing import Final

DEFAULT_ADDRESS: Final = "127.0.0.1:50051"
"""Where a gateway on this machine listens."""

DEFAULT_TIMEOUT_S: Final = 30.0
"""How long one call may take, in seconds."""
