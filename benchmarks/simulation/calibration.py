"""What batches cost a running model server."""

from __future__ import annotations

import statistics
import time
from typing import Final

import grpc
import numpy as np

from benchmarks.simulation.engine import ModelCost
from heed.wire.v1 import serving_pb2
from service.backends.tensor_codec import encode_tensor

PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
_LENGTHS: Final = (4, 8, 16, 32, 60)
_ROWS: Final = (1, 4, 16, 32)
_ROUNDS: Final = 5
_FIRST_TOKEN, _LAST_TOKEN = 4, 24


def calibrate(address: str, model: str) -> ModelCost:
    """Asks a model server for batches of many sizes and fits a line to their times.

    Raises:
        SystemExit: It does not answer.
    """
    sizes, times = [], []
    with grpc.insecure_channel(address) as channel:
        predict = channel.unary_unary(PREDICT)
        for rows in _ROWS:
            for length in _LENGTHS:
                request = predict_request(model, np.full(rows, length))
                sizes.append((1.0, length, rows * length))
                times.append(_median_s(predict, request, address))
    weights = 1 / np.sqrt(times)  # small batches count as well as large ones
    factors, *_ = np.linalg.lstsq(
        np.array(sizes) * weights[:, None], np.array(times) * weights, rcond=None
    )
    fixed, step, token = np.maximum(factors, (1e-4, 0.0, 1e-8)).tolist()
    return ModelCost(fixed_s=fixed, step_s=step, token_s=token)


def predict_request(model: str, lengths: np.ndarray[tuple[int], np.dtype[np.int_]]) -> bytes:
    """Greedy search over random sources of these lengths, padded to the longest."""
    random = np.random.default_rng(int(lengths.sum()))
    shape = (len(lengths), int(lengths.max()))
    tokens = random.integers(_FIRST_TOKEN, _LAST_TOKEN, shape).astype(np.int32)
    request = serving_pb2.PredictRequest(output_filter=["lengths", "scores", "tokens"])
    request.model_spec.name = model
    request.inputs["tokens"].CopyFrom(encode_tensor(tokens))
    request.inputs["lengths"].CopyFrom(encode_tensor(lengths.astype(np.int32)))
    return request.SerializeToString()


def _median_s(predict: grpc.UnaryUnaryMultiCallable, request: bytes, address: str) -> float:
    seconds = []
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        try:
            predict(request, timeout=60)
        except grpc.RpcError as error:
            raise SystemExit(f"{address} does not answer: {error.details()}") from error
        seconds.append(time.perf_counter() - began)
    return statistics.median(seconds[1:])
