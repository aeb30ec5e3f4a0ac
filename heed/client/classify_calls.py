"""Classifying, for both clients."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from heed.client import conversion
from heed.client.classified import (
    ClassifyResult,
    LabelProbability,
    SentenceWeight,
    SourceAttention,
)
from heed.client.priority import Priority
from heed.client.requests import (
    attention_level,
    check_number,
    check_texts,
    selector,
    wire_priority,
)
from heed.client.results import AttentionLevel, ModelVersion
from heed.v1 import inference_pb2


class ClassifyCalls:
    """The part of `Client` that asks classifiers."""

    _stub: Any
    _priority: Priority | None

    def _call(self, method: Any, request: object) -> Any:
        raise NotImplementedError

    @overload
    def classify(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult: ...

    @overload
    def classify(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> list[ClassifyResult]: ...

    def classify(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult | list[ClassifyResult]:
        """Gives a text its labels, each with its probability; or several texts in one call.

        Args:
            texts: One text, or several; at most 256 unless the gateway is configured otherwise.
            model: As in `generate`.
            attention: "none", "words", "pieces" (the tokens of the model) or "heads" (pieces, and
                every hop of the attention too).
            max_labels: The most labels of a text, most probable first; all unless given.

        Returns:
            One result for one text; a list, in order, for several.
        """
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        request = classify_request(asked, model, attention, max_labels, self._priority)
        results = classify_results(asked, self._call(self._stub.Classify, request))
        return results[0] if isinstance(texts, str) else results


class AsyncClassifyCalls:
    """The part of `AsyncClient` that asks classifiers."""

    _stub: Any
    _priority: Priority | None

    async def _call(self, method: Any, request: object) -> Any:
        raise NotImplementedError

    @overload
    async def classify(
        self,
        texts: str,
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult: ...

    @overload
    async def classify(
        self,
        texts: list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> list[ClassifyResult]: ...

    async def classify(
        self,
        texts: str | list[str] | tuple[str, ...],
        *,
        model: str | ModelVersion = "",
        attention: AttentionLevel | str = AttentionLevel.NONE,
        max_labels: int | None = None,
    ) -> ClassifyResult | list[ClassifyResult]:
        """Gives a text its labels, or several texts in one call; see `Client.classify`."""
        asked = (texts,) if isinstance(texts, str) else tuple(texts)
        request = classify_request(asked, model, attention, max_labels, self._priority)
        results = classify_results(asked, await self._call(self._stub.Classify, request))
        return results[0] if isinstance(texts, str) else results


def classify_request(
    texts: Sequence[str],
    model: str | ModelVersion,
    attention: AttentionLevel | str,
    max_labels: int | None,
    priority: Priority | None,
) -> inference_pb2.ClassifyRequest:
    """The request to classify texts; what is wrong with an argument is raised here."""
    check_texts("texts", texts)
    check_number("options.max_labels", max_labels)
    return inference_pb2.ClassifyRequest(
        model=selector(model),
        texts=texts,
        options=inference_pb2.ClassifyOptions(
            max_labels=max_labels, attention=attention_level(attention)
        ),
        priority=wire_priority(priority or Priority.INTERACTIVE),
    )


def classify_results(
    texts: Sequence[str], response: inference_pb2.ClassifyResponse
) -> list[ClassifyResult]:
    """One result per text, in order."""
    model = conversion.model_version(response.model)
    timings = conversion.timings(response.timings)
    return [
        ClassifyResult(
            text=text,
            labels=tuple(LabelProbability(each.label, each.probability) for each in result.labels),
            source_tokens=conversion.tokens(result.source_tokens),
            attention=_attention(text, result.attention) if result.HasField("attention") else None,
            model=model,
            timings=timings,
        )
        for text, result in zip(texts, response.results, strict=True)
    ]


def _attention(text: str, message: inference_pb2.SourceAttention) -> SourceAttention:
    heads = [head.weights for head in message.heads]
    return SourceAttention(
        text=text,
        tokens=conversion.tokens(message.source_tokens),
        weights=np.array(message.weights, np.float32),
        heads=np.array(heads, np.float32) if heads else None,
        sentences=tuple(
            SentenceWeight(each.begin_offset, each.end_offset, each.weight)
            for each in message.sentences
        ),
    )
