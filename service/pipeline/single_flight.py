"""Like questions asked at the same time: one is worked on, and everybody has its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Hashable, Iterable, Iterator
from contextlib import contextmanager
from enum import Enum
from typing import Generic, TypeAlias, TypeVar

from service.errors import (
    DeadlinePassedError,
    InternalError,
    ModelServerBusyError,
    ServiceError,
    UnavailableError,
)

Key = TypeVar("Key", bound=Hashable)
Answer = TypeVar("Answer")


class Ending(Enum):
    """How a flight without an answer ended for those who waited for it."""

    TAKE_OVER = "one of them takes the lead"
    ON_YOUR_OWN = "each works for itself"


Landing: TypeAlias = "asyncio.Future[Answer | ServiceError | Ending]"
"""Where followers wait: for an answer, a failure that is everybody's, or word to go on."""


class Flights(Generic[Key, Answer]):
    """The questions that are being worked on.

    A leader works; followers wait for its landing. A leader that is cancelled, or whose own
    deadline passes, hands the lead over. A failure that may be the leader's own (a bad text
    beside the one in question, a rate, a refused admission) sends each follower on its own;
    only failures of the model server are everybody's.
    """

    def __init__(self) -> None:
        self._landings: dict[Key, Landing[Answer]] = {}

    def landing(self, key: Key) -> Landing[Answer] | None:
        """Where to wait for the answer to a question that is being worked on; else None."""
        return self._landings.get(key)

    @contextmanager
    def leading(self, keys: Iterable[Key]) -> Iterator[dict[Key, Answer]]:
        """Takes the lead for questions that nobody works on; the block fills in the answers.

        Leaving the block tells the followers, however it is left.
        """
        loop = asyncio.get_running_loop()
        mine = {key: loop.create_future() for key in keys}
        self._landings.update(mine)
        answers: dict[Key, Answer] = {}
        ending: ServiceError | Ending = Ending.TAKE_OVER
        try:
            yield answers
        except Exception as error:
            ending = _ending_after(error)
            raise
        finally:
            for key, landing in mine.items():
                del self._landings[key]
                landing.set_result(answers.get(key, ending))


def _ending_after(error: Exception) -> ServiceError | Ending:
    if isinstance(error, DeadlinePassedError):
        return Ending.TAKE_OVER
    if isinstance(error, UnavailableError | InternalError | ModelServerBusyError):
        return error
    return Ending.ON_YOUR_OWN
