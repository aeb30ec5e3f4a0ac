"""The calls of both clients: what each sends, and how its answer is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Generic, TypeVar

from google.protobuf.message import Message

from heed.client import conversion
from heed.client.answer_options import AnswerOptions
from heed.client.caption_messages import (
    Pictures,
    caption_request,
    caption_results,
    several_pictures,
)
from heed.client.captioned import CaptionResult
from heed.client.classified import ClassifyResult
from heed.client.classify_messages import classify_request, classify_results
from heed.client.many_messages import config_request
from heed.client.priority import Priority
from heed.client.requests import (
    GenerateOptions,
    score_pairs,
    score_request,
    selector,
    tokenize_request,
)
from heed.client.results import AttentionLevel, GenerateResult, Model, ModelVersion, ScoreResult
from heed.client.search import BeamSearch, Sampling
from heed.client.streams import StreamEvent, stream_event, stream_request
from heed.client.tokenized import TextSide, TokenizedText
from heed.v1 import inference_pb2

Answer = TypeVar("Answer")
Texts = str | list[str] | tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """A call that can be made.

    Attributes:
        method: The method of InferenceService.
        request: Its request.
        read: Makes the answer from the response; of a stream, an event from each message.
    """

    method: str
    request: Message
    read: Callable[[Any], Answer]


@dataclass(frozen=True, slots=True)
class Calls:
    """Makes calls from the arguments of callers, which `Client` documents.

    Attributes:
        search: How outputs are searched for; None: the most probable tokens.
        priority: The priority of every call; None: bulk for `generate_many`, else interactive.
        answers: What answers tell; None: as ever.
    """

    search: BeamSearch | Sampling | None = None
    priority: Priority | None = None
    answers: AnswerOptions | None = None

    def generate(
        self, texts: Texts, options: GenerateOptions
    ) -> Call[GenerateResult | list[GenerateResult]]:
        """Answers texts."""
        asked = _several(texts)
        return Call(
            "Generate",
            self._completed(options).request(asked),
            lambda response: _as_asked(texts, conversion.generate_results(asked, response)),
        )

    def stream_generate(
        self,
        text: str,
        options: GenerateOptions,
        *,
        split_sentences: bool,
        chunk_tokens: int | None,
    ) -> Call[StreamEvent]:
        """Answers a text while its output grows."""
        request = stream_request(
            text,
            self._completed(options),
            split_sentences=split_sentences,
            chunk_tokens=chunk_tokens,
        )
        return Call("StreamGenerate", request, lambda message: stream_event(text, message))

    def many_config(self, options: GenerateOptions) -> inference_pb2.GenerateManyRequest:
        """The first message of every stream that answers many texts."""
        return config_request(self._completed(options, priority=Priority.BULK))

    def score(
        self,
        source: Texts,
        target: Texts,
        *,
        model: str | ModelVersion,
        attention: AttentionLevel | str,
    ) -> Call[ScoreResult | list[ScoreResult]]:
        """Scores targets given their sources."""
        pairs = score_pairs(source, target)
        request = score_request(
            pairs,
            model=model,
            attention=attention,
            priority=self._priority,
            answers=self.answers,
        )
        sources = [source_text for source_text, _ in pairs]
        return Call(
            "Score",
            request,
            lambda response: _as_asked(source, conversion.score_results(sources, response)),
        )

    def classify(
        self,
        texts: Texts,
        *,
        model: str | ModelVersion,
        attention: AttentionLevel | str,
        max_labels: int | None,
    ) -> Call[ClassifyResult | list[ClassifyResult]]:
        """Gives texts their labels."""
        asked = _several(texts)
        request = classify_request(
            asked,
            model=model,
            attention=attention,
            max_labels=max_labels,
            priority=self._priority,
        )
        return Call(
            "Classify",
            request,
            lambda response: _as_asked(texts, classify_results(asked, response)),
        )

    def caption(
        self, images: Pictures, options: GenerateOptions
    ) -> Call[CaptionResult | list[CaptionResult]]:
        """Reads or describes pictures."""
        asked = several_pictures(images)
        is_one = isinstance(images, bytes | str | Path)

        def read(response: inference_pb2.CaptionResponse) -> CaptionResult | list[CaptionResult]:
            results = caption_results(asked, response)
            return results[0] if is_one else results

        return Call("Caption", caption_request(asked, self._completed(options)), read)

    def tokenize(
        self, texts: Texts, *, model: str | ModelVersion, side: TextSide | str
    ) -> Call[TokenizedText | list[TokenizedText]]:
        """Splits texts into tokens."""
        asked = _several(texts)
        return Call(
            "Tokenize",
            tokenize_request(asked, model=model, side=side),
            lambda response: _as_asked(texts, conversion.tokenized_texts(asked, response)),
        )

    def models(self) -> Call[list[Model]]:
        """Lists the models."""
        return Call(
            "ListModels",
            inference_pb2.ListModelsRequest(),
            lambda response: [conversion.model(message) for message in response.models],
        )

    def model(self, name: str | ModelVersion) -> Call[Model]:
        """Describes a model."""
        return Call(
            "GetModel",
            inference_pb2.GetModelRequest(model=selector(name)),
            lambda response: conversion.model(response.model),
        )

    @property
    def _priority(self) -> Priority:
        return self.priority or Priority.INTERACTIVE

    def _completed(
        self, options: GenerateOptions, *, priority: Priority = Priority.INTERACTIVE
    ) -> GenerateOptions:
        """The options with what holds for every call; the priority unless there is another."""
        return replace(
            options,
            search=self.search,
            priority=self.priority or priority,
            answers=self.answers,
        )


def _several(texts: Texts) -> tuple[str, ...]:
    return (texts,) if isinstance(texts, str) else tuple(texts)


def _as_asked(texts: Texts, answers: list[Answer]) -> Answer | list[Answer]:
    """One answer for one text; a list for several."""
    return answers[0] if isinstance(texts, str) else answers
