"""Like questions are worked on once, whoever asks them, and whoever leaves."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from random import Random

import pytest

from service.domain.answers import FinishReason, Hypothesis, TextResult
from service.domain.models import ModelSelector, VersionKey
from service.domain.requests import (
    GenerateCall,
    GenerateOptions,
    Priority,
    SamplingOptions,
    ScoreCall,
    TextPair,
)
from service.errors import (
    DeadlinePassedError,
    InvalidRequestError,
    ModelServerUnreachableError,
    QueueFullError,
    ServiceError,
    Stage,
)
from service.metrics import Metrics
from service.pipeline.answer_cache import AnswerCache
from service.pipeline.cached_answers import CachedAnswers
from service.pipeline.stopwatch import Stopwatch

V1 = VersionKey("m", 1)


class Worker:
    """Answers texts with themselves in capitals, when it is let."""

    def __init__(self) -> None:
        self.asked: list[list[str]] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.failure: ServiceError | None = None

    async def work(self, texts: Sequence[object]) -> tuple[TextResult, ...]:
        self.asked.append([str(text) for text in texts])
        await self.gate.wait()
        failure, self.failure = self.failure, None
        if failure is not None:
            raise failure
        return tuple(
            TextResult((), (Hypothesis(str(text).upper(), 0.0, (), FinishReason.END),))
            for text in texts
        )


class Asker:
    """Asks through a cache."""

    def __init__(self, max_bytes: int = 100_000) -> None:
        self.metrics = Metrics()
        cache = AnswerCache(max_bytes, self.metrics.cache)
        cache.keep_versions([V1])
        self.answers = CachedAnswers(cache)
        self.worker = Worker()
        self.cached_counts: list[int] = []

    async def ask(self, *texts: str, **call: object) -> list[str]:
        return await self.ask_call(
            GenerateCall(ModelSelector(), texts, **{"options": GenerateOptions(), **call})
        )

    async def ask_call(self, call: GenerateCall | ScoreCall) -> list[str]:
        questions = call.texts if isinstance(call, GenerateCall) else call.pairs
        stopwatch = Stopwatch()
        results = await self.answers.answer(
            V1,
            call,
            work=lambda places: self.worker.work([questions[place] for place in places]),
            stopwatch=stopwatch,
        )
        self.cached_counts.append(stopwatch.timings().cached_result_count)
        return [result.hypotheses[0].text for result in results]

    def count(self, result: str) -> float:
        value = self.metrics.registry.get_sample_value(
            "heed_cache_lookups_total", {"result": result}
        )
        return value or 0.0


@pytest.fixture
async def asker() -> Asker:
    return Asker()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_only_what_is_not_known_is_worked_on(asker: Asker) -> None:
    assert await asker.ask("a", "b") == ["A", "B"]
    assert await asker.ask("c", "a", "b", "a") == ["C", "A", "B", "A"]
    assert asker.worker.asked == [["a", "b"], ["c"]]
    assert asker.cached_counts == [0, 3]
    assert (asker.count("hit"), asker.count("miss")) == (3, 3)


async def test_the_same_text_twice_in_a_call_is_worked_on_once(asker: Asker) -> None:
    assert await asker.ask("a", "b", "a") == ["A", "B", "A"]
    assert asker.worker.asked == [["a", "b"]]
    assert asker.count("shared") == 1


async def test_without_a_cache_everything_is_worked_on(asker: Asker) -> None:
    asker.answers = CachedAnswers()
    await asker.ask("a", "a")
    await asker.ask("a")
    assert asker.worker.asked == [["a", "a"], ["a"]]


async def test_other_options_and_scores_have_answers_of_their_own(asker: Asker) -> None:
    await asker.ask("a")
    await asker.ask("a", options=GenerateOptions(max_length=3))
    score = ScoreCall(ModelSelector(), (TextPair("a", "b"),))
    await asker.ask_call(score)
    await asker.ask_call(score)
    assert len(asker.worker.asked) == 3


async def test_drawn_outputs_are_kept_only_with_a_seed(asker: Asker) -> None:
    free = GenerateOptions(search=SamplingOptions())
    for _ in range(2):
        await asker.ask("a", options=free)
    seeded = GenerateOptions(search=SamplingOptions(seed=1))
    for _ in range(2):
        await asker.ask("a", options=seeded)
    assert len(asker.worker.asked) == 3


async def test_like_calls_under_way_share_one_answer(asker: Asker) -> None:
    asker.worker.gate.clear()
    calls = [asyncio.create_task(asker.ask("a", "b")) for _ in range(20)]
    await settle()
    asker.worker.gate.set()
    assert await asyncio.gather(*calls) == [["A", "B"]] * 20
    assert asker.worker.asked == [["a", "b"]]
    assert sorted(asker.cached_counts) == [0] + [2] * 19


async def test_answers_too_large_to_keep_are_shared_all_the_same() -> None:
    asker = Asker(max_bytes=1)
    asker.worker.gate.clear()
    calls = [asyncio.create_task(asker.ask("a", "a")) for _ in range(3)]
    await settle()
    asker.worker.gate.set()
    assert await asyncio.gather(*calls) == [["A", "A"]] * 3
    assert asker.worker.asked == [["a"]]


async def test_a_caller_that_leaves_hands_the_lead_to_one_of_the_others(asker: Asker) -> None:
    asker.worker.gate.clear()
    leader, *followers = [asyncio.create_task(asker.ask("a")) for _ in range(5)]
    await settle()
    leader.cancel()
    await settle()
    asker.worker.gate.set()
    assert await asyncio.gather(*followers) == [["A"]] * 4
    assert asker.worker.asked == [["a"], ["a"]]
    assert leader.cancelled()


async def test_a_leader_that_is_late_does_not_make_others_late(asker: Asker) -> None:
    asker.worker.gate.clear()
    asker.worker.failure = DeadlinePassedError(Stage.MODEL)
    leader, follower = [asyncio.create_task(asker.ask("a")) for _ in range(2)]
    await settle()
    asker.worker.gate.set()
    with pytest.raises(DeadlinePassedError):
        await leader
    assert await follower == ["A"]


async def test_a_follower_waits_no_longer_than_its_own_deadline(asker: Asker) -> None:
    asker.worker.gate.clear()
    leader = asyncio.create_task(asker.ask("a"))
    await settle()
    with pytest.raises(DeadlinePassedError):
        await asker.ask("a", deadline=asyncio.get_running_loop().time() + 0.01)
    asker.worker.gate.set()
    assert await leader == ["A"]


@pytest.mark.parametrize("failure", [ModelServerUnreachableError("m")])
async def test_a_failure_of_the_model_server_is_everybodys_and_is_not_kept(
    asker: Asker, failure: ServiceError
) -> None:
    asker.worker.gate.clear()
    asker.worker.failure = failure
    calls = [asyncio.create_task(asker.ask("a")) for _ in range(3)]
    await settle()
    asker.worker.gate.set()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    assert outcomes == [failure] * 3
    assert len(asker.worker.asked) == 1
    assert await asker.ask("a") == ["A"]


@pytest.mark.parametrize(
    "failure",
    [
        InvalidRequestError.of("texts[0]", "is too long"),
        QueueFullError(waiting_tokens=1, max_queue_tokens=1, retry_after_s=1),
    ],
)
async def test_a_failure_of_the_leader_alone_is_not_its_followers(
    asker: Asker, failure: ServiceError
) -> None:
    asker.worker.gate.clear()
    asker.worker.failure = failure
    leader, *followers = [asyncio.create_task(asker.ask("a")) for _ in range(3)]
    await settle()
    asker.worker.gate.set()
    with pytest.raises(type(failure)):
        await leader
    assert await asyncio.gather(*followers) == [["A"]] * 2


async def test_an_error_names_the_place_in_the_callers_request(asker: Asker) -> None:
    await asker.ask("a")
    asker.worker.failure = InvalidRequestError.of("texts[1]", "is too long")
    with pytest.raises(InvalidRequestError) as refused:
        await asker.ask("b", "a", "c")
    assert asker.worker.asked[-1] == ["b", "c"]
    assert refused.value.violations[0].field == "texts[2]"


async def test_calls_that_lead_one_another_both_end(asker: Asker) -> None:
    asker.worker.gate.clear()
    first = asyncio.create_task(asker.ask("a", "b"))
    await settle()
    second = asyncio.create_task(asker.ask("c", "a"))
    await settle()
    third = asyncio.create_task(asker.ask("b", "c"))
    await settle()
    asker.worker.gate.set()
    async with asyncio.timeout(5):
        assert await asyncio.gather(first, second, third) == [["A", "B"], ["C", "A"], ["B", "C"]]
    assert asker.worker.asked == [["a", "b"], ["c"]]


async def test_an_interactive_call_does_not_wait_for_bulk_work(asker: Asker) -> None:
    asker.worker.gate.clear()
    bulk = asyncio.create_task(asker.ask("a", priority=Priority.BULK))
    await settle()
    interactive = asyncio.create_task(asker.ask("a"))
    await settle()
    assert len(asker.worker.asked) == 2
    asker.worker.gate.set()
    await asyncio.gather(bulk, interactive)


@pytest.mark.parametrize("seed", range(5))
async def test_whoever_comes_leaves_or_fails_the_others_have_right_answers(seed: int) -> None:
    random = Random(seed)
    asker = Asker(max_bytes=random.choice([1, 3000, 100_000]))

    async def slow_work(texts: Sequence[object]) -> tuple[TextResult, ...]:
        for _ in range(random.randrange(4)):
            await asyncio.sleep(0)
        if random.random() < 0.1:
            raise QueueFullError(waiting_tokens=1, max_queue_tokens=1, retry_after_s=1)
        return await Worker().work(texts)

    asker.worker.work = slow_work
    calls = []
    for _ in range(300):
        texts = [random.choice("abcdef") for _ in range(random.randrange(1, 4))]
        calls.append((texts, asyncio.create_task(asker.ask(*texts))))
        if random.random() < 0.3:
            random.choice(calls)[1].cancel()
        if random.random() < 0.5:
            await asyncio.sleep(0)
    async with asyncio.timeout(10):
        outcomes = await asyncio.gather(*(call for _, call in calls), return_exceptions=True)
    for (texts, call), outcome in zip(calls, outcomes, strict=True):
        if not call.cancelled() and not isinstance(outcome, QueueFullError):
            assert outcome == [text.upper() for text in texts]
