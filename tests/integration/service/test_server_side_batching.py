"""Several gateways in front of one model server that merges and pads their batches once more."""

from __future__ import annotations

import re
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from heed.v1 import inference_pb2
from tests.support.exported_model import MODEL_NAME
from tests.support.gateway import GatewayProcess, generate_request, running_gateway
from tests.support.model_server import free_port, model_flags, running_model_server

BATCHING = """
max_batch_size { value: 32 }
batch_timeout_micros { value: 20000 }
max_enqueued_batches { value: 100 }
num_batch_threads { value: 2 }
pad_variable_length_inputs: true
allowed_batch_sizes: 8 allowed_batch_sizes: 32
"""
TEXTS = ["a", "heed", "attention", "o'clock", "q" * 24, "co-operate", "be", "Zeitgeist"]
TOLERANCE = 1e-4


@dataclass(frozen=True)
class MergingStack:
    """Gateways, and the address of their model server's metrics."""

    gateways: tuple[GatewayProcess, ...]
    metrics_url: str

    def metric(self, name: str) -> int:
        """The sum of a counter over its labels."""
        with urllib.request.urlopen(self.metrics_url, timeout=10) as page:
            lines = page.read().decode()
        return sum(int(found) for found in re.findall(rf"^:{name}{{.*}} (\d+)$", lines, re.M))


@pytest.fixture(scope="module")
def merging(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MergingStack]:
    folder, rest_port = tmp_path_factory.mktemp("batching"), free_port()
    (folder / "batching").write_text(BATCHING)
    (folder / "monitoring").write_text("prometheus_config { enable: true }")
    flags = [
        *model_flags(MODEL_NAME, exported_models_dir / MODEL_NAME),
        *("--enable_batching", f"--batching_parameters_file={folder / 'batching'}"),
        *(f"--rest_api_port={rest_port}", f"--monitoring_config_file={folder / 'monitoring'}"),
        "--grpc_max_threads=64",
    ]
    with ExitStack() as stack:
        server = stack.enter_context(running_model_server(flags))
        gateway_flags = ["--model-server", server.address, "--model", MODEL_NAME]
        gateways = tuple(stack.enter_context(running_gateway(gateway_flags)) for _ in range(3))
        url = f"http://127.0.0.1:{rest_port}/monitoring/prometheus/metrics"
        yield MergingStack(gateways, url)


def test_answers_do_not_change_when_the_model_server_merges_and_pads(
    gateway: GatewayProcess, merging: MergingStack
) -> None:
    attention = inference_pb2.ATTENTION_LEVEL_PIECES
    requests = [
        generate_request(text, attention=attention, prefix=prefix)
        for text in TEXTS
        for prefix in ("", "AA K")
    ]
    expected = [gateway.stub.Generate(request, timeout=60) for request in requests]
    check_merged_answers(merging, requests * 6, expected * 6)


def test_gateways_whose_beams_differ_in_width_share_batches_and_keep_their_answers(
    gateway: GatewayProcess, merging: MergingStack
) -> None:
    attention = inference_pb2.ATTENTION_LEVEL_PIECES
    requests = [
        generate_request(text, attention=attention, beam_width=width, num_hypotheses=width)
        for text in TEXTS
        for width in (1, 2, 5)
    ]
    expected = [gateway.stub.Generate(request, timeout=60) for request in requests]
    check_merged_answers(merging, requests * 3, expected * 3)


def check_merged_answers(
    merging: MergingStack,
    requests: list[inference_pb2.GenerateRequest],
    expected: list[inference_pb2.GenerateResponse],
) -> None:
    """Asks every gateway in turn, many at once, and sees that the model server merged them."""
    metric = "tensorflow:serving:batching_session:wrapped_run_count"
    runs_before = merging.metric(metric)

    def ask(index: int) -> inference_pb2.GenerateResponse:
        stub = merging.gateways[index % len(merging.gateways)].stub
        return stub.Generate(requests[index], timeout=60)

    with ThreadPoolExecutor(24) as pool:
        answers = list(pool.map(ask, range(len(requests))))

    runs = merging.metric(metric) - runs_before
    assert 0 < runs < len(requests) / 2, "the model server merged too little to show anything"
    for answer, alone in zip(answers, expected, strict=True):
        check_same(answer, alone)


def check_same(
    answer: inference_pb2.GenerateResponse, expected: inference_pb2.GenerateResponse
) -> None:
    for ours, theirs in zip(
        answer.results[0].hypotheses, expected.results[0].hypotheses, strict=True
    ):
        assert [token.id for token in ours.tokens] == [token.id for token in theirs.tokens]
        assert ours.score == pytest.approx(theirs.score, abs=TOLERANCE)
        assert list(ours.attention.weights) == pytest.approx(
            list(theirs.attention.weights), abs=TOLERANCE
        )
