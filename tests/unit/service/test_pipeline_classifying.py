"""Labels of texts out of what a classifier answers, and answers that break the contract."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from heed.contract import (
    CLASSIFIER_SIGNATURES,
    AttentionAverage,
    AttentionLayer,
    Contract,
    SentenceLimits,
    Task,
    TokenizerInfo,
)
from service.backends.version_loader import try_version
from service.batching.batcher import Batcher
from service.batching.policy import BatchLimits
from service.batching.rules import SchedulingRules
from service.domain.classification import ClassifiedText, ClassifyCall
from service.domain.models import LoadedVersion, ModelSelector, VersionKey
from service.domain.signatures import AttentionLevel, PredictTarget
from service.errors import ModelAnswerError, ModelContractError
from service.pipeline.classifying import classify_on
from service.pipeline.stopwatch import Stopwatch
from tests.support.stub_model_server import letters

TEXT = "ab c. De"
SENTENCES = SentenceLimits(max_count=4, max_tokens=8)


def version(*, sentences: SentenceLimits | None = SENTENCES) -> LoadedVersion:
    tokenizer = TokenizerInfo(sha256=letters().sha256, vocabulary_size=letters().vocabulary_size)
    contract = Contract(
        model_name="m",
        task=Task.CLASSIFY,
        source_tokenizer=tokenizer,
        max_source_tokens=16,
        labels=("a", "b", "c"),
        sentences=sentences,
        attention=(AttentionLayer(kind="structured", layer_index=0, head_count=2),),
        attention_average=AttentionAverage(layer_indices=(0,), description="both hops"),
        signatures=CLASSIFIER_SIGNATURES,
    )
    return LoadedVersion(VersionKey("m", 1), contract, letters(), None)


class ScriptedPredictor:
    """Answers every row alike: the second label, and even weights; then what the test changes."""

    def __init__(self, **changes: Any) -> None:
        self.changes = changes
        self.asked: list[tuple[PredictTarget, Mapping[str, Any]]] = []

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Any], *, timeout_s: float
    ) -> Mapping[str, Any]:
        self.asked.append((target, inputs))
        rows, width = inputs["tokens"].shape
        even = np.arange(width) < inputs["lengths"][:, np.newaxis]
        weights = (even / inputs["lengths"][:, np.newaxis]).astype(np.float32)
        answers = {
            "probabilities": np.tile(np.array([0.2, 0.5, 0.3], np.float32), (rows, 1)),
            "attention": weights,
            "attention_heads": np.stack([weights, weights], axis=1),
            "sentence_attention": np.tile(np.array([0.75, 0.25], np.float32), (rows, 1)),
        }
        answers |= self.changes
        return {name: answers[name] for name in target.outputs}


async def classify(
    predictor: ScriptedPredictor, *texts: str, on: LoadedVersion | None = None, **call: Any
) -> tuple[ClassifiedText, ...]:
    rules = SchedulingRules(
        BatchLimits(max_tokens=400, max_rows=64), max_queue_tokens=9999, max_in_flight=1
    )
    batcher = Batcher(predictor, rules, max_predict_s=9.0)
    task = asyncio.create_task(batcher.run())
    try:
        return await classify_on(
            on or version(),
            ClassifyCall(ModelSelector(), texts, **call),
            batcher=batcher,
            stopwatch=Stopwatch(),
        )
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_labels_come_most_probable_first() -> None:
    first, second = await classify(ScriptedPredictor(), TEXT, "ab", max_labels=2)
    assert [(each.label, round(each.probability, 3)) for each in first.labels] == [
        ("b", 0.5),
        ("c", 0.3),
    ]
    assert first.labels == second.labels
    assert first.attention is None


async def test_the_model_gets_the_sentence_of_every_token() -> None:
    predictor = ScriptedPredictor()
    await classify(predictor, TEXT)
    ((target, inputs),) = predictor.asked
    assert target.outputs == ("probabilities",)
    spans = [token.begin for token in letters().encode(TEXT)]
    expected = [0 if begin < TEXT.index("D") else 1 for begin in spans]
    assert inputs["sentence_ids"].tolist() == [expected]
    await classify(predictor, TEXT, on=version(sentences=None), attention=AttentionLevel.HEADS)
    target, inputs = predictor.asked[1]
    assert "sentence_ids" not in inputs
    assert target.outputs == ("probabilities", "attention", "attention_heads")


async def test_weights_of_words_are_the_sums_of_their_pieces() -> None:
    (result,) = await classify(ScriptedPredictor(), TEXT, attention=AttentionLevel.WORDS)
    attention = result.attention
    assert attention is not None
    assert [token.text for token in attention.tokens] == ["ab", "c.", "De"]
    assert attention.weights.sum() == pytest.approx(1.0)
    assert [(TEXT[each.begin : each.end], each.weight) for each in attention.sentences] == [
        ("ab c.", 0.75),
        ("De", 0.25),
    ]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"probabilities": np.ones([1, 2], np.float32)}, "2 probabilities for 3 labels"),
        ({"probabilities": np.full([1, 3], np.nan, np.float32)}, "holds NaN or infinity"),
        ({"attention": np.ones([1, 2], np.float32)}, "'attention' has shape"),
        ({"attention": np.full([1, 16], np.inf, np.float32)}, "holds NaN or infinity"),
        ({"attention_heads": np.ones([1, 1, 16], np.float32)}, "'attention_heads' has shape"),
        ({"sentence_attention": np.ones([1, 1], np.float32)}, "'sentence_attention' has shape"),
    ],
)
async def test_an_answer_that_breaks_the_contract_is_found(
    changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(ModelAnswerError, match=message):
        await classify(ScriptedPredictor(**changes), TEXT, attention=AttentionLevel.HEADS)


async def test_a_new_version_is_tried_with_every_set_of_outputs() -> None:
    predictor = ScriptedPredictor()
    await try_version(predictor, version())
    assert {target.outputs for target, _ in predictor.asked} == {
        ("probabilities",),
        ("probabilities", "attention", "sentence_attention"),
        ("probabilities", "attention", "sentence_attention", "attention_heads"),
    }
    flat = ScriptedPredictor()
    await try_version(flat, version(sentences=None))
    assert all("sentence_ids" not in inputs for _, inputs in flat.asked)
    for name in ("probabilities", "sentence_attention"):
        broken = ScriptedPredictor(**{name: np.ones([1, 2, 2], np.float32)})
        with pytest.raises(ModelContractError, match=f"output '{name}' has shape"):
            await try_version(broken, version())
