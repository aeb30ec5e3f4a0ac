"""The score "dot"."""

from __future__ import annotations

import tensorflow as tf

from model_export.attention.scores.base import Score


class DotScore(Score):
    """The product of query and position; it has no weights, and needs Q = D.

    score[b, s] = q[b] . k[b, s]                            Luong et al. 2015, section 3.1, dot
    """

    def project_keys(self, values: tf.Tensor) -> tf.Tensor:
        """The values as they are."""
        return values

    def call(self, query: tf.Tensor, projected_keys: tf.Tensor) -> tf.Tensor:
        """Scores, float [B, S].

        Raises:
            ValueError: The query is not as wide as the values.
        """
        if query.shape[-1] != projected_keys.shape[-1]:
            raise ValueError(
                f"the score dot needs a query as wide as the values, {projected_keys.shape[-1]}, "
                f"not {query.shape[-1]}"
            )
        return tf.linalg.matvec(projected_keys, query)
