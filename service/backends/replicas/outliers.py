"""Which model server does worse than the others, and for how long it gets no calls. Pure."""

from __future__ import annotations

import collections
import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

MOST_CALLS: Final = 1000
"""Calls remembered of one model server, however many come within the window."""
_WEIGHT: Final = 0.1


class Outcome(StrEnum):
    """How a call to a model server ended.

    A strained call was late, or refused for want of room: that may be due to the load or to a
    caller's deadline, and speaks against a model server only where the others do better.
    """

    ANSWERED = "answered"
    STRAINED = "strained"
    FAILED = "failed"


class Standing(StrEnum):
    """What a model server may be asked.

    On trial it gets one call at a time, until it has answered enough of them.
    """

    IN = "in"
    EJECTED = "ejected"
    ON_TRIAL = "on trial"


@dataclass(frozen=True, slots=True)
class EjectionRules:
    """When a model server is ejected, and for how long.

    Attributes:
        failures_in_a_row: So many failed calls in a row eject; 0 turns every rule off.
        failed_share: So large a share of failed or strained calls ejects, where the others have
            at most half of it.
        slower_than: So many times the others' usual latency ejects.
        min_calls: Calls before shares and latencies count.
        window_s: Over how many seconds shares are taken.
        min_slow_s: Latencies below are never slow, in seconds.
        first_s: The first ejection, in seconds; the next ones double.
        longest_s: The longest ejection, in seconds.
        trial_calls: Calls answered on trial before it is in again.
    """

    failures_in_a_row: int = 5
    failed_share: float = 0.5
    slower_than: float = 5.0
    min_calls: int = 20
    window_s: float = 10.0
    min_slow_s: float = 0.02
    first_s: float = 5.0
    longest_s: float = 300.0
    trial_calls: int = 3


@dataclass(frozen=True, slots=True)
class Ejection:
    """A model server was ejected: why, and for how long in seconds."""

    reason: str
    seconds: float


class Conduct:
    """How one model server has done of late. All times on one clock, in seconds.

    Args:
        rules: When it is ejected.
    """

    def __init__(self, rules: EjectionRules) -> None:
        self._rules = rules
        self._calls: collections.deque[tuple[float, bool]] = collections.deque()
        self._bad_calls = 0
        self._failures_in_a_row = 0
        self._answered = 0
        self._slowness = 0.0
        self._seconds = 0.0
        self._ejected_until: float | None = None
        self._last_ejection_s = 0.0
        self._back_since = 0.0

    def standing(self, now: float) -> Standing:
        """What it may be asked now."""
        if self._ejected_until is None:
            return Standing.IN
        return Standing.EJECTED if now < self._ejected_until else Standing.ON_TRIAL

    @property
    def slowness(self) -> float | None:
        """How its calls compare with usual ones, as `TypicalLatencies` has it; None if unknown."""
        is_on_trial = self._ejected_until is not None
        enough = self._rules.trial_calls if is_on_trial else self._rules.min_calls
        return self._slowness if self._answered >= enough else None

    def bad_calls(self, now: float) -> tuple[int, int]:
        """Its failed or strained calls within the window, and all its calls."""
        while self._calls and self._calls[0][0] < now - self._rules.window_s:
            self._drop_oldest()
        return self._bad_calls, len(self._calls)

    def note(
        self, outcome: Outcome, *, now: float, seconds: float = 0.0, slowness: float = 0.0
    ) -> None:
        """A call ended.

        Args:
            outcome: How.
            now: The time.
            seconds: What it took, if it was answered.
            slowness: How that compares with usual, if it was answered.
        """
        is_bad = outcome is not Outcome.ANSWERED
        self._calls.append((now, is_bad))
        self._bad_calls += is_bad
        if len(self._calls) > MOST_CALLS:
            self._drop_oldest()
        if outcome is Outcome.FAILED:
            self._failures_in_a_row += 1
        if outcome is Outcome.ANSWERED:
            self._failures_in_a_row = 0
            weight = max(_WEIGHT, 1 / (self._answered + 1))
            self._answered += 1
            self._slowness += weight * (slowness - self._slowness)
            self._seconds += weight * (seconds - self._seconds)

    def judge(self, now: float, peers: Sequence[Conduct]) -> Ejection | None:
        """Ejects it if it does worse than the rules allow; call after `note`.

        Args:
            now: The time.
            peers: The other model servers that could take its calls. It stays if none of them is
                in, or if more than half of all would be out.
        """
        standing = self.standing(now)
        if standing is Standing.EJECTED or not self._rules.failures_in_a_row:
            return None
        if standing is Standing.ON_TRIAL:
            return self._judge_trial(now, peers)
        reason = self._why_worse(now, peers)
        if reason is None or not _can_spare_one(now, peers):
            return None
        return self._eject(now, reason)

    def _judge_trial(self, now: float, peers: Sequence[Conduct]) -> Ejection | None:
        if self._calls and self._calls[-1][1]:
            return self._eject(now, "a call failed on trial")
        if self._answered < self._rules.trial_calls:
            return None
        reason = self._why_slow(peers)
        if reason is not None:
            return self._eject(now, reason)
        self._ejected_until = None
        self._back_since = now
        return None

    def _eject(self, now: float, reason: str) -> Ejection:
        was_in_for_s = now - self._back_since if self._ejected_until is None else 0.0
        if was_in_for_s > 2 * self._last_ejection_s:
            self._last_ejection_s = 0.0
        doubled = 2 * self._last_ejection_s or self._rules.first_s
        self._last_ejection_s = min(doubled, self._rules.longest_s)
        self._ejected_until = now + self._last_ejection_s
        self._calls.clear()
        self._bad_calls = self._failures_in_a_row = self._answered = 0
        self._slowness = self._seconds = 0.0
        return Ejection(reason, self._last_ejection_s)

    def _drop_oldest(self) -> None:
        _, was_bad = self._calls.popleft()
        self._bad_calls -= was_bad

    def _why_worse(self, now: float, peers: Sequence[Conduct]) -> str | None:
        if self._failures_in_a_row >= self._rules.failures_in_a_row:
            return f"{self._failures_in_a_row} calls failed in a row"
        return self._why_unreliable(now, peers) or self._why_slow(peers)

    def _why_unreliable(self, now: float, peers: Sequence[Conduct]) -> str | None:
        bad, calls = self.bad_calls(now)
        if calls < self._rules.min_calls or bad < self._rules.failed_share * calls:
            return None
        others = [peer.bad_calls(now) for peer in peers]
        others_bad, others_calls = sum(b for b, _ in others), sum(c for _, c in others)
        if others_calls < self._rules.min_calls or 2 * others_bad * calls > bad * others_calls:
            return None
        return f"{bad} of its last {calls} calls failed, {others_bad} of {others_calls} elsewhere"

    def _why_slow(self, peers: Sequence[Conduct]) -> str | None:
        known = [peer.slowness for peer in peers if peer.slowness is not None]
        if self.slowness is None or not known or self._seconds < self._rules.min_slow_s:
            return None
        median = sorted(known)[len(known) // 2]
        times_slower = math.exp(min(self.slowness - median, 50.0))
        if times_slower < self._rules.slower_than:
            return None
        return f"it takes {times_slower:.1f} times as long as the others"


def _can_spare_one(now: float, peers: Sequence[Conduct]) -> bool:
    remaining = sum(peer.standing(now) is Standing.IN for peer in peers)
    return remaining >= 1 and 2 * remaining >= len(peers) + 1
