"""Answers from the cache, from like calls under way, and the rest from the model."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence

from service.backends.registry import ModelRegistry
from service.domain.answers import TextResult
from service.domain.models import VersionKey
from service.domain.requests import (
    GenerateCall,
    Priority,
    SamplingOptions,
    ScoreCall,
    TextPair,
)
from service.errors import DeadlinePassedError, InvalidRequestError, ServiceError, Stage
from service.pipeline.answer_cache import AnswerCache, AnswerKey, CacheObserver
from service.pipeline.field_paths import with_paths
from service.pipeline.single_flight import Ending, Flights, Landing
from service.pipeline.stopwatch import Stopwatch

Work = Callable[[Sequence[int]], Awaitable[Sequence[TextResult]]]
"""Answers the questions at these places of a call, in order."""

_FlightKey = tuple[AnswerKey, Priority]


class CachedAnswers:
    """Has every question of a call answered once: by the cache, by a like call, or by work.

    Nobody waits for a call of another priority, or for outputs drawn without a seed.

    Args:
        cache: Holds answers, and hears where answers come from; None: every question is worked on.
    """

    def __init__(self, cache: AnswerCache | None = None) -> None:
        self._cache = cache
        self._flights: Flights[_FlightKey, TextResult] = Flights()

    @classmethod
    def of_size(cls, max_bytes: int, observer: CacheObserver) -> CachedAnswers:
        """Answers from a cache of so many bytes; of 0 bytes: from the model alone."""
        return cls(AnswerCache(max_bytes, observer) if max_bytes else None)

    async def follow_versions(self, registry: ModelRegistry) -> None:
        """Drops the answers of every version that goes, for as long as it is not cancelled."""
        while self._cache is not None:
            changed = registry.changed
            states = registry.states
            self._cache.keep_versions({one.key for state in states for one in state.versions})
            await changed.wait()

    async def answer(
        self,
        version: VersionKey,
        call: GenerateCall | ScoreCall,
        *,
        work: Work,
        stopwatch: Stopwatch,
    ) -> tuple[TextResult, ...]:
        """The answers to all questions of a call, in order.

        Args:
            version: The version that answers.
            call: The call.
            work: Answers what is not known yet.
            stopwatch: Notes how many results were there already.

        Raises:
            ServiceError: A question could not be answered.
        """
        questions = _questions(call)
        if self._cache is None or _is_drawn_anew(call):
            return tuple(await work(range(len(questions))))
        options = _options(call)
        keys = [AnswerKey(version, question, options) for question in questions]
        visit = _Visit(self._cache, self._flights, keys=keys, call=call)
        results = await visit.answer(work, stopwatch)
        stopwatch.note_cached(visit.cached_count)
        return results


class _Visit:
    """One call on its way through cache and flights."""

    def __init__(
        self,
        cache: AnswerCache,
        flights: Flights[_FlightKey, TextResult],
        *,
        keys: Sequence[AnswerKey],
        call: GenerateCall | ScoreCall,
    ) -> None:
        self._cache = cache
        self._flights = flights
        self._keys = keys
        self._call = call
        self._results: dict[int, TextResult] = {}
        self.cached_count = 0

    async def answer(self, work: Work, stopwatch: Stopwatch) -> tuple[TextResult, ...]:
        """Every round works on what nobody else does, then waits for what others work on."""
        open_places: Sequence[int] = range(len(self._keys))
        while open_places := self._look_up(open_places):
            leading: dict[_FlightKey, int] = {}
            following: dict[int, Landing[TextResult]] = {}
            twins = []
            for place in open_places:
                key = self._flight_key(place)
                landing = self._flights.landing(key)
                if landing is not None:
                    following[place] = landing
                elif leading.setdefault(key, place) != place:
                    twins.append(place)
            if leading:
                await self._lead(leading, work)
            for place in twins:
                self._share(place, self._results[leading[self._flight_key(place)]])
            open_places = await self._follow(following, work, stopwatch)
        return tuple(self._results[place] for place in range(len(self._keys)))

    def _look_up(self, places: Sequence[int]) -> list[int]:
        """Takes what the cache has; returns the places of the rest."""
        found = {place: self._cache.get(self._keys[place]) for place in places}
        results = {place: result for place, result in found.items() if result is not None}
        self._results.update(results)
        self.cached_count += len(results)
        self._cache.observer.hit(len(results))
        return [place for place in places if place not in results]

    async def _lead(self, leading: dict[_FlightKey, int], work: Work) -> None:
        self._cache.observer.miss(len(leading))
        with self._flights.leading(leading) as landed:
            await self._work(list(leading.values()), work)
            landed.update({key: self._results[place] for key, place in leading.items()})

    async def _follow(
        self, following: dict[int, Landing[TextResult]], work: Work, stopwatch: Stopwatch
    ) -> list[int]:
        """Waits for others; returns the places whose leader left, for another round."""
        await self._wait(list(following.values()), stopwatch)
        again, alone = [], []
        for place, landing in following.items():
            match landing.result():
                case ServiceError() as error:
                    raise error
                case Ending.TAKE_OVER:
                    again.append(place)
                case Ending.ON_YOUR_OWN:
                    alone.append(place)
                case TextResult() as result:
                    self._share(place, result)
        if alone:
            await self._work(alone, work)
        return again

    def _share(self, place: int, result: TextResult) -> None:
        self._results[place] = result
        self.cached_count += 1
        self._cache.observer.shared()

    async def _wait(self, landings: Sequence[Landing[TextResult]], stopwatch: Stopwatch) -> None:
        if not landings:
            return
        deadline = self._call.deadline
        now = asyncio.get_running_loop().time()
        timeout_s = None if deadline is None else max(0.0, deadline - now)
        _, late = await asyncio.wait(landings, timeout=timeout_s)
        if late:
            raise DeadlinePassedError(Stage.QUEUE, stopwatch.metadata())

    async def _work(self, places: Sequence[int], work: Work) -> None:
        try:
            results = await work(places)
        except InvalidRequestError as error:
            raise _with_places(error, places) from error
        for place, result in zip(places, results, strict=True):
            self._results[place] = result
            self._cache.put(self._keys[place], result)

    def _flight_key(self, place: int) -> _FlightKey:
        return self._keys[place], self._call.priority


def _questions(call: GenerateCall | ScoreCall) -> Sequence[str | TextPair]:
    return call.texts if isinstance(call, GenerateCall) else call.pairs


def _options(call: GenerateCall | ScoreCall) -> Hashable:
    return call.options if isinstance(call, GenerateCall) else (call.attention, call.form)


def _is_drawn_anew(call: GenerateCall | ScoreCall) -> bool:
    """Whether the same call gets another answer each time."""
    if isinstance(call, ScoreCall):
        return False
    search = call.options.search
    return isinstance(search, SamplingOptions) and search.seed is None


def _with_places(error: InvalidRequestError, places: Sequence[int]) -> InvalidRequestError:
    """The error with the places that the questions have in the caller's request."""
    return with_paths(
        error,
        {
            f"{field}[{index}]": f"{field}[{place}]"
            for index, place in enumerate(places)
            for field in ("texts", "pairs")
        },
    )
