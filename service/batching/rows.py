"""A row on its way through the queue, and what comes back for it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field

from service.domain.requests import Priority
from service.domain.signatures import Array, InputArray, PredictTarget
from service.errors import ServiceError, Stage
from service.tracing import CallTrace, current_trace


@dataclass(frozen=True, slots=True)
class RowAnswer:
    """What the model said about one row.

    Attributes:
        outputs: The outputs by name, dimension 0 (the rows) taken off; wider than the row needs.
        queue_s: How long the row waited, in seconds.
        model_s: How long the model server took, in seconds.
    """

    outputs: Mapping[str, Array]
    queue_s: float
    model_s: float


@dataclass(slots=True, eq=False)
class QueuedRow:
    """A row on its way. Its answer travels with it.

    Attributes:
        target: What is asked of whom.
        inputs: The inputs by name, int32, float32 or uint8, [] or [X, ...].
        length: Tokens, or columns of pixels, that count for batching and admission, 1 or more:
            those of the longest input, as often as there are hypotheses.
        deadline: When the answer is of no use any more, on the loop's clock; None for never.
        answer: Settled by the batcher; cancelled by the caller who leaves.
        priority: How urgent it is.
        arrival: When it was admitted, on the loop's clock.
        started: When it was sent to the model server, on the loop's clock; None while it waits.
        trace: The trace of its call; None if it is not traced.
    """

    target: PredictTarget
    inputs: Mapping[str, InputArray]
    length: int
    deadline: float | None
    answer: asyncio.Future[RowAnswer]
    priority: Priority = Priority.INTERACTIVE
    arrival: float = field(default=0.0)
    started: float | None = field(default=None)
    trace: CallTrace | None = field(default_factory=current_trace)

    @property
    def model(self) -> str:
        """The model's name: models share the model servers fairly."""
        return self.target.model.name

    @property
    def max_rows(self) -> int | None:
        """The most rows of its batch, if what it asks has a limit of its own."""
        return self.target.max_rows

    @property
    def is_bulk(self) -> bool:
        """Whether interactive rows go first."""
        return self.priority is Priority.BULK

    @property
    def is_gone(self) -> bool:
        """Whether nobody waits for the answer any more."""
        return self.answer.done()

    @property
    def stage(self) -> Stage:
        """Where the row is."""
        return Stage.QUEUE if self.started is None else Stage.MODEL

    def settle(self, result: RowAnswer | ServiceError) -> None:
        """The one place where answers are given. A caller that left is skipped."""
        if self.answer.done():
            return
        if isinstance(result, ServiceError):
            self.answer.set_exception(result)
        else:
            self.answer.set_result(result)
