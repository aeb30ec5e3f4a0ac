"""The exported weights in CTranslate2 give the same answers as the gateway, server by server."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import grpc
import pytest

from benchmarks.compare_servers import compare_answers, ctranslate2_stack
from heed.client.channel import open_channel
from heed.v1 import inference_pb2
from loadtest.servers import heed_stack
from loadtest.texts import make_texts
from tests.support.exported_model import write_random_run
from tests.support.exported_shared_transformer import NORMS, RUNS, shared_transformer_models_dir

__all__ = ["shared_transformer_models_dir"]

pytest.importorskip("ctranslate2")

TEXTS = [text[:12] for text in make_texts("words", 40)]


def convert(run: Path, folder: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "benchmarks.ctranslate2_model", str(run), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("norm", NORMS)
def test_the_same_weights_give_the_same_answers(
    shared_transformer_models_dir: Path, tmp_path: Path, norm: str
) -> None:
    model, converted = shared_transformer_models_dir / norm, tmp_path / "model"
    done = convert(shared_transformer_models_dir / RUNS / norm, converted)
    assert done.returncode == 0, done.stderr
    with (
        heed_stack(model) as heed,
        ctranslate2_stack(converted, model, batching="waiting", rows=8) as together,
        ctranslate2_stack(converted, model, batching="none", rows=8) as alone,
    ):
        for other in (together, alone):
            compared = compare_answers(heed, other, TEXTS)
            assert compared.equal_share == 1.0
            assert compared.largest_score_gap < 1e-4
        _ask_all_at_once(together.address)


def _ask_all_at_once(address: str) -> None:
    """Every call gets its own answer, though they share batches."""
    with open_channel(grpc, address, tls=None, api_key=None) as channel:
        ask = channel.unary_unary(
            "/heed.v1.InferenceService/Generate",
            request_serializer=inference_pb2.GenerateRequest.SerializeToString,
            response_deserializer=inference_pb2.GenerateResponse.FromString,
        )
        requests = [inference_pb2.GenerateRequest(texts=[text]) for text in TEXTS]
        alone = [ask(request, timeout=60) for request in requests]
        calls = [ask.future(request, timeout=60) for request in requests]
        together = [call.result() for call in calls]
    assert [each.results[0].hypotheses[0].text for each in together] == [
        each.results[0].hypotheses[0].text for each in alone
    ]


def test_another_kind_of_model_is_refused_with_what_was_expected(tmp_path: Path) -> None:
    done = convert(write_random_run(tmp_path / "run"), tmp_path / "model")
    assert done.returncode == 1
    assert "no Transformer with one shared table of vectors" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "model").exists()
