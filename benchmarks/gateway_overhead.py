"""What the gateway adds to a model server: time per call, calls a second, processor time a call.

A model that answers at once stands behind the local model server, so that everything measured is
the way to it. Three figures, all in one run, the servers and their callers on the same processors:

    one caller      median of Generate through the gateway less that of the same Predict sent to
                    the model server, in turns
    many callers    answers a second through one gateway process
    processor time  of the gateway alone, for each answer under that load: it bounds what one
                    process carries on a machine with more processors, and hardly depends on what
                    else this machine does

Usage: python benchmarks/gateway_overhead.py [--seconds N] [--callers N] [--json]
"""

from __future__ import annotations

import argparse
import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import numpy as np
from instant_model import NAME, publish_instant_model

from benchmarks.real_load.callers import GENERATE, PREDICT
from benchmarks.real_load.servers import gateway, model_server
from heed.v1 import inference_pb2
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import encode_tensor

TEXT = "attention"
OPTIONS = [("grpc.use_local_subchannel_pool", 1)]


@dataclass(frozen=True)
class Figures:
    """What was measured."""

    direct_p50_ms: float
    gateway_p50_ms: float
    added_p50_ms: float
    direct_p99_ms: float
    gateway_p99_ms: float
    callers: int
    answers_per_s: float
    gateway_cpu_ms_per_answer: float
    model_server_cpu_ms_per_answer: float


def predict_request() -> bytes:
    """The Predict that the gateway sends for one text."""
    request = serving_pb2.PredictRequest(
        output_filter=["tokens", "lengths", "scores", "token_scores"]
    )
    request.model_spec.name = NAME
    request.model_spec.version.value = 1
    request.model_spec.signature_name = "greedy"
    one = np.ones(1, np.int32)
    inputs = {
        "tokens": np.full((1, len(TEXT)), 5, np.int32),
        "lengths": one * len(TEXT),
        "max_lengths": one * 256,
        "min_lengths": one * 0,
        "prefix_tokens": np.zeros((1, 1), np.int32),
        "prefix_lengths": one * 0,
    }
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode_tensor(array))
    return bytes(request.SerializeToString())


def generate_request() -> bytes:
    """The same to the gateway."""
    return inference_pb2.GenerateRequest(texts=[TEXT]).SerializeToString()


def one_caller(direct: str, through: str, seconds: float) -> tuple[list[float], list[float]]:
    """Times of single calls in milliseconds: to the model server, and through the gateway."""
    with (
        grpc.insecure_channel(direct, options=OPTIONS) as to_model,
        grpc.insecure_channel(through, options=OPTIONS) as to_gateway,
    ):
        calls = (
            (to_model.unary_unary(PREDICT), predict_request()),
            (to_gateway.unary_unary(GENERATE), generate_request()),
        )
        times: tuple[list[float], list[float]] = ([], [])
        for (call, request), _ in zip(calls, times, strict=True):
            for _ in range(200):
                call(request, timeout=10)
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            for (call, request), kept in zip(calls, times, strict=True):
                kept.extend(timed_ms(lambda: call(request, timeout=10)) for _ in range(20))  # noqa: B023
    return times


def timed_ms(call: Callable[[], Any]) -> float:
    """How long a call takes, in milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def load(address: str, callers: int, seconds: float, answered: Any) -> None:
    """Calls without a pause from a process of its own, as bytes, so that its work hardly counts."""

    async def call_on() -> None:
        request = generate_request()
        ends = time.monotonic() + seconds

        async def caller(call: Any) -> int:
            count = 0
            while time.monotonic() < ends:
                await call(request, timeout=10)
                count += 1
            return count

        async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
            call = channel.unary_unary(GENERATE)
            counts = await asyncio.gather(*(caller(call) for _ in range(callers)))
        answered.value = sum(counts)

    asyncio.run(call_on())


def many_callers(address: str, callers: int, seconds: float) -> float:
    """Answers a second."""
    context = multiprocessing.get_context("spawn")
    answered = context.Value("q", 0)
    process = context.Process(target=load, args=(address, callers, seconds, answered))
    process.start()
    process.join()
    if process.exitcode:
        raise SystemExit("the callers failed")
    return float(answered.value) / seconds


def measure(callers: int, seconds: float, flags: Sequence[str]) -> Figures:
    """Starts both servers and measures."""
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder, NAME)
        publish_instant_model(base_path)
        with model_server(base_path) as direct, gateway(direct, NAME, flags) as through:
            direct_ms, gateway_ms = one_caller(direct.address, through.address, seconds)
            many_callers(through.address, callers, 1.0)  # warm
            before = through.cpu_s(), direct.cpu_s()
            per_s = many_callers(through.address, callers, seconds)
            after = through.cpu_s(), direct.cpu_s()
    answers = per_s * seconds
    direct_p50, gateway_p50 = statistics.median(direct_ms), statistics.median(gateway_ms)
    return Figures(
        direct_p50_ms=direct_p50,
        gateway_p50_ms=gateway_p50,
        added_p50_ms=gateway_p50 - direct_p50,
        direct_p99_ms=float(np.percentile(direct_ms, 99)),
        gateway_p99_ms=float(np.percentile(gateway_ms, 99)),
        callers=callers,
        answers_per_s=per_s,
        gateway_cpu_ms_per_answer=(after[0] - before[0]) / answers * 1e3,
        model_server_cpu_ms_per_answer=(after[1] - before[1]) / answers * 1e3,
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description="What the gateway adds to a model server.")
    parser.add_argument("--seconds", type=float, default=8.0, help="of each part (default: 8)")
    parser.add_argument("--callers", type=int, default=32, help="at the same time (default: 32)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("flags", nargs="*", help="flags for the gateway, after --")
    options = parser.parse_args()
    figures = measure(options.callers, options.seconds, options.flags)
    if options.json:
        print(json.dumps(asdict(figures), indent=2))
        return
    for name, value in asdict(figures).items():
        print(f"{name:32} {value:10.3f}" if isinstance(value, float) else f"{name:32} {value:6}")


if __name__ == "__main__":
    main()
