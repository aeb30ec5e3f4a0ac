"""What callers get, free of any protocol. Letters: T target length, S source length."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.domain.models import VersionKey
from service.domain.signatures import FloatArray


class TokenKind(StrEnum):
    """What a token is."""

    TEXT = "text"
    UNKNOWN = "unknown"
    END = "end"


class FinishReason(StrEnum):
    """Why an output ended."""

    END = "end"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class Token:
    """A token and the span of the text it stands for.

    Attributes:
        id: Id in the vocabulary.
        text: The characters of the span.
        begin: Where the span begins, in Unicode code points.
        end: Where it ends (exclusive), in Unicode code points.
        kind: What the token is.
        score: Natural logarithm of its probability; None for source tokens.
    """

    id: int
    text: str
    begin: int
    end: int
    kind: TokenKind
    score: float | None = None


@dataclass(frozen=True, slots=True)
class AttentionHead:
    """The weights of one head of one decoder layer, float32 [T, S]."""

    layer_index: int
    head_index: int
    weights: FloatArray


@dataclass(frozen=True, slots=True)
class Attention:
    """Attention weights with both axes named.

    Attributes:
        target_tokens: The rows.
        source_tokens: The columns.
        weights: The average over the layers that the contract names, float32 [T, S].
        heads: The same for every layer and head, if asked for.
    """

    target_tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]
    weights: FloatArray
    heads: tuple[AttentionHead, ...] = ()


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output.

    Attributes:
        text: The output as text, without the end token.
        score: Natural logarithm of its probability.
        tokens: Its tokens, the end token included if there is one.
        finish_reason: Why it ended.
        attention: What the model looked at, if asked for.
        rank_score: The score after penalties, which orders the hypotheses of beam search; else
            None.
    """

    text: str
    score: float
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    attention: Attention | None = None
    rank_score: float | None = None


@dataclass(frozen=True, slots=True)
class TextResult:
    """The answer to one text: its tokens, and the outputs, best first."""

    source_tokens: tuple[Token, ...]
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a call went, in seconds.

    Attributes:
        total_s: From the arrival of the request to the answer.
        tokenize_s: Turning text into tokens and back.
        queue_s: The longest wait of a text in the queue.
        model_s: The longest time of a text in the model server.
    """

    total_s: float
    tokenize_s: float
    queue_s: float
    model_s: float


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call; every result comes from one version, in the order of the request."""

    model: VersionKey
    results: tuple[TextResult, ...]
    timings: Timings
