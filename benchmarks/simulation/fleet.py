"""Several gateways before several model servers, in virtual time.

Callers choose a gateway at random, as a balancer by connections does. Each gateway has a queue of
its own, sees its own batches alone, and sends each to the model server with the fewest of its
outstanding padded tokens. Model servers work on what comes in the order of its coming; with a
batching of their own they merge what waits.
"""

from __future__ import annotations

import contextlib
import functools
import heapq
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from benchmarks.simulation.arrivals import Request
from benchmarks.simulation.engine import ModelCost
from service.batching.batch_time import BatchSize
from service.batching.rules import SchedulingRules
from service.batching.scheduler import Batch, BatchScheduler
from service.errors import OverloadedError, ServiceError


@dataclass(frozen=True)
class FleetResult:
    """What became of a load.

    Attributes:
        offered: Requests that came.
        latencies_s: Of the answered ones, in ascending order.
        rows: Rows of a batch, on average.
        padding: Padding as a share of what the model servers computed.
        busy: Share of the time in which the model servers work.
        waiting_tokens: Tokens in the gateways' queues for each model server, on average.
        outstanding_tokens: Padded tokens sent and not answered, for each model server, on average.
    """

    offered: int
    latencies_s: Sequence[float]
    rows: float
    padding: float
    busy: float
    waiting_tokens: float
    outstanding_tokens: float

    @property
    def refused(self) -> float:
        """The share that was not answered."""
        return 1 - len(self.latencies_s) / self.offered

    def latency_s(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        if not self.latencies_s:
            return math.nan
        return self.latencies_s[max(0, math.ceil(share * len(self.latencies_s)) - 1)]

    def meets(self, p99_s: float) -> bool:
        """Whether 99 % came in time and at most 1 % were refused."""
        return self.refused <= 0.01 and self.latency_s(0.99) <= p99_s


class _Gateway:
    """A scheduler, and what it knows of the model servers."""

    def __init__(self, rules: SchedulingRules, servers: int, random: Random) -> None:
        self.outstanding = [0] * servers
        self._random = random
        self.scheduler: BatchScheduler[Request] = BatchScheduler(
            rules, on_late=_forget, replica_count=lambda _: servers
        )

    def choose(self) -> int:
        """The model server with the fewest outstanding tokens; equals are drawn."""
        fewest = min(self.outstanding)
        equals = [place for place, tokens in enumerate(self.outstanding) if tokens == fewest]
        return self._random.choice(equals)


def _forget(request: Request, error: ServiceError) -> None:
    """Drops a request whose deadline cannot be met; it stays without an answer."""


@dataclass
class _Totals:
    """Sums over the batches that are counted."""

    runs: int = 0
    rows: int = 0
    tokens: int = 0
    padded: int = 0
    busy_s: float = 0.0
    waited: float = 0.0
    outstanding: float = 0.0
    last_end: float = 0.0

    def add(self, batch: Batch[Request], *, sent: float, ends: float) -> None:
        """Counts a batch of a gateway."""
        self.rows += len(batch.rows)
        self.tokens += sum(row.length for row in batch.rows)
        self.waited += sum(row.length * (sent - row.arrival) for row in batch.rows)
        self.outstanding += batch.size.padded_tokens * (ends - sent)
        self.last_end = max(self.last_end, ends)

    def note_run(self, run: Sequence[_Sent]) -> None:
        """Counts what a model server ran as one."""
        rows = sum(len(sent.batch.rows) for sent in run)
        self.runs += 1
        self.padded += rows * max(sent.batch.size.longest for sent in run)


@dataclass(frozen=True, eq=False)
class _Sent:
    """A batch on its way through a model server."""

    gateway: _Gateway
    batch: Batch[Request]
    at: float


class _Server:
    """Works on so many batches at once; the others wait in it.

    Args:
        cost: What a batch costs.
        merges_rows: Batches that wait run as one, of at most so many rows; 0: one by one.
    """

    def __init__(self, cost: ModelCost, merges_rows: int) -> None:
        self._cost = cost
        self._merges_rows = merges_rows
        self._free = cost.workers
        self.waiting: deque[_Sent] = deque()

    def start(self) -> tuple[list[_Sent], float] | None:
        """What runs next and for how long, in seconds; None if it is busy or nothing waits."""
        if not self._free or not self.waiting:
            return None
        self._free -= 1
        merged = [self.waiting.popleft()]
        rows = len(merged[0].batch.rows)
        while self.waiting and rows + len(self.waiting[0].batch.rows) <= self._merges_rows:
            merged.append(self.waiting.popleft())
            rows += len(merged[-1].batch.rows)
        longest = max(each.batch.size.longest for each in merged)
        return merged, self._cost.seconds(BatchSize(rows, longest))

    def ended(self) -> None:
        """A run is over."""
        self._free += 1


class Fleet:
    """Gateways and model servers, and the clock that they share.

    Args:
        gateways: How many gateway processes.
        servers: How many model servers.
        rules: Of each gateway; batches in flight count for each model server.
        cost: What a batch costs a model server.
        merges_rows: As `--max_batch_size` of TensorFlow Serving's own batching; 0: it is off.
    """

    def __init__(
        self,
        gateways: int,
        servers: int,
        *,
        rules: SchedulingRules,
        cost: ModelCost,
        merges_rows: int = 0,
    ) -> None:
        self._random = Random(1)
        self._gateways = [_Gateway(rules, servers, self._random) for _ in range(gateways)]
        self._servers = [_Server(cost, merges_rows) for _ in range(servers)]
        self._workers = cost.workers
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._number = 0
        self._totals = _Totals()
        self._counts_from = 0.0

    def run(self, requests: Sequence[Request], *, warm_up: float = 0.2) -> FleetResult:
        """Sends requests, in the order of their arrival, through the fleet.

        Args:
            requests: The requests; their `answered` is set.
            warm_up: The share of them, from the first one on, that is not counted.
        """
        counted = requests[int(warm_up * len(requests)) :]
        self._counts_from = counted[0].arrival
        place = 0
        while place < len(requests) or self._events:
            arrives_at = requests[place].arrival if place < len(requests) else math.inf
            if self._events and self._events[0][0] <= arrives_at:
                now, _, happen = heapq.heappop(self._events)
                happen(now)
                continue
            gateway = self._random.choice(self._gateways)
            with contextlib.suppress(OverloadedError):  # it stays without an answer
                gateway.scheduler.admit([requests[place]], arrives_at)
            self._send(gateway, arrives_at)
            place += 1
        return self._result(counted)

    def _send(self, gateway: _Gateway, now: float) -> None:
        while batch := gateway.scheduler.next_batch(now):
            place = gateway.choose()
            gateway.outstanding[place] += batch.size.padded_tokens
            self._servers[place].waiting.append(_Sent(gateway, batch, now))
            self._start(place, now)
        wake_at = gateway.scheduler.wake_at
        if wake_at is not None and wake_at > now:
            self._at(wake_at, lambda then: self._send(gateway, then))

    def _start(self, place: int, now: float) -> None:
        while started := self._servers[place].start():
            run, seconds = started
            self._totals.busy_s += seconds if now >= self._counts_from else 0.0
            self._at(now + seconds, functools.partial(self._end, place, run))

    def _end(self, place: int, run: Sequence[_Sent], now: float) -> None:
        self._servers[place].ended()
        self._start(place, now)
        for sent in run:
            sent.gateway.outstanding[place] -= sent.batch.size.padded_tokens
            sent.gateway.scheduler.ended(sent.batch, now, is_answered=True)
            if sent.at >= self._counts_from:
                self._totals.add(sent.batch, sent=sent.at, ends=now)
            for row in sent.batch.rows:
                row.answered = now
        if run and run[0].at >= self._counts_from:
            self._totals.note_run(run)
        for gateway in {id(sent.gateway): sent.gateway for sent in run}.values():
            self._send(gateway, now)

    def _at(self, when: float, happen: Callable[[float], None]) -> None:
        self._number += 1
        heapq.heappush(self._events, (when, self._number, happen))

    def _result(self, requests: Sequence[Request]) -> FleetResult:
        totals, servers = self._totals, len(self._servers)
        span_s = max(totals.last_end, requests[-1].arrival) - requests[0].arrival + 1e-9
        return FleetResult(
            offered=len(requests),
            latencies_s=sorted(
                each.answered - each.arrival for each in requests if each.answered is not None
            ),
            rows=totals.rows / max(1, totals.runs),
            padding=1 - totals.tokens / max(1, totals.padded),
            busy=totals.busy_s / (span_s * servers * self._workers),
            waiting_tokens=totals.waited / span_s / servers,
            outstanding_tokens=totals.outstanding / span_s / servers,
        )
