"""Metrics of the cache, of security, and of the process itself."""

from __future__ import annotations

import platform

from heed import __version__
from service.metrics.families import Families


class CacheMetrics:
    """Measures the cache of answers.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        self._lookups = families.counter(
            "cache_lookups",
            "Answers looked for: hit, miss, or shared with a like request under way.",
            ("result",),
            known=(("hit",), ("miss",), ("shared",)),
        )
        self._evictions = families.counter(
            "cache_evictions", "Answers removed to make room, or because their version went."
        )
        self._bytes = families.gauge(
            "cache_bytes", "What the cached answers take, in bytes.", across="livesum"
        )
        self._entries = families.gauge("cache_entries", "Cached answers.", across="livesum")

    def hit(self, count: int = 1) -> None:
        """Answers were found."""
        self._lookups.labels("hit").inc(count)

    def miss(self, count: int = 1) -> None:
        """Answers were not found."""
        self._lookups.labels("miss").inc(count)

    def shared(self, count: int = 1) -> None:
        """Answers come from like requests under way."""
        self._lookups.labels("shared").inc(count)

    def evicted(self, count: int = 1) -> None:
        """Answers were removed."""
        self._evictions.inc(count)

    def holds(self, *, size_bytes: int, entries: int) -> None:
        """What the cache holds now."""
        self._bytes.set(size_bytes)
        self._entries.set(entries)


class SecurityMetrics:
    """Measures keys and certificates. Refused calls are in `heed_errors_total` by their reason.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        self._reloads = families.counter(
            "security_reloads",
            "How often keys or certificates were read anew, and whether they were usable.",
            ("what", "outcome"),
            known=[(what, ok) for what in ("keys", "certificates") for ok in ("ok", "failed")],
        )
        self._expiry = families.gauge(
            "certificate_expiry_timestamp_seconds",
            "When a certificate ends, in seconds since 1970.",
            ("certificate",),
            across="livemin",
        )

    def reloaded(self, what: str, *, is_ok: bool) -> None:
        """Something was read anew: "keys" or "certificates"."""
        self._reloads.labels(what, "ok" if is_ok else "failed").inc()

    def certificate_expires(self, certificate: str, timestamp_s: float) -> None:
        """When a certificate in use ends: "server" or "client"."""
        self._expiry.labels(certificate).set(timestamp_s)


class ProcessMetrics:
    """Says what runs, and whether telling of it works.

    Args:
        families: Makes the metrics.
    """

    def __init__(self, families: Families) -> None:
        build = families.gauge(
            "build_info", "Always 1; the labels say what runs.", ("version", "python"),
            across="livemax",
        )  # fmt: skip
        build.labels(__version__, platform.python_version()).set(1)
        self._lines = families.counter(
            "log_lines_dropped",
            "Log lines that were not written: repeated refusals, or no room for them.",
            ("reason",),
            known=(("repeated",), ("unwritable",)),
        )

    def log_lines_dropped(self, reason: str, count: int = 1) -> None:
        """Log lines were left out: "repeated" or "unwritable"."""
        self._lines.labels(reason).inc(count)
