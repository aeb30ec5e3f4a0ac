"""Callers: of the gateway, of a queue that batches first come, first served, of the model server.

Each is a coroutine that answers one row; `open_loop` sends rows at random times and measures.
"""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any, Final

import grpc
import grpc.aio

from benchmarks.real_load.rows import ExportedModel, Row, predict_request, read_answer
from heed.v1 import inference_pb2

PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
GENERATE: Final = "/heed.v1.InferenceService/Generate"
OPTIONS: Final = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
Answer = Callable[[Row], Awaitable[None]]


@dataclass(frozen=True)
class Load:
    """What became of a load.

    Attributes:
        seconds: How long.
        sent: How many.
        latencies_s: Of those answered, in ascending order.
        refused: How many failed, by status code.
    """

    seconds: float
    sent: int
    latencies_s: Sequence[float]
    refused: dict[str, int]

    def latency_s(self, share: float) -> float:
        """Seconds within which this share of the answers came; infinite without answers."""
        if not self.latencies_s:
            return math.inf
        return self.latencies_s[max(0, math.ceil(share * len(self.latencies_s)) - 1)]

    @property
    def answered_per_s(self) -> float:
        """Rows answered a second."""
        return len(self.latencies_s) / self.seconds

    def goodput(self, within_s: float) -> float:
        """Answers within a time, a second."""
        return sum(latency <= within_s for latency in self.latencies_s) / self.seconds


@asynccontextmanager
async def gateway_caller(address: str, *, timeout_s: float) -> AsyncIterator[Answer]:
    """One Generate for each row."""
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(GENERATE)

        async def answer(row: Row) -> None:
            request = inference_pb2.GenerateRequest(texts=[row.text])
            await call(request.SerializeToString(), timeout=timeout_s)

        yield answer


@asynccontextmanager
async def serving_caller(
    address: str, model: ExportedModel, *, timeout_s: float
) -> AsyncIterator[Answer]:
    """One Predict for each row, to a model server that batches itself."""
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(PREDICT)

        async def answer(row: Row) -> None:
            read_answer(await call(predict_request(model, [row]), timeout=timeout_s))

        yield answer


@asynccontextmanager
async def fifo_caller(
    address: str, model: ExportedModel, *, max_tokens: int, max_rows: int, timeout_s: float
) -> AsyncIterator[Answer]:
    """Batches first come, first served, two of them in flight, padded to the longest."""
    waiting: list[tuple[Row, asyncio.Future[None]]] = []
    wake = asyncio.Event()

    async def send(call: Any) -> None:
        while True:
            while not waiting:
                wake.clear()
                await wake.wait()
            longest, count = 0, 0
            for row, _ in waiting[:max_rows]:
                longest = max(longest, len(row.tokens))
                if count and (count + 1) * longest > max_tokens:
                    break
                count += 1
            batch = waiting[:count]
            del waiting[:count]
            request = predict_request(model, [row for row, _ in batch])
            read_answer(await call(request, timeout=60))
            for _, future in batch:
                if not future.done():
                    future.set_result(None)

    async def answer(row: Row) -> None:
        future = asyncio.get_running_loop().create_future()
        waiting.append((row, future))
        wake.set()
        async with asyncio.timeout(timeout_s):
            await future

    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call: Any = channel.unary_unary(PREDICT)
        senders = [asyncio.create_task(send(call)) for _ in range(2)]
        try:
            yield answer
        finally:
            for sender in senders:
                sender.cancel()
            await asyncio.gather(*senders, return_exceptions=True)


async def open_loop(
    answer: Answer, rows: Sequence[Row], *, rate: float, seconds: float, seed: int = 1
) -> Load:
    """Sends rows at random times, so many a second, whatever becomes of them."""
    random, refused = Random(seed), dict[str, int]()
    latencies: list[float] = []

    async def ask(row: Row) -> None:
        began = time.perf_counter()
        try:
            await answer(row)
        except grpc.aio.AioRpcError as error:
            refused[error.code().name] = refused.get(error.code().name, 0) + 1
        except TimeoutError:
            refused["DEADLINE_EXCEEDED"] = refused.get("DEADLINE_EXCEEDED", 0) + 1
        else:
            latencies.append(time.perf_counter() - began)

    began = time.perf_counter()
    due, calls = began, []
    while due < began + seconds:
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        calls.append(asyncio.create_task(ask(rows[len(calls) % len(rows)])))
        due += random.expovariate(rate)
    await asyncio.gather(*calls)
    return Load(time.perf_counter() - began, len(calls), sorted(latencies), refused)


async def closed_loop(answer: Answer, rows: Sequence[Row], *, callers: int) -> Load:
    """So many callers share the rows; each asks again as soon as it is answered."""
    left, latencies = iter(rows), list[float]()

    async def call_on() -> None:
        for row in left:
            asked = time.perf_counter()
            await answer(row)
            latencies.append(time.perf_counter() - asked)

    began = time.perf_counter()
    await asyncio.gather(*(call_on() for _ in range(callers)))
    return Load(time.perf_counter() - began, len(rows), sorted(latencies), {})
