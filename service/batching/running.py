"""A batch in the model server: run, and its answers handed to its rows."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from service.batching.padding import split_rows, stack_rows
from service.batching.rows import QueuedRow, RowAnswer
from service.domain.signatures import Predictor, check_outputs
from service.errors import InternalError, ModelRejectedInputError, ServiceError
from service.tracing import WaitingRow
from service.tracing import batch as batch_span

logger = logging.getLogger(__name__)

_SHORTEST_TIMEOUT_S = 0.001


class BatchRunner:
    """Runs batches and settles their rows.

    Args:
        predictor: Runs models.
        max_predict_s: Seconds a batch may take when a row of it has no deadline.
    """

    def __init__(self, predictor: Predictor, max_predict_s: float) -> None:
        self._predictor = predictor
        self._max_predict_s = max_predict_s

    async def run(
        self, rows: Sequence[QueuedRow], on_answered: Callable[[], None] = lambda: None
    ) -> None:
        """Answers rows of one target.

        Every row is settled when this returns. It raises nothing but its own cancellation.

        Args:
            rows: The rows.
            on_answered: Called when one Predict has answered all of them, before their callers
                hear of it: the next batch leaves first, their work on the answers comes second.
        """
        try:
            await self._answer(rows, on_answered)
        except ServiceError as error:
            _fail(rows, error)
        except Exception:  # a fault of ours must not leave callers waiting for ever
            logger.exception("a batch failed")
            _fail(rows, InternalError("a batch failed; see the log"))
        except asyncio.CancelledError:
            for row in rows:
                row.answer.cancel()
            raise

    async def _answer(self, rows: Sequence[QueuedRow], on_answered: Callable[[], None]) -> None:
        """Runs rows together; halves the batch until a row that the model rejects is alone."""
        try:
            await self._predict(rows, on_answered)
        except ModelRejectedInputError as error:
            if len(rows) == 1:
                raise
            logger.warning("the model rejected a batch of %d rows: %s", len(rows), error)
            middle = len(rows) // 2
            for half in (rows[:middle], rows[middle:]):
                await self.run([row for row in half if not row.is_gone])

    async def _predict(self, rows: Sequence[QueuedRow], on_answered: Callable[[], None]) -> None:
        if not rows:
            return
        loop = asyncio.get_running_loop()
        target, began = rows[0].target, loop.time()
        waiting = [WaitingRow(row.trace, began - row.arrival) for row in rows]
        facts: dict[str, str | int | float | bool] = {
            "heed.model": target.model.name,
            "heed.version": target.model.version,
            "heed.rows": len(rows),
        }
        with batch_span(waiting, facts):
            outputs = await self._predictor.predict(
                target,
                stack_rows([row.inputs for row in rows]),
                timeout_s=self._timeout_s(rows, began),
            )
            check_outputs(target, outputs, len(rows))
        model_s = loop.time() - began
        on_answered()
        await asyncio.sleep(0)
        for row, row_outputs in zip(rows, split_rows(outputs, len(rows)), strict=True):
            row.settle(RowAnswer(row_outputs, began - row.arrival, model_s))

    def _timeout_s(self, rows: Sequence[QueuedRow], now: float) -> float:
        """The longest remaining time of the rows: nobody waits beyond it."""
        limit = now + self._max_predict_s
        latest = max(limit if row.deadline is None else row.deadline for row in rows)
        return max(min(latest, limit) - now, _SHORTEST_TIMEOUT_S)


def _fail(rows: Sequence[QueuedRow], error: ServiceError) -> None:
    for row in rows:
        row.settle(error)
