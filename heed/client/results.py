"""What the client answers: frozen values, with attention as NumPy arrays."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from heed.client.alignments import Alignment
from heed.client.answer_options import WeightFormat
from heed.client.shown import Shown, ShownAnswer
from heed.client.version_status import VersionStatus

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FloatArray = npt.NDArray[np.float32]


class AttentionLevel(StrEnum):
    """How much attention an answer carries."""

    NONE = "none"
    PIECES = "pieces"
    WORDS = "words"
    HEADS = "heads"


class TokenKind(StrEnum):
    """What a token is."""

    TEXT = "text"
    UNKNOWN = "unknown"
    END = "end"
    WORD = "word"


class FinishReason(StrEnum):
    """Why an output ended: the model ended it, or it reached `max_length`."""

    END = "end"
    LENGTH = "length"


@dataclass(frozen=True, slots=True)
class ModelVersion:
    """One version of one model.

    Attributes:
        name: The model's name. Empty in a request: the gateway's only model.
        version: The version, 1 or more. None in a request: the one that the gateway sends calls to.
        label: In a request instead of a version: the one with this label, for example "stable".
            Always empty in an answer.
    """

    name: str = ""
    version: int | None = None
    label: str = ""


@dataclass(frozen=True, slots=True)
class Token:
    """A token, and the span of text it stands for.

    Attributes:
        id: The id in the model's vocabulary; 0 for a word.
        text: The characters of the span.
        begin: Where the span begins, in Unicode code points: `text[begin:end]` is the span.
        end: Where it ends (exclusive), in Unicode code points.
        kind: Whether it is text, text unknown to the model, the end of an output, or a word of
            one or more tokens (attention="words").
        score: Natural logarithm of its probability, at most 0. None for source tokens.
    """

    id: int
    text: str
    begin: int
    end: int
    kind: TokenKind = TokenKind.TEXT
    score: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Attention(Shown):
    """What the model looked at.

    `print(attention)` draws it, notebooks show it, and `np.asarray(attention)` is `weights`.

    Attributes:
        target_tokens: The rows, T tokens; or words, and the end token.
        source_tokens: The columns, S tokens; or words.
        weights: float32 [T, S]; each 0 to 1. Averaged over layers and heads as the model says.
        heads: The same for every decoder layer and head, float32 [L, N, T, S]; a head that a
            layer does not have is NaN. None unless asked for.
        weight_format: How the weights travelled: as float32, or rounded to float16.
        top_weights: How many weights of each row travelled, if not all; the others are 0 here.
    """

    target_tokens: tuple[Token, ...]
    source_tokens: tuple[Token, ...]
    weights: FloatArray
    heads: FloatArray | None = None
    weight_format: WeightFormat = WeightFormat.FLOAT32
    top_weights: int | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """(T, S): how many target and source tokens."""
        return len(self.target_tokens), len(self.source_tokens)

    def __array__(
        self, dtype: npt.DTypeLike | None = None, copy: bool | None = None
    ) -> npt.NDArray[Any]:
        return np.array(self.weights, dtype) if copy else np.asarray(self.weights, dtype)

    def __str__(self) -> str:
        from heed.views.heat_map import heat_map

        return heat_map(self).plain

    @property
    def head_places(self) -> list[tuple[int, int]]:
        """The (layer, head) pairs that `heads` holds, bottom layer first; empty if none do."""
        if self.heads is None:
            return []
        layer_count, head_count = self.heads.shape[:2]
        return [
            (layer, head)
            for layer in range(layer_count)
            for head in range(head_count)
            if not np.isnan(self.heads[layer, head]).any()
        ]

    def head(self, layer_index: int, head_index: int) -> Attention:
        """The attention of one head of one decoder layer, both counted from 0.

        Raises:
            ValueError: The heads were not asked for.
            IndexError: There is no such layer or head.
        """
        if self.heads is None:
            raise ValueError('the heads were not asked for: use attention="heads"')
        return dataclasses.replace(self, weights=self.heads[layer_index, head_index], heads=None)

    def plot(
        self,
        path: str | Path | None = None,
        *,
        title: str = "",
        width_mm: float | None = None,
    ) -> Figure:
        """Draws the weights with matplotlib, and writes them to `path` (.png, .svg, .pdf) if given.

        Args:
            path: The file, if there is to be one.
            title: What to write above the picture.
            width_mm: How wide the picture is to be, 40 to 1000 millimetres, for example 85 for a
                column of a paper. None: as wide as it needs to be.

        Raises:
            PlotError: matplotlib is not installed, the path's ending is not known, or the width
                is none that a picture can have.
        """
        from heed.views.picture import draw_attention, finished

        return finished(draw_attention(self, title=title, width_mm=width_mm), path)


@dataclass(frozen=True, slots=True)
class Timings:
    """Where the time of a call went, in seconds. The stages add up to at most `total_s`.

    Attributes:
        total_s: From the arrival of the request at the gateway to the answer.
        tokenize_s: Turning texts into tokens.
        queue_s: How long the text that was answered last waited in the queue.
        model_s: How long that text was in the model server.
        heads_s: The further pass for attention="heads", its wait included.
        detokenize_s: Turning tokens into texts.
        attention_s: Spreading attention to words, and aligning.
        cached_result_count: How many results the gateway had already; the stages tell of the
            others alone.
    """

    total_s: float = 0.0
    tokenize_s: float = 0.0
    queue_s: float = 0.0
    model_s: float = 0.0
    heads_s: float = 0.0
    detokenize_s: float = 0.0
    attention_s: float = 0.0
    cached_result_count: int = 0

    @property
    def stages(self) -> dict[str, float]:
        """The seconds of every stage by its name, in the order of a call; "other" is the rest."""
        stages = {
            "tokenize": self.tokenize_s,
            "queue": self.queue_s,
            "model": self.model_s,
            "detokenize": self.detokenize_s,
            "heads": self.heads_s,
            "attention": self.attention_s,
        }
        return {**stages, "other": max(0.0, self.total_s - sum(stages.values()))}


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """One output.

    Attributes:
        text: The output as text.
        score: Natural logarithm of its probability: the sum of its tokens' scores.
        tokens: Its tokens, the end token included if the model produced one.
        finish_reason: Why it ended.
        attention: What the model looked at. None unless asked for.
        rank_score: The score after penalties, which orders the hypotheses of a beam search. None
            for any other search.
        alignment: Which source word each of its words comes from. None unless asked for.
    """

    text: str
    score: float
    tokens: tuple[Token, ...]
    finish_reason: FinishReason
    attention: Attention | None = None
    rank_score: float | None = None
    alignment: Alignment | None = None


@dataclass(frozen=True, slots=True)
class GenerateResult(ShownAnswer):
    """The answer to one text. `text`, `score`, `tokens`, `attention` are the best hypothesis's.

    Attributes:
        source_text: The text that was asked.
        source_tokens: The text as the model read it.
        hypotheses: The outputs, at least one: best first, or samples in the order drawn.
        model: The model and version that answered.
        timings: Where the time of the whole call went.
    """

    source_text: str
    source_tokens: tuple[Token, ...]
    hypotheses: tuple[Hypothesis, ...]
    model: ModelVersion
    timings: Timings

    @property
    def best(self) -> Hypothesis:
        """The best hypothesis; of samples the first."""
        return self.hypotheses[0]

    @property
    def text(self) -> str:
        """The best output as text."""
        return self.best.text

    @property
    def score(self) -> float:
        """Natural logarithm of the best output's probability."""
        return self.best.score

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The best output's tokens."""
        return self.best.tokens

    @property
    def attention(self) -> Attention | None:
        """What the model looked at while it wrote the best output. None unless asked for."""
        return self.best.attention

    @property
    def alignment(self) -> Alignment | None:
        """Which source word each word of the best output comes from. None unless asked for."""
        return self.best.alignment


