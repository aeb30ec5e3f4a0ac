"""What became of the versions of a model."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class VersionCondition(StrEnum):
    """What became of a version; unknown if the gateway is newer and says something else."""

    READY = "ready"
    LOADING = "loading"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class VersionStatus:
    """One version of a model, over all model servers of a gateway.

    Attributes:
        version: The version.
        condition: What became of it.
        replica_count: How many model servers answer it.
        message: What is wrong with it, on all model servers or on some; else empty.
        labels: Its labels, ordered by name.
        traffic_share: Its share of the calls that name neither a version nor a label, 0 to 1.
    """

    version: int
    condition: VersionCondition
    replica_count: int = 0
    message: str = ""
    labels: tuple[str, ...] = ()
    traffic_share: float = 0.0
