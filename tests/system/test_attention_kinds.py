"""Attention that draws or remembers, asked through the gateway."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from heed.v1 import inference_pb2
from tests.support.exported_attention import KINDS, attention_models_dir
from tests.support.gateway import running_gateway

__all__ = ["attention_models_dir"]


@pytest.fixture(scope="module")
def answers(attention_models_dir: Path) -> Iterator[dict[str, inference_pb2.GenerateResponse]]:
    texts = ["attention", "heed"]
    options = inference_pb2.GenerateOptions(attention=inference_pb2.ATTENTION_LEVEL_PIECES)
    with running_gateway(["--models-dir", str(attention_models_dir)]) as gateway:
        yield {
            name: gateway.stub.Generate(
                inference_pb2.GenerateRequest(
                    model=inference_pb2.ModelSelector(name=name), texts=texts, options=options
                ),
                timeout=60,
            )
            for name in KINDS
        }


def _matrices(answer: inference_pb2.GenerateResponse) -> Iterator[np.ndarray]:
    for result in answer.results:
        attention = result.hypotheses[0].attention
        yield np.reshape(attention.weights, (-1, len(attention.source_tokens)))


@pytest.mark.parametrize("kind", list(KINDS))
def test_every_row_of_weights_sums_to_1(
    answers: dict[str, inference_pb2.GenerateResponse], kind: str
) -> None:
    for weights in _matrices(answers[kind]):
        np.testing.assert_allclose(weights.sum(axis=-1), 1.0, atol=1e-5)


def test_hard_attention_reads_one_letter_for_each_phoneme(
    answers: dict[str, inference_pb2.GenerateResponse],
) -> None:
    for weights in _matrices(answers["hard"]):
        assert set(np.unique(weights)) == {0.0, 1.0}
