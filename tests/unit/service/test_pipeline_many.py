"""Bulk work with a model that the test releases text by text."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing

import pytest

from service.domain.answers import Answer, Timings
from service.domain.models import VersionKey
from service.domain.streams import ManyAnswer, ManyInput
from service.errors import (
    DrainingError,
    InternalError,
    InvalidRequestError,
    ModelServerUnreachableError,
)
from service.pipeline.many import answer_many

ANSWER = Answer(VersionKey("m", 1), (), Timings(0.0, 0.0, 0.0, 0.0))


class Work:
    """Texts that come, and what becomes of them."""

    def __init__(self, *texts: str) -> None:
        self.texts = list(texts)
        self.read: list[str] = []
        self.under_way: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.ending = asyncio.Event()
        self.more: asyncio.Event | None = None
        self.failure: Exception | None = None

    async def inputs(self) -> AsyncIterator[ManyInput]:
        for text in self.texts:
            self.read.append(text)
            yield ManyInput(f"id of {text}", text)
        if self.failure is not None:
            raise self.failure
        if self.more is not None:
            await self.more.wait()

    async def answer(self, text: str) -> Answer:
        self.under_way.append(text)
        try:
            await self.gate.wait()
            if text == "bad":
                raise ModelServerUnreachableError("m")
            if text == "bug":
                raise KeyError(text)
            return ANSWER
        finally:
            self.under_way.remove(text)

    def run(self, window: int = 4):  # type: ignore[no-untyped-def]
        return answer_many(self.inputs(), self.answer, window=window, ending=self.ending)


async def ids_into(seen: list[str], answers: AsyncIterator[ManyAnswer]) -> None:
    async for answer in answers:
        seen.append(answer.id)


async def settle() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def test_every_text_gets_an_answer_with_its_id() -> None:
    work = Work(*(f"t{number}" for number in range(50)))
    answers = [answer async for answer in work.run()]
    assert sorted(answer.id for answer in answers) == sorted(f"id of {t}" for t in work.texts)
    assert all(answer.outcome is ANSWER for answer in answers)


async def test_no_texts_are_an_empty_work() -> None:
    assert [answer async for answer in Work().run()] == []


async def test_a_text_that_fails_has_an_error_of_its_own(caplog: pytest.LogCaptureFixture) -> None:
    answers = {answer.id: answer.outcome async for answer in Work("a", "bad", "bug", "b").run()}
    assert isinstance(answers["id of bad"], ModelServerUnreachableError)
    assert isinstance(answers["id of bug"], InternalError)
    assert answers["id of a"] is answers["id of b"] is ANSWER
    assert "a text of a stream failed" in caplog.text


async def test_only_the_window_is_read_while_nothing_is_answered() -> None:
    work = Work(*"abcdefghij")
    work.gate.clear()
    async with aclosing(work.run(window=3)) as answers:
        first = asyncio.ensure_future(anext(answers))
        await settle()
        assert work.read == ["a", "b", "c"]
        work.gate.set()
        await first


async def test_only_the_window_is_read_while_the_reader_takes_nothing() -> None:
    work = Work(*"abcdefghij")
    async with aclosing(work.run(window=3)) as answers:
        await anext(answers)
        await settle()
        assert len(work.read) == 3
        await anext(answers)
        await settle()
        assert len(work.read) == 4


async def test_a_work_that_is_closed_gives_up_what_is_under_way() -> None:
    work = Work(*"abcdef")
    work.gate.clear()
    answers = work.run(window=4)
    first = asyncio.ensure_future(anext(answers))
    await settle()
    assert len(work.under_way) == 4
    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    await answers.aclose()
    assert work.under_way == []


async def test_at_the_end_what_was_read_is_answered_and_then_it_is_said() -> None:
    work = Work(*"abc")
    work.more = asyncio.Event()
    work.gate.clear()
    answers = work.run(window=9)
    first = asyncio.ensure_future(anext(answers))
    await settle()
    work.ending.set()
    await settle()
    work.gate.set()
    seen = [(await first).id]
    with pytest.raises(DrainingError):
        await ids_into(seen, answers)
    assert seen == ["id of a", "id of b", "id of c"]


async def test_texts_that_cannot_be_read_end_the_work_after_the_answers() -> None:
    work = Work(*"ab")
    work.failure = InvalidRequestError.of("input", "must be set")
    seen: list[str] = []
    with pytest.raises(InvalidRequestError, match="must be set"):
        await ids_into(seen, work.run())
    assert seen == ["id of a", "id of b"]
