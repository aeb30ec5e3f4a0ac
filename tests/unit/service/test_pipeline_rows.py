"""Rows of a call: what they ask for, and how much of a batch they take."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from heed.contract import Signature
from service.batching.batcher import Batcher
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from service.domain.models import ModelSelector, VersionKey
from service.domain.requests import BeamOptions, GenerateOptions, SamplingOptions, ScoreCall
from service.domain.signatures import PredictTarget
from service.pipeline.rows import decoding_inputs, run_rows
from service.pipeline.stopwatch import Stopwatch


class CountingPredictor:
    """Answers nothing but remembers what was asked."""

    def __init__(self) -> None:
        self.batches: list[tuple[PredictTarget, Mapping[str, Any]]] = []

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        self.batches.append((target, inputs))
        await asyncio.sleep(0)
        return {}


@pytest.fixture
def predictor() -> CountingPredictor:
    return CountingPredictor()


async def run(predictor: CountingPredictor, *widths: int, rows: int = 4) -> None:
    """Runs so many rows of 5 tokens for each beam width, all at once."""
    rules = SchedulingRules(
        BatchLimits(max_tokens=40, max_rows=64), max_queue_tokens=9999, max_in_flight=1
    )
    batcher = Batcher(predictor, rules, max_predict_s=9.0)
    task = asyncio.create_task(batcher.run())
    calls = [
        run_rows(
            batcher,
            PredictTarget(VersionKey("m", 1), Signature.BEAM, (), width),
            [
                decoding_inputs(
                    [5] * 5, [], options=GenerateOptions(search=BeamOptions(width)), longest=9
                )
            ]
            * rows,
            call=ScoreCall(ModelSelector(), ()),
            stopwatch=Stopwatch(),
        )
        for width in widths
    ]
    await asyncio.gather(*calls)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def test_a_row_counts_as_often_as_its_beam_is_wide(predictor: CountingPredictor) -> None:
    await run(predictor, 4)
    assert [len(inputs["tokens"]) for _, inputs in predictor.batches] == [2, 2]


async def test_rows_of_other_beams_travel_apart(predictor: CountingPredictor) -> None:
    await run(predictor, 1, 2, rows=2)
    widths = [inputs["beam_width"].tolist() for _, inputs in predictor.batches]
    assert sorted(widths) == [[1, 1], [2, 2]]


def test_a_beams_options_become_inputs_of_their_number_format() -> None:
    beam = BeamOptions(4, 2, length_penalty=0.6, coverage_penalty=0.2, no_repeat_ngram_size=3)
    inputs = decoding_inputs([5], [6], options=GenerateOptions(search=beam), longest=9)
    assert inputs["beam_width"] == 4
    assert inputs["no_repeat_ngram"] == 3
    assert inputs["length_penalty"].dtype == inputs["coverage_penalty"].dtype == np.float32
    assert inputs["length_penalty"] == np.float32(0.6)


def test_a_seed_is_sent_as_it_is_and_drawn_where_there_is_none() -> None:
    seeded = GenerateOptions(search=SamplingOptions(seed=-7, top_k=5))
    inputs = decoding_inputs([5], [], options=seeded, longest=9)
    assert (inputs["seed"], inputs["top_k"], inputs["temperature"]) == (-7, 5, 1)
    free = GenerateOptions(search=SamplingOptions())
    seeds = {int(decoding_inputs([5], [], options=free, longest=9)["seed"]) for _ in range(20)}
    assert len(seeds) > 10


def test_a_row_without_a_prefix_still_has_a_column_for_it() -> None:
    inputs = decoding_inputs([5, 6], [], options=GenerateOptions(), longest=9)
    assert inputs["prefix_tokens"].tolist() == [0]
    assert inputs["prefix_lengths"] == 0
