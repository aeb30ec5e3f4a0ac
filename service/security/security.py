"""Everything that the settings say about security, put together."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import stat
from dataclasses import dataclass
from pathlib import Path

from service.metrics import SecurityMetrics
from service.security.api_keys import read_api_keys
from service.security.authorizer import Authorizer
from service.security.certificates import CertificateFiles
from service.security.channel_tls import ChannelTls
from service.security.server_tls import ServerTls
from service.security.watching import WatchedFiles
from service.settings import GatewaySettings

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Security:
    """Who may call, and the certificates of both sides.

    Attributes:
        authorizer: Lets callers in.
        keys: The file of API keys; None if nobody needs one.
        server_tls: TLS of the gateway's ports; None without.
        channel_tls: TLS of the connections to model servers; None without.
    """

    authorizer: Authorizer
    keys: WatchedFiles | None = None
    server_tls: ServerTls | None = None
    channel_tls: ChannelTls | None = None

    async def run(self) -> None:
        """Reads files again when they change, for as long as it is not cancelled."""
        async with asyncio.TaskGroup() as group:
            for part in (self.keys, self.server_tls, self.channel_tls):
                if part is not None:
                    group.create_task(part.run())


def make_security(settings: GatewaySettings, metrics: SecurityMetrics) -> Security:
    """Reads what the settings name, and warns of what is open to others.

    Args:
        settings: Name files.
        metrics: Tell of files that were read again.

    Raises:
        RefusedFileError: A file cannot be used.
    """
    authorizer, keys = _make_authorizer(settings, metrics)
    server_files = CertificateFiles(settings.tls_cert, settings.tls_key, settings.tls_client_ca)
    channel_files = CertificateFiles(
        settings.model_server_cert, settings.model_server_key, settings.model_server_ca
    )
    for key_file in (settings.tls_key, settings.model_server_key):
        if key_file is not None:
            _warn_if_others_may(stat.S_IROTH | stat.S_IWOTH, key_file)
    _warn_if_exposed(settings)
    return Security(
        authorizer,
        keys,
        ServerTls(server_files, metrics) if server_files.chain is not None else None,
        ChannelTls(channel_files, metrics) if channel_files.authorities is not None else None,
    )


def _make_authorizer(
    settings: GatewaySettings, metrics: SecurityMetrics
) -> tuple[Authorizer, WatchedFiles | None]:
    path = settings.api_keys
    if path is None:
        return Authorizer(None, max_calls_per_client=settings.max_calls_per_client), None

    def read_again() -> None:
        authorizer.replace_keys(read_api_keys(path))

    watched = WatchedFiles(
        "file of API keys",
        [path],
        read_again,
        tell=lambda is_ok: metrics.reloaded("keys", is_ok=is_ok),
    )
    authorizer = Authorizer(read_api_keys(path), max_calls_per_client=settings.max_calls_per_client)
    _warn_if_others_may(stat.S_IROTH | stat.S_IWOTH, path)
    return authorizer, watched


def _warn_if_others_may(rights: int, path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except OSError:  # whoever reads it says why it cannot be read
        return
    if mode & rights:
        logger.warning(
            "%s may be read or changed by every user of this machine (mode %03o); chmod 600 it",
            path,
            mode & 0o777,
        )


def _warn_if_exposed(settings: GatewaySettings) -> None:
    if is_loopback(settings.host):
        return
    if settings.tls_cert is None:
        logger.warning(
            "listening on %s without TLS: whoever is on the way can read and change texts%s; "
            "give --tls-cert and --tls-key, or put a proxy in front that speaks TLS",
            settings.host,
            "" if settings.api_keys is None else ", answers and API keys",
        )
    if settings.api_keys is None and settings.tls_client_ca is None:
        logger.warning(
            "listening on %s without --api-keys or --tls-client-ca: whoever reaches the port "
            "may call",
            settings.host,
        )


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this machine alone."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"
