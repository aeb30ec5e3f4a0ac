"""Classifying: what callers ask for and what they get, free of any protocol.

Letters: S source tokens or words, N hops of the attention.
"""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.answers import AttentionHead, Timings, Token
from service.domain.models import ModelSelector, VersionKey
from service.domain.requests import Priority
from service.domain.signatures import AttentionLevel, FloatArray


@dataclass(frozen=True, slots=True)
class ClassifyCall:
    """Texts to classify.

    Attributes:
        model: Which model.
        texts: The texts.
        max_labels: The most labels returned per text; None for all.
        attention: How much attention to return.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
        priority: Whether somebody waits for it.
    """

    model: ModelSelector
    texts: tuple[str, ...]
    max_labels: int | None = None
    attention: AttentionLevel = AttentionLevel.NONE
    deadline: float | None = None
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, slots=True)
class LabelProbability:
    """A label, and its probability, 0 to 1."""

    label: str
    probability: float


@dataclass(frozen=True, slots=True)
class SentenceWeight:
    """A sentence of a text, and how much it counted.

    Attributes:
        begin: Where its first token begins, in Unicode code points.
        end: Where its last token ends (exclusive).
        weight: Its weight, 0 to 1.
    """

    begin: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class SourceAttention:
    """How much each part of a source counted.

    Attributes:
        tokens: What the weights are of: tokens or words.
        weights: float32 [S].
        heads: The same for every hop, each float32 [S], if asked for.
        sentences: The source's sentences, if the model is hierarchical.
    """

    tokens: tuple[Token, ...]
    weights: FloatArray
    heads: tuple[AttentionHead, ...] = ()
    sentences: tuple[SentenceWeight, ...] = ()


@dataclass(frozen=True, slots=True)
class ClassifiedText:
    """The answer to one text: its labels, most probable first, and what the model looked at."""

    labels: tuple[LabelProbability, ...]
    source_tokens: tuple[Token, ...]
    attention: SourceAttention | None = None


@dataclass(frozen=True, slots=True)
class ClassifyAnswer:
    """The answer to a call; every result comes from one version, in the order of the request."""

    model: VersionKey
    results: tuple[ClassifiedText, ...]
    timings: Timings
