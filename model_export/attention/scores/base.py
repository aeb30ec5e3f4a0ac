"""The interface of a score."""

from __future__ import annotations

from abc import abstractmethod

import keras
import tensorflow as tf


class Score(keras.layers.Layer):
    """Scores source positions for a query; masking and softmax are left to the mechanism."""

    @abstractmethod
    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The source's part, computed once per source: float [B, S, D] to [B, S, units]."""

    @abstractmethod
    def call(self, query: tf.Tensor, projected_keys: tf.Tensor) -> tf.Tensor:
        """Scores, float [B, S], of a query, float [B, Q]."""
