"""A version whose decoding XLA compiles, on the CPU through the local model server."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest

from heed.v1 import inference_pb2
from tests.support.exported_xla import BEAM_WIDTH, ROWS, xla_models_dir
from tests.support.gateway import (
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
    violations_of,
)
from tests.support.http import metric_values

__all__ = ["xla_models_dir"]

pytestmark = pytest.mark.timeout(400)  # XLA compiles for a while on a busy machine

TEXTS = ["a", "heed", "attention", "o'clock", "q" * 24, "co-operate", "be", "zeitgeist", "ab"] * 3
SEARCHES = [
    {},
    {"prefix": "AA K", "max_length": 7},
    {"beam_width": 3, "num_hypotheses": 3, "coverage_penalty": 0.2, "no_repeat_ngram_size": 2},
    {"sampling": inference_pb2.SamplingOptions(seed=4, num_samples=2, top_p=0.9)},
]


@pytest.fixture(scope="module")
def compiled(xla_models_dir: Path) -> Iterator[GatewayProcess]:
    """It compiles every shape before it is ready."""
    flags = ["--models-dir", str(xla_models_dir), "--http-port=0"]
    with running_gateway(flags, until_ready=False) as gateway:
        gateway.wait_until_ready(timeout_s=300)
        yield gateway


@pytest.mark.parametrize("options", SEARCHES, ids=["greedy", "prefix", "beam", "samples"])
def test_answers_are_those_of_the_version_without(
    gateway: GatewayProcess, compiled: GatewayProcess, options: dict[str, object]
) -> None:
    request = generate_request(*TEXTS, attention=inference_pb2.ATTENTION_LEVEL_PIECES, **options)
    expected = gateway.stub.Generate(request, timeout=60).results
    found = compiled.stub.Generate(request, timeout=120).results
    assert len(found) == len(expected) == len(TEXTS) > ROWS
    for ours, theirs in zip(found, expected, strict=True):
        assert len(ours.hypotheses) == len(theirs.hypotheses)
        for one, other in zip(ours.hypotheses, theirs.hypotheses, strict=True):
            assert [token.id for token in one.tokens] == [token.id for token in other.tokens]
            assert one.score == pytest.approx(other.score, abs=1e-4)
            assert list(one.attention.weights) == pytest.approx(
                list(other.attention.weights), abs=1e-4
            )


def test_no_batch_is_larger_than_the_shapes_there_are(compiled: GatewayProcess) -> None:
    compiled.stub.Generate(generate_request(*TEXTS), timeout=120)
    metrics = httpx.get(f"{compiled.url}/metrics").text
    largest = metric_values(metrics, "heed_batch_rows_bucket")
    sent = metric_values(metrics, "heed_batch_rows_count")
    within = {labels: count for labels, count in largest.items() if ("le", f"{ROWS}.0") in labels}
    assert sum(within.values()) == sum(sent.values()) > 0


def test_a_beam_wider_than_its_shape_is_refused_with_the_limit(compiled: GatewayProcess) -> None:
    request = generate_request("heed", beam_width=BEAM_WIDTH + 1)
    error = error_of(lambda: compiled.stub.Generate(request, timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {"options.beam_width": "must be 1 to 4, got 5"}
