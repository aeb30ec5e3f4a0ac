"""Virtual time: requests come, batches leave, the model takes as long as its cost model says."""

from __future__ import annotations

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.simulation.arrivals import Request
from benchmarks.simulation.queues import RequestQueue, Run
from service.batching.batch_time import BatchSize


@dataclass(frozen=True)
class ModelCost:
    """What a batch costs the model.

    Attributes:
        fixed_s: Seconds of every batch.
        token_s: Seconds of every padded token, beyond.
        step_s: Seconds of every token of the longest row, beyond.
        workers: Batches that the model server works on at once; more wait in it.
    """

    fixed_s: float
    token_s: float
    step_s: float = 0.0
    workers: int = 1

    def seconds(self, size: BatchSize) -> float:
        """How long a batch takes, alone."""
        return self.fixed_s + self.step_s * size.longest + self.token_s * size.padded_tokens

    def capacity(self, mean_length: float, max_tokens: int, max_rows: int) -> float:
        """Rows a second of full batches without any padding."""
        rows = int(min(max_rows, max_tokens / mean_length))
        return self.workers * rows / self.seconds(BatchSize(rows, round(mean_length)))


@dataclass(frozen=True)
class Result:
    """What became of a load.

    Attributes:
        offered: Requests that came.
        refused: Those that were turned away, or dropped unanswered.
        latencies_s: Of the answered ones, in ascending order.
        in_time: Answers that came before their deadline.
        span_s: Seconds from the first arrival to the last answer, or arrival if that was later.
        runs: Batches.
        tokens: Tokens answered, without padding.
        padded_tokens: The same with it.
    """

    offered: int
    refused: int
    latencies_s: Sequence[float]
    in_time: int
    span_s: float
    runs: int
    tokens: int
    padded_tokens: int

    @property
    def goodput(self) -> float:
        """Answers in time, a second."""
        return self.in_time / self.span_s

    @property
    def padding(self) -> float:
        """Padding as a share of what the model computed."""
        return 1 - self.tokens / self.padded_tokens if self.padded_tokens else 0.0

    def latency_s(self, share: float) -> float:
        """Seconds within which this share of the answers came."""
        if not self.latencies_s:
            return math.nan
        return self.latencies_s[max(0, math.ceil(share * len(self.latencies_s)) - 1)]


class _Server:
    """Works on so many batches at once, in the order of their coming."""

    def __init__(self, cost: ModelCost) -> None:
        self._cost = cost
        self._free_at = [0.0] * cost.workers

    def start(self, run: Run, now: float) -> float:
        """Takes a batch; returns when it ends."""
        begins = max(now, heapq.heappop(self._free_at))
        ends = begins + self._cost.seconds(run.size)
        heapq.heappush(self._free_at, ends)
        return ends


def simulate(
    requests: Sequence[Request], queue: RequestQueue, cost: ModelCost, *, uncounted: int = 0
) -> Result:
    """Sends requests, in the order of their arrival, through a queue to a model.

    Args:
        requests: The requests; their `answered` is set.
        queue: The queue, empty.
        cost: What batches cost.
        uncounted: How many of the first requests are left out of the result, but for `runs` and
            `padded_tokens`, which hold the batches that end after them.
    """
    server = _Server(cost)
    under_way: list[tuple[float, int, Run]] = []
    counted: list[Run] = []
    runs = place = 0
    now = 0.0
    while True:
        while run := queue.next_run(now):
            runs += 1
            heapq.heappush(under_way, (server.start(run, now), runs, run))
        arrives_at = requests[place].arrival if place < len(requests) else math.inf
        ends_at = under_way[0][0] if under_way else math.inf
        wakes_at = math.inf if queue.wake_at is None else queue.wake_at
        now = min(arrives_at, ends_at, wakes_at)
        if now == math.inf:
            break
        if ends_at <= now:
            run = heapq.heappop(under_way)[2]
            for request in run.requests:
                request.answered = now
            if place > uncounted:
                counted.append(run)
            queue.ended(run, now)
        elif arrives_at <= now:
            queue.arrive(requests[place], now)
            place += 1
    return _result(requests[uncounted:], counted)


def _result(requests: Sequence[Request], runs: Sequence[Run]) -> Result:
    answered = [request for request in requests if request.answered is not None]
    latencies = sorted((request.answered or 0.0) - request.arrival for request in answered)
    in_time = sum(
        request.deadline is None or (request.answered or 0.0) <= request.deadline
        for request in answered
    )
    last = max(requests[-1].arrival, *(request.answered or 0.0 for request in requests))
    return Result(
        offered=len(requests),
        refused=len(requests) - len(answered),
        latencies_s=latencies,
        in_time=in_time,
        span_s=max(last - requests[0].arrival, 1e-9),
        runs=len(runs),
        tokens=sum(request.length for run in runs for request in run.requests),
        padded_tokens=sum(run.size.padded_tokens for run in runs),
    )
