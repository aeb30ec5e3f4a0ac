"""Layers that are made of layers."""

from __future__ import annotations

import keras


class CompositeLayer(keras.layers.Layer):
    """A layer of parts that make their own weights, and of masks that come as arguments.

    Keras need not find out how to build it: each part builds itself when it is first called. No
    mask is attached to what it returns.
    """

    def __init__(self, **kwargs: object) -> None:
        super().__init__(**kwargs)
        self.supports_masking = True

    def build(self, inputs_shape: object) -> None:
        """Nothing: each part makes its weights when it is first called."""
        self.built = True

    def compute_mask(self, *args: object, **kwargs: object) -> None:
        """Nothing: outputs carry no mask of Keras' own."""
