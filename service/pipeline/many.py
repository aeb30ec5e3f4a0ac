"""Answering any number of texts that come one by one, with a bounded number on their way."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable

from service.domain.answers import Answer
from service.domain.streams import ManyAnswer, ManyInput
from service.errors import DrainingError, InternalError, ServiceError

logger = logging.getLogger(__name__)

AnswerText = Callable[[str], Awaitable[Answer]]


async def answer_many(
    inputs: AsyncIterator[ManyInput], answer_text: AnswerText, *, window: int, ending: asyncio.Event
) -> AsyncGenerator[ManyAnswer]:
    """The answers to texts, in the order in which they are ready. Close it to give the work up.

    A text takes a place in the window from before it is read until its answer was taken by the
    reader; so neither a fast sender nor a slow reader makes more than the window wait in memory.

    Args:
        inputs: The texts.
        answer_text: Answers one; a ServiceError is the text's own.
        window: How many places there are, 1 or more.
        ending: Is set when no more texts are to be read.

    Raises:
        DrainingError: No more texts are read; those that were have been answered.
        ServiceError: The texts themselves could not be read; those before have been answered.
    """
    work = _ManyWork(inputs, answer_text, window=window, ending=ending)
    try:
        while True:
            answer = await work.next()
            if answer is None:
                return
            yield answer
            work.release_place()
    finally:
        await work.stop()


class _ManyWork:
    """The tasks behind a stream: one that reads, one for each text on its way."""

    def __init__(
        self,
        inputs: AsyncIterator[ManyInput],
        answer_text: AnswerText,
        *,
        window: int,
        ending: asyncio.Event,
    ) -> None:
        self._inputs = inputs
        self._answer_text = answer_text
        self._places = asyncio.Semaphore(window)
        self._answers: asyncio.Queue[ManyAnswer | None] = asyncio.Queue()
        self._answering: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None
        self._reading = asyncio.create_task(self._read(), name="read texts")
        self._reading.add_done_callback(self._reading_ended)
        self._ending = asyncio.create_task(self._end_reading(ending), name="wait for the end")

    async def next(self) -> ManyAnswer | None:
        """The next answer; None at the end.

        Raises:
            DrainingError: All is answered, but there may have been more to read.
            ServiceError: All is answered, but the texts could not be read further.
        """
        answer = await self._answers.get()
        if answer is None and self._failure is not None:
            raise self._failure
        return answer

    def release_place(self) -> None:
        """Says that an answer was taken."""
        self._places.release()

    async def stop(self) -> None:
        """Gives up what is still on its way."""
        tasks = [self._ending, self._reading, *self._answering]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _read(self) -> None:
        while True:
            await self._places.acquire()
            try:
                text = await anext(self._inputs)
            except StopAsyncIteration:
                return
            task = asyncio.create_task(self._answer(text), name="answer a text")
            self._answering.add(task)
            task.add_done_callback(self._answered)

    async def _end_reading(self, ending: asyncio.Event) -> None:
        await ending.wait()
        self._reading.cancel()

    async def _answer(self, text: ManyInput) -> None:
        outcome: Answer | ServiceError
        try:
            outcome = await self._answer_text(text.text)
        except ServiceError as error:
            outcome = error
        except Exception:  # a fault of ours is this text's failure, not the stream's
            logger.exception("a text of a stream failed")
            outcome = InternalError("a text of a stream failed; see the log")
        self._answers.put_nowait(ManyAnswer(text.id, outcome))

    def _reading_ended(self, task: asyncio.Task[None]) -> None:
        self._failure = DrainingError() if task.cancelled() else task.exception()
        self._end_if_all_is_answered()

    def _answered(self, task: asyncio.Task[None]) -> None:
        self._answering.discard(task)
        self._end_if_all_is_answered()

    def _end_if_all_is_answered(self) -> None:
        if self._reading.done() and not self._answering:
            self._answers.put_nowait(None)
