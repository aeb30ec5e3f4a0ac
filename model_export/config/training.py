"""How to train."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, model_validator

from model_export.config.base import Settings, with_new_names


class DevMetric(StrEnum):
    """What decides which weights are the best ones."""

    WORD_ACCURACY = "word_accuracy"
    BLEU = "bleu"
    CHRF = "chrf"
    ACCURACY = "accuracy"
    MACRO_F1 = "macro_f1"
    LOSS = "loss"


class RateSchedule(StrEnum):
    """How the learning rate falls after the warm-up."""

    COSINE = "cosine"
    INVERSE_SQUARE_ROOT = "inverse_square_root"


class TrainingPrecision(StrEnum):
    """What training computes in; weights and their updates are float32 either way."""

    FLOAT32 = "float32"
    MIXED_BFLOAT16 = "mixed_bfloat16"


class AlignmentLoss(StrEnum):
    """How attention is compared with given links, Chen et al. 2016."""

    CROSS_ENTROPY = "cross_entropy"
    SQUARED_ERROR = "squared_error"


class GuidedAlignmentSettings(Settings):
    """Attention that learns from given links, Chen et al. 2016.

    Attributes:
        weight: What a target token's alignment loss counts beside its own loss.
        loss: How attention is compared with the links.
    """

    weight: float = Field(default=0.3, gt=0)
    loss: AlignmentLoss = AlignmentLoss.CROSS_ENTROPY


class TrainingSettings(Settings):
    """How to train.

    Attributes:
        seed: Decides the first weights, the order of the data and what dropout drops.
        epochs: How often the training pairs are seen.
        batch_size: Pairs in a batch.
        batch_tokens: The most tokens of a batch, on each side, padding counted; then
            `batch_size` is not used: short pairs come in larger batches. None = `batch_size`.
        length_buckets: Lengths that batches are padded to, rising, in tokens; a pair goes into
            the first that holds its source and its target with the end token. Pairs beyond the
            last are left out of training, and counted in the run's metrics. Of pictures: widths
            in pixels, whatever the target's length.
        learning_rate: Adam's highest rate.
        warmup_steps: Steps over which the rate rises from 0; then it falls.
        schedule: By half a cosine until the last step, or with the root of the steps
            (Vaswani et al. 2017, eq. 3).
        final_learning_rate_share: What a cosine leaves of the rate at the end, as a share of the
            highest.
        adam_beta_2: How slowly Adam's mean of squared gradients changes.
        clip_norm: The longest gradient, as a norm over all weights; longer ones are shortened.
        label_smoothing: Share of each target's probability spread evenly over the vocabulary.
        precision: What training computes in. With `mixed_bfloat16`, softmax and loss are float32
            still; XLA cannot compile it. What is exported computes in float32 again.
        jit_compile: Whether XLA compiles the training step, once for every bucket.
        evaluate_every_steps: Steps between two evaluations on dev, each followed by a checkpoint.
        dev_metric: What decides which weights are the best; none = word accuracy of
            pronunciations, BLEU of translations, accuracy of labels.
        dev_examples: Examples of dev used for this during training; the final figure uses all.
        patience: Evaluations without a better figure after which training stops; none = never.
        guided_alignment: Attention learns from the links of `data.links.train` as well; none = it
            does not.
        average_last: Evaluations whose weights are kept, and averaged when training ends; the
            mean is measured as well, and is the result if it is better than each. None = no
            average. Each keeps as much disk as the model's weights.
    """

    seed: int = Field(default=1, ge=0, lt=2**31)
    epochs: int = Field(default=4, ge=1, le=10_000)
    batch_size: int = Field(default=128, ge=1, le=65_536)
    batch_tokens: int | None = Field(default=None, ge=1, le=2**24)
    length_buckets: tuple[Annotated[int, Field(ge=2, le=4096)], ...] = Field(
        default=(6, 8, 10, 14), min_length=1
    )
    learning_rate: float = Field(default=3e-3, gt=0, le=1)
    warmup_steps: int = Field(default=100, ge=0)
    schedule: RateSchedule = RateSchedule.COSINE
    final_learning_rate_share: float = Field(default=0.0, ge=0, le=1)
    adam_beta_2: float = Field(default=0.999, gt=0, lt=1)
    clip_norm: float = Field(default=1.0, gt=0)
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    precision: TrainingPrecision = TrainingPrecision.FLOAT32
    jit_compile: bool = True
    evaluate_every_steps: int = Field(default=500, ge=1)
    dev_metric: DevMetric | None = None
    dev_examples: int = Field(default=500, ge=1)
    patience: int | None = Field(default=None, ge=1)
    guided_alignment: GuidedAlignmentSettings | None = None
    average_last: int | None = Field(default=None, ge=2, le=64)

    @property
    def batch_sizes(self) -> tuple[int, ...]:
        """Pairs in a batch, for each of the length buckets."""
        if self.batch_tokens is None:
            return (self.batch_size,) * len(self.length_buckets)
        return tuple(self.batch_tokens // length for length in self.length_buckets)

    @model_validator(mode="before")
    @classmethod
    def _runs_of_earlier_versions(cls, values: Any) -> Any:
        return with_new_names(values, {"dev_words": "dev_examples"})

    @model_validator(mode="after")
    def _a_batch_holds_a_pair(self) -> TrainingSettings:
        if self.batch_tokens is not None and self.batch_tokens < self.length_buckets[-1]:
            raise ValueError(
                f"batch_tokens {self.batch_tokens} cannot hold a pair of the last length bucket, "
                f"{self.length_buckets[-1]} tokens"
            )
        return self

    @model_validator(mode="after")
    def _half_precision_is_not_compiled(self) -> TrainingSettings:
        if self.precision is TrainingPrecision.MIXED_BFLOAT16 and self.jit_compile:
            raise ValueError("precision mixed_bfloat16 needs jit_compile: false")
        return self

    @model_validator(mode="after")
    def _buckets_rise(self) -> TrainingSettings:
        if list(self.length_buckets) != sorted(set(self.length_buckets)):
            raise ValueError(f"length_buckets must rise, not {list(self.length_buckets)}")
        return self
