"""What all layers of a stack have in common."""

from __future__ import annotations

from dataclasses import dataclass

from model_export.config import Activation, NormPlacement


@dataclass(frozen=True, slots=True)
class LayerShape:
    """One Transformer layer.

    Attributes:
        width: Width of every position's vector, D; a multiple of `head_count`.
        feed_forward_width: Width inside the feed-forward part, 1 or more.
        head_count: Attention heads, N, 1 or more.
        dropout: Share dropped of what each part adds, in training, 0 to below 1.
        activation: Of the feed-forward part.
        norm: Whether a part's input or its output is normalised.
    """

    width: int
    feed_forward_width: int
    head_count: int
    dropout: float = 0.0
    activation: Activation = Activation.RELU
    norm: NormPlacement = NormPlacement.PRE
