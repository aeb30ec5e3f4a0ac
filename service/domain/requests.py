"""What callers ask for, free of any protocol."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.models import ModelSelector
from service.domain.signatures import AttentionLevel


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """Options of decoding; None takes the model's default.

    Attributes:
        max_length: The most tokens generated per text, the end token counted.
        min_length: The fewest tokens generated before the output may end.
        prefix: Text that every output must begin with.
        attention: How much attention to return.
    """

    max_length: int | None = None
    min_length: int | None = None
    prefix: str = ""
    attention: AttentionLevel = AttentionLevel.NONE


@dataclass(frozen=True, slots=True)
class GenerateCall:
    """Texts to generate outputs for.

    Attributes:
        model: Which model.
        texts: The texts.
        options: Options for all of them.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
    """

    model: ModelSelector
    texts: tuple[str, ...]
    options: GenerateOptions
    deadline: float | None = None


@dataclass(frozen=True, slots=True)
class TextPair:
    """A source text and the target text to score against it."""

    source_text: str
    target_text: str


@dataclass(frozen=True, slots=True)
class ScoreCall:
    """Pairs to score.

    Attributes:
        model: Which model.
        pairs: The pairs.
        attention: How much attention to return.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
    """

    model: ModelSelector
    pairs: tuple[TextPair, ...]
    attention: AttentionLevel = AttentionLevel.NONE
    deadline: float | None = None
