"""What training adds to the loss of the tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import tensorflow as tf

from model_export.config import (
    GuidedAlignmentSettings,
    Recipe,
    RnnDecoderSettings,
    XuHardSettings,
    XuSoftSettings,
    averaged_indices,
)
from model_export.data.batches import Batch
from model_export.decoding.step_model import average_attention
from model_export.models import Seq2SeqOutput
from model_export.training.hard_attention import HardAttentionTerm
from model_export.training.loss import alignment_loss, doubly_stochastic_penalty


class ObjectiveTerm(Protocol):
    """A term of the objective that is minimised."""

    @property
    def variables(self) -> Sequence[Any]:
        """What the term itself remembers from batch to batch; saved with the training's state."""

    def loss(self, output: Seq2SeqOutput, batch: Batch) -> tf.Tensor:
        """What is added to the batch's summed loss, float32 []; changes nothing."""

    def learn(self, output: Seq2SeqOutput, batch: Batch) -> None:
        """Brings `variables` up to date with a batch."""


class DoublyStochasticTerm:
    """`doubly_stochastic_penalty` times lambda.

    Args:
        factor: lambda.
    """

    variables: tuple[Any, ...] = ()

    def __init__(self, factor: float) -> None:
        self._factor = factor

    def loss(self, output: Seq2SeqOutput, batch: Batch) -> tf.Tensor:
        """The penalty of the batch."""
        return self._factor * doubly_stochastic_penalty(
            output.attention_heads,
            lengths=output.position_counts,
            target_lengths=batch["target_lengths"],
        )

    def learn(self, output: Seq2SeqOutput, batch: Batch) -> None:
        """Nothing."""
        del output, batch


class GuidedAlignmentTerm:
    """`alignment_loss` of the attention that answers show, times its weight.

    Args:
        settings: The weight, and which loss.
        layers: The layers that are averaged, indices into L.
    """

    variables: tuple[Any, ...] = ()

    def __init__(self, settings: GuidedAlignmentSettings, layers: Sequence[int]) -> None:
        self._settings = settings
        self._layers = layers

    def loss(self, output: Seq2SeqOutput, batch: Batch) -> tf.Tensor:
        """The loss of the batch."""
        return self._settings.weight * alignment_loss(
            average_attention(output.attention_heads, self._layers),
            batch["alignment"],
            target_lengths=batch["target_lengths"],
            kind=self._settings.loss,
        )

    def learn(self, output: Seq2SeqOutput, batch: Batch) -> None:
        """Nothing."""
        del output, batch


def objective_terms(recipe: Recipe) -> tuple[ObjectiveTerm, ...]:
    """The terms that a recipe asks for."""
    terms: list[ObjectiveTerm] = []
    match recipe.model:
        case RnnDecoderSettings(attention=XuSoftSettings(penalty=penalty)) if penalty:
            terms.append(DoublyStochasticTerm(penalty))
        case RnnDecoderSettings(attention=XuHardSettings() as settings):
            terms.append(HardAttentionTerm(settings))
        case _:
            pass
    if recipe.training.guided_alignment is not None:
        layers = averaged_indices(recipe.seq2seq_model)
        terms.append(GuidedAlignmentTerm(recipe.training.guided_alignment, layers))
    return tuple(terms)
