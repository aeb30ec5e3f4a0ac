"""What callers ask for, free of any protocol."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from service.domain.answers import PLAIN, Packing
from service.domain.models import ModelSelector
from service.domain.signatures import AttentionLevel


class Priority(StrEnum):
    """How urgent a call is."""

    INTERACTIVE = "interactive"
    BULK = "bulk"


@dataclass(frozen=True, slots=True)
class BeamOptions:
    """Beam search.

    Attributes:
        beam_width: Hypotheses followed per text.
        num_hypotheses: The most hypotheses returned per text.
        length_penalty: How much longer outputs are preferred.
        coverage_penalty: How much outputs are preferred that look at all of the source.
        no_repeat_ngram_size: No so many tokens in a row come twice; 0 = they may.
    """

    beam_width: int
    num_hypotheses: int = 1
    length_penalty: float = 0.0
    coverage_penalty: float = 0.0
    no_repeat_ngram_size: int = 0


@dataclass(frozen=True, slots=True)
class SamplingOptions:
    """Tokens drawn at random.

    Attributes:
        temperature: Divides the scores before the softmax.
        top_k: Draws from so many of the most probable tokens; 0 = from all.
        top_p: Draws from the fewest tokens that have this probability together.
        seed: Decides what is drawn, 32 bits; None = something else each time.
        num_samples: Outputs drawn per text.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    seed: int | None = None
    num_samples: int = 1


@dataclass(frozen=True, slots=True)
class AlignmentOptions:
    """Asks for word alignments.

    Attributes:
        min_weight: Pairs with a smaller weight are left out, 0 to 1.
    """

    min_weight: float = 0.0


@dataclass(frozen=True, slots=True)
class AnswerForm:
    """What an answer tells beside texts and scores, and how.

    Attributes:
        heads_of_words: Whether heads have words as rows and columns.
        packing: How weights are made smaller on their way.
        alignment: Asks for word alignments; None for none.
    """

    heads_of_words: bool = False
    packing: Packing = PLAIN
    alignment: AlignmentOptions | None = None


@dataclass(frozen=True, slots=True)
class GenerateOptions:
    """Options of decoding; None takes the model's default.

    Attributes:
        max_length: The most tokens generated per text, the end token counted.
        min_length: The fewest tokens generated before the output may end.
        prefix: Text that every output must begin with.
        attention: How much attention to return.
        search: How tokens are chosen; None = the most probable at every step.
        form: What the answer tells beside.
        replace_unknown: Whether words of the source stand for tokens that are unknown.
    """

    max_length: int | None = None
    min_length: int | None = None
    prefix: str = ""
    attention: AttentionLevel = AttentionLevel.NONE
    search: BeamOptions | SamplingOptions | None = None
    form: AnswerForm = AnswerForm()
    replace_unknown: bool = False


@dataclass(frozen=True, slots=True)
class GenerateCall:
    """Texts to generate outputs for.

    Attributes:
        model: Which model.
        texts: The texts.
        options: Options for all of them.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
        priority: How urgent it is.
    """

    model: ModelSelector
    texts: tuple[str, ...]
    options: GenerateOptions
    deadline: float | None = None
    priority: Priority = Priority.INTERACTIVE


class TextSide(StrEnum):
    """Which of a model's two tokenizers: for what goes in, or for what comes out."""

    SOURCE = "source"
    TARGET = "target"


@dataclass(frozen=True, slots=True)
class TokenizeCall:
    """Texts to split into tokens.

    Attributes:
        model: Whose tokenizer.
        texts: The texts.
        side: Which tokenizer.
    """

    model: ModelSelector
    texts: tuple[str, ...]
    side: TextSide = TextSide.SOURCE


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
        priority: How urgent it is.
        form: What the answer tells beside.
    """

    model: ModelSelector
    pairs: tuple[TextPair, ...]
    attention: AttentionLevel = AttentionLevel.NONE
    deadline: float | None = None
    priority: Priority = Priority.INTERACTIVE
    form: AnswerForm = AnswerForm()
