"""What the local model server adds to a model: time per call, and calls a second.

Three figures, each of a server process on loopback, its callers on the same processors:

    trivial, one caller     median and 99th percentile of a Predict of y = x / 2 + 2
    trivial, many callers   answers a second
    decoding                a whole batch, through the server and with the same session called
                            directly in this process, in turns; medians, and the 10th
                            percentiles, which a busy machine disturbs less

Usage: python benchmarks/model_server_overhead.py --models-dir MODELS [--name NAME] [--json]

"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import grpc
import numpy as np

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # before TensorFlow's library is loaded

from model_server.engine.session import SessionConfig
from model_server.engine.tensor import NativeTensor
from model_server.messages import predict_pb2, types_pb2
from model_server.servables.servable import ServableId, load_servable

READY_LINE = re.compile(r"Running gRPC ModelServer at \S+:(\d+) ")
PREDICT = "/tensorflow.serving.PredictionService/Predict"
TRIVIAL, SECONDS_OF_LOAD, WARM_UP_CALLS, BLOCK = "trivial", 5.0, 300, 10


@dataclass(frozen=True)
class Figures:
    """What was measured; times in milliseconds."""

    trivial_p50_ms: float
    trivial_p99_ms: float
    answers_per_s: float
    callers: int
    rows: int
    direct_p50_ms: float
    served_p50_ms: float
    direct_p10_ms: float
    served_p10_ms: float
    added_p50_ms: float
    added_percent: float


def write_trivial_model(base_path: Path) -> None:
    """Publishes y = x / 2 + 2, in a process of its own: TensorFlow is large."""
    code = (
        "import sys, tensorflow as tf\n"
        "module = tf.Module()\n"
        "spec = [tf.TensorSpec([None], tf.float32, name='x')]\n"
        "module.line = tf.function(lambda x: {'y': x / 2 + 2}, input_signature=spec)\n"
        "tf.saved_model.save(module, sys.argv[1], signatures={'serving_default': module.line})\n"
    )
    command = [sys.executable, "-c", code, str(base_path / "1")]
    subprocess.run(command, check=True, capture_output=True)


@contextmanager
def running_server(name: str, base_path: Path, *flags: str) -> Iterator[str]:
    """A model server; gives its address."""
    command = [sys.executable, "-m", "model_server", "--port=0", f"--model_name={name}"]
    with subprocess.Popen(
        [*command, f"--model_base_path={base_path}", *flags], stderr=subprocess.PIPE, text=True
    ) as process:
        ready = next(filter(None, map(READY_LINE.search, process.stderr or ())), None)
        if ready is None:
            raise SystemExit("the model server ended before it was ready")
        drain = threading.Thread(target=lambda: list(process.stderr or ()))
        drain.start()
        try:
            yield f"127.0.0.1:{ready[1]}"
        finally:
            process.terminate()
            drain.join()


@contextmanager
def predicting(address: str) -> Iterator[Callable[[bytes], bytes]]:
    """A caller that sends and receives bytes, so that its own work hardly counts."""
    options = [("grpc.max_receive_message_length", -1), ("grpc.use_local_subchannel_pool", 1)]
    with grpc.insecure_channel(address, options=options) as channel:
        yield channel.unary_unary(PREDICT)


def timed_ms(call: Callable[[], Any]) -> float:
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


def trivial_request() -> bytes:
    request = predict_pb2.PredictRequest()
    request.model_spec.name = TRIVIAL
    tensor = request.inputs["x"]
    tensor.dtype = types_pb2.DT_FLOAT
    tensor.tensor_shape.dim.add(size=2)
    tensor.float_val.extend([1.0, 2.0])
    return bytes(request.SerializeToString())


def measure_latency(address: str, *, calls: int) -> list[float]:
    request = trivial_request()
    with predicting(address) as predict:
        for _ in range(WARM_UP_CALLS):
            predict(request)
        return sorted(timed_ms(lambda: predict(request)) for _ in range(calls))


def count_answers(address: str, seconds: float, answers: Any) -> None:
    """One caller: asks without a pause, after a warm-up, and reports its rate."""
    request, count = trivial_request(), 0
    with predicting(address) as predict:
        for _ in range(WARM_UP_CALLS):
            predict(request)
        began = time.perf_counter()
        while time.perf_counter() - began < seconds:
            predict(request)
            count += 1
        answers.put(count / (time.perf_counter() - began))


def measure_throughput(address: str, *, callers: int) -> float:
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    arguments = (address, SECONDS_OF_LOAD, answers)
    processes = [context.Process(target=count_answers, args=arguments) for _ in range(callers)]
    for process in processes:
        process.start()
    rates = [answers.get(timeout=120) for _ in processes]
    for process in processes:
        process.join()
    return sum(rates)


def decoding_request(name: str, *, rows: int, length: int) -> Any:
    """Random sources, greedily decoded, without attention."""
    tokens = np.random.default_rng(1).integers(4, 20, (rows, length)).astype("<i4")
    request = predict_pb2.PredictRequest(output_filter=["lengths", "scores", "tokens"])
    request.model_spec.name = name
    for alias, values in (("tokens", tokens), ("lengths", np.full(rows, length, "<i4"))):
        tensor = request.inputs[alias]
        tensor.dtype = types_pb2.DT_INT32
        for size in values.shape:
            tensor.tensor_shape.dim.add(size=size)
        tensor.tensor_content = values.tobytes()
    return request


def newest_version(base_path: Path) -> Path:
    return max(
        (path for path in base_path.iterdir() if path.name.isdigit()), key=lambda p: int(p.name)
    )


def measure_decoding(
    base_path: Path, *, rows: int, length: int, calls: int
) -> tuple[list[float], list[float]]:
    """The same batch through the server and directly, in turns."""
    name, version = base_path.name, newest_version(base_path)
    request = decoding_request(name, rows=rows, length=length)
    servable = load_servable(ServableId(name, 1), version, SessionConfig(b"", ("serve",)))
    signature = servable.signature("")
    feeds = {
        signature.inputs[alias]: NativeTensor.from_proto(request.inputs[alias].SerializeToString())
        for alias in signature.inputs
    }
    fetches = [signature.outputs[alias] for alias in request.output_filter]
    serialized, session = request.SerializeToString(), servable.session

    def run_directly() -> Any:
        return session.run(feeds, fetches, timeout_ms=None)

    with running_server(name, base_path) as address, predicting(address) as predict:
        for _ in range(20):
            predict(serialized)
            run_directly()
        direct: list[float] = []
        served: list[float] = []
        while len(direct) < calls:  # in blocks, so that each side finds its caches as it left them
            direct += [timed_ms(run_directly) for _ in range(BLOCK)]
            served += [timed_ms(lambda: predict(serialized)) for _ in range(BLOCK)]
    return direct, served


def measure(arguments: argparse.Namespace) -> Figures:
    with tempfile.TemporaryDirectory() as folder:
        base_path = Path(folder) / TRIVIAL
        write_trivial_model(base_path)
        with running_server(TRIVIAL, base_path) as address:
            latencies = measure_latency(address, calls=arguments.calls)
            answers_per_s = measure_throughput(address, callers=arguments.callers)
    direct, served = measure_decoding(
        arguments.models_dir / arguments.name,
        rows=arguments.rows,
        length=arguments.length,
        calls=arguments.decodings,
    )
    direct_p50, served_p50 = statistics.median(direct), statistics.median(served)
    added = served_p50 - direct_p50
    return Figures(
        trivial_p50_ms=statistics.median(latencies),
        trivial_p99_ms=latencies[len(latencies) * 99 // 100],
        answers_per_s=answers_per_s,
        callers=arguments.callers,
        rows=arguments.rows,
        direct_p50_ms=direct_p50,
        served_p50_ms=served_p50,
        direct_p10_ms=sorted(direct)[len(direct) // 10],
        served_p10_ms=sorted(served)[len(served) // 10],
        added_p50_ms=added,
        added_percent=100 * added / direct_p50,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="What the local model server adds to a model.")
    parser.add_argument(
        "--models-dir", type=Path, required=True, help="a folder of exported models"
    )
    parser.add_argument("--name", default="g2p", help="the decoding model's name (default: g2p)")
    parser.add_argument("--rows", type=int, default=32, help="sources a call (default: 32)")
    parser.add_argument("--length", type=int, default=12, help="tokens a source (default: 12)")
    parser.add_argument("--decodings", type=int, default=200, help="of each side (default: 200)")
    parser.add_argument("--calls", type=int, default=3000, help="trivial calls (default: 3000)")
    parser.add_argument("--callers", type=int, default=8, help="callers at once (default: 8)")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args()
    figures = measure(arguments)
    if arguments.json:
        print(json.dumps(asdict(figures), indent=2))
        return
    print(
        f"trivial model: p50 {figures.trivial_p50_ms:.2f} ms, p99 {figures.trivial_p99_ms:.2f} ms; "
        f"{figures.answers_per_s:.0f} answers a second with {figures.callers} callers\n"
        f"decoding {figures.rows} rows: {figures.direct_p50_ms:.2f} ms directly, "
        f"{figures.served_p50_ms:.2f} ms through the server: "
        f"{figures.added_p50_ms:.2f} ms more, {figures.added_percent:.1f} % (medians); "
        f"{figures.direct_p10_ms:.2f} and {figures.served_p10_ms:.2f} ms (10th percentiles)"
    )


if __name__ == "__main__":
    main()
