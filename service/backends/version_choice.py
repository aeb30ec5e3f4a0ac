"""Which version answers a call that names none. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence

from service.domain.models import CanaryShare
from service.settings.versions import RollOut


def current_version(
    replica_counts: Mapping[int, int],
    *,
    healthy_replica_count: int,
    roll_out: RollOut,
    canaries: Iterable[int] = (),
) -> int | None:
    """The version that calls without a version go to, canaries aside.

    It is the newest one on enough model servers. If none is on enough of them, the one on most of
    them, the newest of several. A canary does not count while there is another version.

    Args:
        replica_counts: How many healthy model servers answer each version, 1 or more.
        healthy_replica_count: How many of them there are.
        roll_out: How many are enough.
        canaries: Versions that are tried out.
    """
    tried_out = set(canaries)
    counts = {v: n for v, n in replica_counts.items() if v not in tried_out} or replica_counts
    if not counts:
        return None
    needed = enough(roll_out, healthy_replica_count)
    spread = [version for version, count in counts.items() if count >= needed]
    return max(spread) if spread else max(counts, key=lambda version: (counts[version], version))


def enough(roll_out: RollOut, healthy_replica_count: int) -> int:
    """How many model servers must answer a version before calls go over to it, 1 or more."""
    match roll_out:
        case RollOut.ONE:
            return 1
        case RollOut.HALF:
            return max(1, (healthy_replica_count + 1) // 2)
        case RollOut.ALL:
            return max(1, healthy_replica_count)


def pick_canary(
    canaries: Sequence[CanaryShare], *, model: str, call_id: str, seed: int
) -> int | None:
    """The canary that answers a call, or None for the current version.

    The same call id always gets the same answer with the same seed and shares, so that a call
    sent again, or sent to another gateway, comes to the same version. A share that grows keeps
    the calls it had.

    Args:
        canaries: The versions and shares; together at most 1.
        model: The model's name.
        call_id: What the choice hangs on.
        seed: Other seeds choose other calls.
    """
    if not canaries:
        return None
    digest = hashlib.blake2b(f"{seed}\0{model}\0{call_id}".encode(errors="replace"), digest_size=8)
    point = int.from_bytes(digest.digest(), "big") / 2**64
    for canary in canaries:
        if point < canary.share:
            return canary.version
        point -= canary.share
    return None
