"""The caller that the running task works for, and what it may do."""

from __future__ import annotations

import contextvars
import time
from collections.abc import Callable, Iterable
from typing import Final

from service.domain.requests import Priority
from service.errors import ModelNotPermittedError, RateLimitedError
from service.security.api_keys import ApiKeyEntry
from service.security.rates import TokenBucket

Clock = Callable[[], float]


class Caller:
    """Somebody who calls: the owner of an API key, or anybody where no keys are asked for.

    Args:
        entry: What the key permits; None for anybody, who may do everything.
        clock: Gives the time in seconds and never goes back.
    """

    def __init__(self, entry: ApiKeyEntry | None = None, clock: Clock = time.monotonic) -> None:
        self._entry = entry
        self._clock = clock
        self._requests = _bucket(entry.requests_per_s if entry else None, clock)
        self._tokens = _bucket(entry.tokens_per_s if entry else None, clock)

    @property
    def name(self) -> str:
        """Who it is, for logs; empty where no keys are asked for."""
        return "" if self._entry is None else self._entry.name

    def permits(self, model: str) -> bool:
        """Whether it may use a model, and know of it."""
        return self._entry is None or self._entry.permits(model)

    def permitted(self, models: Iterable[str]) -> list[str]:
        """Those of the models that it may use."""
        return [model for model in models if self.permits(model)]

    def check_model(self, model: str) -> None:
        """Checks that it may use a model.

        Raises:
            ModelNotPermittedError: It may not.
        """
        if not self.permits(model):
            raise ModelNotPermittedError(model)

    def priority(self, asked_for: Priority) -> Priority:
        """The priority of a call of its: the one asked for, or less."""
        is_bulk = self._entry is not None and self._entry.max_priority is Priority.BULK
        return Priority.BULK if is_bulk else asked_for

    def take_request(self) -> None:
        """Counts a call.

        Raises:
            RateLimitedError: There were too many in the last second.
        """
        self._take(self._requests, 1, "requests")

    def take_tokens(self, count: int) -> None:
        """Counts tokens of text before they are worked on.

        Raises:
            RateLimitedError: There were too many in the last second.
        """
        self._take(self._tokens, count, "tokens")

    def _take(self, bucket: TokenBucket | None, amount: int, unit: str) -> None:
        if bucket is None:
            return
        pause_s = bucket.take(amount, self._clock())
        if pause_s > 0:
            raise RateLimitedError(unit, limit_per_s=bucket.rate_per_s, retry_after_s=pause_s)


def _bucket(rate_per_s: float | None, clock: Clock) -> TokenBucket | None:
    return None if rate_per_s is None else TokenBucket(rate_per_s, clock())


ANYBODY: Final = Caller()
"""Who calls where no keys are asked for, and who works for the gateway itself."""

_CALLER: Final = contextvars.ContextVar("caller", default=ANYBODY)


def current_caller() -> Caller:
    """Whom the running task works for."""
    return _CALLER.get()


def work_for(caller: Caller) -> None:
    """Has the running task work for a caller; tasks that it starts do too."""
    _CALLER.set(caller)
