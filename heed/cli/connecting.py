"""From the command line to a client."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from heed.cli.arguments import API_KEY_VARIABLE

if TYPE_CHECKING:
    import argparse

    from heed.client import Client


def client_for(arguments: argparse.Namespace) -> Client:
    """A client, as the arguments of `add_gateway_arguments` and the environment say.

    Raises:
        SystemExit: With status 2, after a sentence on standard error: they do not go together, or
            a file cannot be read.
    """
    from heed.client import Client, Tls

    files = (arguments.tls_ca, arguments.tls_cert, arguments.tls_key)
    try:
        return Client(
            arguments.address,
            timeout_s=arguments.timeout,
            tls=Tls(*files) if arguments.tls or any(files) else None,
            api_key=_api_key(arguments),
        )
    except OSError as error:
        _refuse(f"cannot read {error.filename}: {error.strerror}")
    except ValueError as error:
        _refuse(str(error))


def _api_key(arguments: argparse.Namespace) -> str | None:
    if arguments.api_key is not None and arguments.api_key_file is not None:
        raise ValueError("give --api-key or --api-key-file, not both")
    if arguments.api_key_file is not None:
        return str(arguments.api_key_file.read_text(encoding="utf-8").strip())
    if arguments.api_key is not None:
        return str(arguments.api_key)
    return os.environ.get(API_KEY_VARIABLE) or None


def _refuse(message: str) -> NoReturn:
    print(f"heed: error: {message}", file=sys.stderr)
    raise SystemExit(2)
