"""The model contract: what an exported version says about itself.

The exporter writes it as `assets/contract.json` and as the output of the signature `contract`;
the gateway reads it from there. Nothing else passes between the two sides.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated, Final, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    model_validator,
)

CONTRACT_VERSION: Final = 1
"""Raised when an older reader would misunderstand a newer contract."""

MAX_LENGTH_PENALTY: Final = 10.0
"""The largest alpha of `beam`; the smallest is 0: none."""
MAX_COVERAGE_PENALTY: Final = 10.0
"""The largest beta of `beam`; the smallest is 0: none."""
MIN_TEMPERATURE: Final = 0.01
MAX_TEMPERATURE: Final = 100.0
"""The range of the temperature of `sample`."""

ATTENTION_OUTPUT: Final = "attention"
ATTENTION_HEADS_OUTPUT: Final = "attention_heads"
SENTENCE_ATTENTION_OUTPUT: Final = "sentence_attention"
RANKS_OUTPUT: Final = "ranks"
IMAGES_INPUT: Final = "images"
WIDTHS_INPUT: Final = "widths"
WARMUP_FILE: Final = "assets.extra/tf_serving_warmup_requests"
CONTRACT_ASSET: Final = "contract.json"
SOURCE_TOKENIZER_ASSET: Final = "source_tokenizer.model"
TARGET_TOKENIZER_ASSET: Final = "target_tokenizer.model"

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ModelName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$")]


class ContractError(ValueError):
    """A version's contract is missing, unreadable or of a kind that this release does not know."""


class Signature(StrEnum):
    """Signatures of the contract."""

    SERVING_DEFAULT = "serving_default"
    GREEDY = "greedy"
    BEAM = "beam"
    SAMPLE = "sample"
    SCORE = "score"
    CLASSIFY = "classify"
    CONTRACT = "contract"


CLASSIFIER_SIGNATURES: Final = (Signature.CLASSIFY, Signature.CONTRACT)
"""What an exported classifier offers."""
SEQ2SEQ_SIGNATURES: Final = tuple(name for name in Signature if name is not Signature.CLASSIFY)
"""What an exported sequence-to-sequence model offers."""


class Task(StrEnum):
    """What a model does."""

    TRANSLATE = "translate"
    PRONOUNCE = "pronounce"
    CLASSIFY = "classify"
    CAPTION = "caption"


class Precision(StrEnum):
    """Number format that an exported version computes in.

    `float32` runs everywhere; `bfloat16` and `int8` are for processors that have them, `float16`
    is for GPUs.
    """

    FLOAT32 = "float32"
    BFLOAT16 = "bfloat16"
    FLOAT16 = "float16"
    INT8 = "int8"


