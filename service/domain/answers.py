"""What callers get, free of any protocol. Letters: T target length, S source length."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from heed.text.words import WordSpan
from service.domain.models import VersionKey
from service.domain.signatures import FloatArray


class TokenKind(StrEnum):
    """What a token is."""

    TEXT = "text"
    UNKNOWN = "unknown"
    END = "end"
    WORD = "word"


class WeightFormat(StrEnum):
    """The number format in which weights are sent."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"


class FinishReason(StrEnum):
    """Why an output ended."""

    END = "end"
    LENGTH = "length"


class Token(NamedTuple):
    """A token and the span of the text it stands for.

    Attributes:
        id: Id in the vocabulary; 0 for a word.
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
class Packing:
    """How weights are made smaller on their way.

    Attributes:
        top_weights: How many of the largest weights of each row are sent; None for all.
        weight_format: The number format in which they are sent.
    """

    top_weights: int | None = None
    weight_format: WeightFormat = WeightFormat.FLOAT32

    @property
    def is_plain(self) -> bool:
        """Whether every weight is sent as the model computed it."""
        return self == PLAIN


PLAIN: Final = Packing()
"""Every weight, as the model computed it."""


@dataclass(frozen=True, slots=True)
class AttentionHead:
    """The weights of one head of one decoder layer, float32 [T, S]; of a classifier's hop [S]."""

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
        packing: How the weights are to be sent.
    """

    target_tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]
    weights: FloatArray
    heads: tuple[AttentionHead, ...] = ()
    packing: Packing = PLAIN


@dataclass(frozen=True, slots=True)
class AlignedPair:
    """A target word and the source word that it comes from.

    Attributes:
        source_index: The place among the source's words.
        target_index: The place among the target's words.
        weight: The weight of the source word, above 0 and at most 1.
    """

    source_index: int
    target_index: int
    weight: float


@dataclass(frozen=True, slots=True)
class Alignment:
    """Which source word each word of an output comes from.

    Attributes:
        source_words: Where each word of the source begins and ends, in Unicode code points.
        target_words: The same for the output's text.
        pairs: At most one for each target word, in their order.
    """

    source_words: tuple[WordSpan, ...]
    target_words: tuple[WordSpan, ...]
    pairs: tuple[AlignedPair, ...]


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
        alignment: Which source word each of its words comes from, if asked for.
    """

    text: str
    score: float
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    attention: Attention | None = None
    rank_score: float | None = None
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class TextResult:
    """The answer to one text: its tokens, and the outputs, best first."""

    source_tokens: tuple[Token, ...]
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a call went, in seconds. The stages add up to at most the total.

    Attributes:
        total_s: From the arrival of the request to the answer.
        tokenize_s: Turning texts into tokens.
        queue_s: How long the text that was answered last waited in the queue.
        model_s: How long that text was in the model server.
        heads_s: The further pass for every head, its wait included.
        detokenize_s: Turning tokens into texts.
        attention_s: Spreading attention to words, and aligning.
        cached_result_count: How many results were there already, or were being made for another
            call; the stages tell of the others alone.
    """

    total_s: float
    tokenize_s: float
    queue_s: float
    model_s: float
    heads_s: float = 0.0
    detokenize_s: float = 0.0
    attention_s: float = 0.0
    cached_result_count: int = 0


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a call; every result comes from one version, in the order of the request."""

    model: VersionKey
    results: tuple[TextResult, ...]
    timings: Timings


@dataclass(frozen=True, slots=True)
class TokenizedText:
    """A text in tokens.

    Attributes:
        tokens: The tokens, without begin and end.
        pieces: The vocabulary's own name of each.
        fits: Whether the model takes the text: at least one token, and not too many.
    """

    tokens: tuple[Token, ...]
    pieces: tuple[str, ...]
    fits: bool


@dataclass(frozen=True, slots=True)
class TokenizeAnswer:
    """The answer to a call to tokenize, in the order of the request.

    Attributes:
        model: Whose tokenizer it was.
        results: The texts in tokens.
        max_token_count: The most tokens that a text of this side may have.
    """

    model: VersionKey
    results: tuple[TokenizedText, ...]
    max_token_count: int
