"""Ask attention models, and see what they looked at.

Example:
    from heed import Client

    with Client() as client:
        answer = client.generate("attention", attention="pieces")
        print(answer.text)
        print(answer.attention)
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from heed.client import AnswerOptions as AnswerOptions
    from heed.client import AsyncClient as AsyncClient
    from heed.client import BeamSearch as BeamSearch
    from heed.client import Client as Client
    from heed.client import HeedError as HeedError
    from heed.client import Sampling as Sampling

__version__ = "0.1.0"

__all__ = [
    "AnswerOptions",
    "AsyncClient",
    "BeamSearch",
    "Client",
    "HeedError",
    "Sampling",
    "__version__",
]

_FROM_CLIENT = frozenset(
    {"AnswerOptions", "AsyncClient", "BeamSearch", "Client", "HeedError", "Sampling"}
)


def __getattr__(name: str) -> object:
    """Loads the client when it is first asked for, so that `heed --help` need not load gRPC."""
    if name in _FROM_CLIENT:
        import heed.client

        return getattr(heed.client, name)
    raise AttributeError(f"module 'heed' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