class _Value(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SpecialIds(_Value):
    """Ids with a meaning of their own, the same in every vocabulary of Heed.

    Attributes:
        pad: Fills rows behind their length. Never read: masks come from lengths alone.
        unknown: Stands for characters outside the vocabulary.
        begin: What a decoder is fed before the first token. Never an output.
        end: Closes every output.
    """

    pad: Literal[0] = 0
    unknown: Literal[1] = 1
    begin: Literal[2] = 2
    end: Literal[3] = 3


SPECIAL_IDS: Final = SpecialIds()


class AttentionLayer(_Value):
    """The attention of one decoder layer, or one of a classifier's.

    Attributes:
        kind: The mechanism, for example "bahdanau".
        layer_index: The decoder layer, counted from 0 at the bottom; of a classifier, 0 over the
            tokens and 1 over the sentences.
        head_count: Heads of the layer, 1 or more.
        normalized: Whether each row of weights sums to 1 over the real source positions.
    """

    kind: str = Field(min_length=1)
    layer_index: int = Field(ge=0)
    head_count: int = Field(ge=1)
    normalized: bool = True


class AttentionAverage(_Value):
    """Which weights the output `attention` averages.

    Attributes:
        layer_indices: The decoder layers, at least one.
        description: The same in words, for people.
    """

    layer_indices: tuple[int, ...] = Field(min_length=1)
    description: str


class TokenizerInfo(_Value):
    """What the reader must find when it loads a tokenizer.

    Attributes:
        sha256: Hash of the serialised SentencePiece model.
        vocabulary_size: Number of ids.
    """

    sha256: Sha256
    vocabulary_size: int = Field(ge=4)


class SentenceRule(StrEnum):
    """How a text is split into sentences; a changed rule gets a new name."""

    PUNCTUATION_1 = "punctuation_1"


class SentenceLimits(_Value):
    """How a hierarchical model wants its sentences.

    Attributes:
        max_count: The most sentences of a text.
        max_tokens: The most tokens of a sentence.
        rule: How texts were split in training: `heed.text.sentences`.
    """

    max_count: int = Field(ge=1)
    max_tokens: int = Field(ge=1)
    rule: SentenceRule = SentenceRule.PUNCTUATION_1


class ImageInput(_Value):
    """The pictures that a model reads, and the grid that its attention is over.

    Every picture is scaled to one height, its width in proportion. It goes to the model column by
    column, and the places of the grid are numbered alike: row r of column c, both from 0, is
    place c * `row_count` + r.

    Attributes:
        height: Height of the scaled picture in pixels, a multiple of `cell_height`.
        max_width: The widest scaled picture, in pixels.
        channel_count: 1 = brightness alone; 3 = red, green and blue. 0 is dark, 255 light.
        cell_height: Height of a place, in pixels of the scaled picture.
        cell_width: Width of a place, likewise.
    """

    height: int = Field(ge=1, le=4096)
    max_width: int = Field(ge=1, le=65_536)
    channel_count: Literal[1, 3] = 1
    cell_height: int = Field(ge=1)
    cell_width: int = Field(ge=1)

    @property
    def row_count(self) -> int:
        """Rows of the grid."""
        return self.height // self.cell_height

    def column_count(self, width: int) -> int:
        """Columns of the grid over a scaled picture; the last may reach beyond its edge."""
        return -(-width // self.cell_width)

    def place_count(self, width: int) -> int:
        """Places of the grid over a scaled picture."""
        return self.row_count * self.column_count(width)

    @model_validator(mode="after")
    def _rows_are_whole(self) -> ImageInput:
        if self.height % self.cell_height:
            raise ValueError(
                f"the height {self.height} is no multiple of cell_height {self.cell_height}"
            )
        return self


class ShapeBuckets(_Value):
    """The shapes of batches that a graph is compiled for, by XLA.

    The graph fills every batch up to the smallest that holds it; one that none holds is refused.

    Attributes:
        rows: Rows of a batch, ascending.
        source_tokens: Tokens of its longest source, ascending; the last is the longest there is.
    """

    rows: tuple[int, ...] = Field(min_length=1)
    source_tokens: tuple[int, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _ascend(self) -> ShapeBuckets:
        for name in ("rows", "source_tokens"):
            sizes = getattr(self, name)
            if list(sizes) != sorted(set(sizes)) or sizes[0] < 1:
                raise ValueError(f"{name} must be 1 or more and ascend, not {list(sizes)}")
        return self


class ModelCard(_Value):
    """What a model was made from and how good it is.

    Attributes:
        description: A sentence about the model.
        training_data: The data and where it comes from.
        training_data_license: Its licence.
        metrics: Quality by name, for example "dev.word_accuracy" (a fraction, 0 to 1).
        software: Versions by package name.
        recipe: The recipe's name.
    """

    description: str = ""
    training_data: str = ""
    training_data_license: str = ""
    metrics: dict[str, float] = Field(default_factory=dict)
    software: dict[str, str] = Field(default_factory=dict)
    recipe: str = ""


class Contract(_Value):
    """What an exported version says about itself.

    Attributes:
        contract_version: `CONTRACT_VERSION` of the writer.
        model_name: The name it was exported under: letters, digits, ".", "_", "-"; at most 63.
        task: What the model does.
        special_ids: Ids with a meaning of their own.
        source_tokenizer: How source text becomes tokens; None of a model that reads pictures.
        target_tokenizer: How target tokens become text; None of a classifier.
        image: The pictures that the model reads; None of a model that reads texts.
        max_source_tokens: The longest source, in tokens; of pictures, the most places of the grid.
        max_target_tokens: The longest output, in tokens, the end token counted; 0 of a classifier.
        max_beam_width: The widest beam, in hypotheses; 1 where there is no signature `beam`.
        labels: What a classifier tells apart, in the order of its outputs; empty of other models.
        sentences: How a hierarchical classifier wants its sentences; None of other models.
        attention: The decoder's attention, bottom layer first; a classifier's over the tokens,
            then over the sentences.
        attention_average: What the output `attention` averages.
        signatures: Signatures the version offers.
        precision: Number format that the version computes in.
        shape_buckets: The shapes that its searches are compiled for; None where XLA does not.
        card: The model card.
    """

    contract_version: int = CONTRACT_VERSION
    model_name: ModelName
    task: Task
    special_ids: SpecialIds = SPECIAL_IDS
    source_tokenizer: TokenizerInfo | None = None
    target_tokenizer: TokenizerInfo | None = None
    image: ImageInput | None = None
    max_source_tokens: int = Field(ge=1)
    max_target_tokens: int = Field(default=0, ge=0)
    max_beam_width: int = Field(default=1, ge=1)
    labels: tuple[str, ...] = ()
    sentences: SentenceLimits | None = None
    attention: tuple[AttentionLayer, ...] = Field(min_length=1)
    attention_average: AttentionAverage
    signatures: tuple[Signature, ...]
    precision: Precision = Precision.FLOAT32
    shape_buckets: ShapeBuckets | None = None
    card: ModelCard = Field(default_factory=ModelCard)

    @model_validator(mode="after")
    def _layers_exist(self) -> Contract:
        known = {layer.layer_index for layer in self.attention}
        unknown = sorted(set(self.attention_average.layer_indices) - known)
        if unknown:
            raise ValueError(
                f"attention_average names layers {unknown}; the model has {sorted(known)}"
            )
        return self

    @property
    def is_classifier(self) -> bool:
        """Whether the model gives labels, and writes nothing."""
        return self.task is Task.CLASSIFY

    @property
    def target_vocabulary_size(self) -> int:
        """Number of target ids; 0 of a classifier."""
        return 0 if self.target_tokenizer is None else self.target_tokenizer.vocabulary_size

    @model_validator(mode="after")
    def _the_source_fits_the_task(self) -> Contract:
        reads_images = self.task is Task.CAPTION
        if reads_images == (self.image is None) or reads_images != (self.source_tokenizer is None):
            one, other = ("image", "no source_tokenizer"), ("a source_tokenizer", "no image")
            has, lacks = one if reads_images else other
            raise ValueError(f"the task {self.task} needs {has}, and has {lacks}")
        if self.image and self.max_source_tokens != self.image.place_count(self.image.max_width):
            raise ValueError(
                f"max_source_tokens is {self.max_source_tokens}, but the widest picture has "
                f"{self.image.place_count(self.image.max_width)} places"
            )
        return self

    @property
    def source_vocabulary_size(self) -> int:
        """Number of source ids; 0 of a model that reads pictures."""
        return 0 if self.source_tokenizer is None else self.source_tokenizer.vocabulary_size

    @model_validator(mode="after")
    def _buckets_hold_every_source(self) -> Contract:
        buckets = self.shape_buckets
        if buckets is None:
            return self
        if self.source_tokenizer is None or self.is_classifier:
            raise ValueError("shape_buckets are for models that read texts and write texts")
        if buckets.source_tokens[-1] != self.max_source_tokens:
            raise ValueError(
                f"the last of shape_buckets.source_tokens is {buckets.source_tokens[-1]}, "
                f"not max_source_tokens {self.max_source_tokens}"
            )
        return self

    @model_validator(mode="after")
    def _outputs_fit_the_task(self) -> Contract:
        if not self.is_classifier:
            if self.target_tokenizer is None or self.max_target_tokens < 2:
                raise ValueError(
                    f"the task {self.task} needs a target_tokenizer and max_target_tokens of 2 or "
                    "more"
                )
            if self.labels or self.sentences:
                raise ValueError(f"the task {self.task} has neither labels nor sentences")
            return self
        if self.target_tokenizer is not None or self.max_target_tokens:
            raise ValueError("a classifier has neither target_tokenizer nor max_target_tokens")
        if len(self.labels) < 2 or len(set(self.labels)) < len(self.labels) or "" in self.labels:
            raise ValueError("a classifier needs two labels or more, all different, none empty")
        sentences = self.sentences
        if sentences and sentences.max_count * sentences.max_tokens < self.max_source_tokens:
            raise ValueError(
                f"{sentences.max_count} sentences of {sentences.max_tokens} tokens cannot hold "
                f"max_source_tokens {self.max_source_tokens}"
            )
        return self

    def to_json(self) -> str:
        """The contract as JSON, for people and for `from_json`."""
        return self.model_dump_json(indent=2)

    @staticmethod
    def from_json(text: str | bytes) -> Contract:
        """Reads a contract.

        Raises:
            ContractError: It is no JSON, of another contract version, or breaks a rule above.
        """
        try:
            version = json.loads(text)["contract_version"]
        except (ValueError, KeyError, TypeError) as error:
            raise ContractError(
                "the contract is not a JSON object with a contract_version"
            ) from error
        if version != CONTRACT_VERSION:
            raise ContractError(
                f"the contract has version {version}; this release reads version "
                f"{CONTRACT_VERSION}: export the model again, or use the matching release"
            )
        try:
            return Contract.model_validate_json(text)
        except ValidationError as error:
            raise ContractError(f"the contract breaks its own rules: {error}") from error
