"""A predictor that takes the time that a batch of its size takes, for scenarios in virtual time."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from heed.contract import Signature
from service.batching.rows import QueuedRow, RowAnswer
from service.domain.models import VersionKey
from service.domain.requests import Priority
from service.domain.signatures import PredictTarget

TARGET = PredictTarget(VersionKey("m", 1), Signature.SCORE, ("scores",))


@dataclass
class TimedPredictor:
    """Works on so many batches at once, the others wait their turn in it.

    Attributes:
        fixed_s: What a batch takes however small it is, in seconds.
        token_s: What every padded token takes more, in seconds.
        workers: Batches worked on at once.
        batches: The first tokens of the rows of every batch, in the order of their sending.
        sent: Which model each batch was for.
        cancelled: How many batches were cancelled.
        in_flight: How many are here now.
        most_in_flight: The most there ever were.
    """

    fixed_s: float = 0.01
    token_s: float = 0.0
    workers: int = 1
    batches: list[list[int]] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    cancelled: int = 0
    in_flight: int = 0
    most_in_flight: int = 0

    def __post_init__(self) -> None:
        self._turn = asyncio.Semaphore(self.workers)

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        """Answers each row with its first token."""
        tokens = inputs["tokens"]
        self.batches.append(tokens[:, 0].tolist())
        self.sent.append(target.model.name)
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            async with self._turn:
                await asyncio.sleep(self.fixed_s + self.token_s * tokens.size)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        finally:
            self.in_flight -= 1
        return {"scores": tokens[:, 0].astype(np.float32)}


def timed_row(
    token: int,
    *,
    length: int = 1,
    deadline: float | None = None,
    priority: Priority = Priority.INTERACTIVE,
    target: PredictTarget = TARGET,
) -> QueuedRow:
    """A row that is answered with its token."""
    future: asyncio.Future[RowAnswer] = asyncio.get_running_loop().create_future()
    inputs = {"tokens": np.full(length, token, np.int32)}
    return QueuedRow(target, inputs, length, deadline, future, priority)