@dataclass(frozen=True, slots=True)
class ScoreResult(ShownAnswer):
    """How probable a target text is, given its source.

    Attributes:
        source_text: The source that was sent.
        source_tokens: The source as the model read it.
        target: The target as the model would have written it, with a score for every token.
        model: The model and version that answered.
        timings: Where the time of the whole call went.
    """

    source_text: str
    source_tokens: tuple[Token, ...]
    target: Hypothesis
    model: ModelVersion
    timings: Timings

    @property
    def score(self) -> float:
        """Natural logarithm of the target's probability."""
        return self.target.score

    @property
    def tokens(self) -> tuple[Token, ...]:
        """The target's tokens, the end token included, each with its score."""
        return self.target.tokens

    @property
    def attention(self) -> Attention | None:
        """What the model would look at while it writes the target. None unless asked for."""
        return self.target.attention

    @property
    def alignment(self) -> Alignment | None:
        """Which source word each word of the target comes from. None unless asked for."""
        return self.target.alignment


@dataclass(frozen=True, slots=True)
class AttentionKind:
    """The attention mechanism of one decoder layer, counted from 0 at the bottom."""

    name: str
    layer_index: int
    head_count: int
    normalized: bool


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a model was made from and how good it is.

    Attributes:
        description: A sentence about the model.
        training_data: The training data and where it comes from.
        training_data_license: Its licence.
        metrics: Measured quality by name, for example "dev.word_accuracy".
        software: Versions of the software that made it, by package name.
    """

    description: str
    training_data: str
    training_data_license: str
    metrics: Mapping[str, float]
    software: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ImageInput:
    """The pictures that a model reads. Each is scaled to one height, its width in proportion.

    Attributes:
        height: That height, in pixels.
        max_width: The widest picture at that height, in pixels.
        channel_count: 1 = brightness alone; 3 = red, green and blue.
        cell_height: Height of a place of the attention's grid, in pixels of the scaled picture.
        cell_width: Width of a place, likewise.
    """

    height: int
    max_width: int
    channel_count: int
    cell_height: int
    cell_width: int


@dataclass(frozen=True, slots=True)
class Model:
    """A model as the gateway serves it.

    Attributes:
        name: The model's name.
        version: The version that the attributes below describe.
        ready_versions: Every version that is ready, newest first.
        ready: Whether a request without a version can be answered now.
        status_message: Why not, or why a newer version was refused.
        task: What the model does: "pronounce", "translate", ...
        max_source_tokens: The longest source, in tokens.
        max_target_tokens: The longest output, in tokens, the end token counted.
        attention: One entry per decoder layer.
        attention_average: Which layers and heads `Attention.weights` averages, in words.
        signatures: The signatures the model offers.
        precision: What the version computes in: "float32", "bfloat16", "float16" or "int8".
        card: What the model was made from and how good it is.
        max_beam_width: The widest beam; 1 if the model cannot follow several hypotheses.
        versions: Every version that a model server has or had, newest first, at most 32.
        replica_count: How many model servers the gateway knows.
        healthy_replica_count: How many of them answer now and know the model.
        class_labels: The labels that a classifier tells apart; empty for other models.
        image: The pictures that the model reads; None if it reads texts.
    """

    name: str
    version: int
    ready_versions: tuple[int, ...]
    ready: bool
    status_message: str
    task: str
    max_source_tokens: int
    max_target_tokens: int
    attention: tuple[AttentionKind, ...]
    attention_average: str
    signatures: tuple[str, ...]
    precision: str
    card: ModelCard
    max_beam_width: int = 1
    versions: tuple[VersionStatus, ...] = ()
    replica_count: int = 0
    healthy_replica_count: int = 0
    class_labels: tuple[str, ...] = ()
    image: ImageInput | None = None
