"""Tokens of a batch as the sentences they make, and back.

Letters as ever, and Z the most sentences of a row, M the sentences of the whole batch, W the
longest of them in tokens.
"""

from __future__ import annotations

from typing import NamedTuple

import tensorflow as tf


class SentenceLayout(NamedTuple):
    """Where the tokens of each sentence stand.

    Attributes:
        places: The row of each sentence, and which of the row's it is, int32 [M, 2].
        positions: The columns of its tokens, int32 [M, W].
        word_mask: True at real tokens, bool [M, W].
        sentence_mask: True at real sentences, bool [B, Z].
    """

    places: tf.Tensor
    positions: tf.Tensor
    word_mask: tf.Tensor
    sentence_mask: tf.Tensor

    def split(self, values: tf.Tensor) -> tf.Tensor:
        """What stands at the tokens, [B, S], sentence by sentence, [M, W]."""
        rows = tf.broadcast_to(self.places[:, :1], tf.shape(self.positions))
        return tf.gather_nd(values, tf.stack([rows, self.positions], axis=-1))

    def join_words(self, values: tf.Tensor, shape: tf.Tensor) -> tf.Tensor:
        """Values of each sentence's tokens, [M, N, W], at their tokens: [B, N, S].

        Args:
            values: What to place.
            shape: B and S, int32 [2].
        """
        rows = tf.broadcast_to(self.places[:, :1], tf.shape(self.positions))
        targets = tf.boolean_mask(tf.stack([rows, self.positions], axis=-1), self.word_mask)
        per_token = tf.boolean_mask(tf.transpose(values, [0, 2, 1]), self.word_mask)
        full_shape = tf.concat([shape, tf.shape(values)[1:2]], axis=0)
        return tf.transpose(tf.scatter_nd(targets, per_token, full_shape), [0, 2, 1])

    def join_sentences(self, vectors: tf.Tensor) -> tf.Tensor:
        """Vectors of sentences, [M, D], by row: [B, Z, D], 0 where a row has no more."""
        shape = tf.concat([tf.shape(self.sentence_mask), tf.shape(vectors)[1:]], axis=0)
        return tf.scatter_nd(self.places, vectors, shape)


def sentence_layout(sentence_ids: tf.Tensor, mask: tf.Tensor) -> SentenceLayout:
    """Where the sentences of a batch stand.

    Args:
        sentence_ids: The sentence of each token, int32 [B, S]; in each row from 0, rising by at
            most 1 from token to token. What stands behind a row's length is not read.
        mask: True at real tokens, bool [B, S]; each row's real ones come first.
    """
    real_ids = tf.where(mask, sentence_ids, -1)
    most = tf.maximum(tf.reduce_max(tf.concat([tf.reshape(real_ids, [-1]), [0]], axis=0)) + 1, 1)
    is_in = real_ids[:, :, tf.newaxis] == tf.range(most)  # [B, S, Z]
    word_counts = tf.reduce_sum(tf.cast(is_in, tf.int32), axis=1)
    begins = tf.cumsum(word_counts, axis=1, exclusive=True)
    sentence_mask = word_counts > 0
    places = tf.cast(tf.where(sentence_mask), tf.int32)
    counts = tf.gather_nd(word_counts, places)
    width = tf.reduce_max(tf.concat([counts, [1]], axis=0))
    word_mask = tf.sequence_mask(counts, width)
    positions = tf.gather_nd(begins, places)[:, tf.newaxis] + tf.range(width)
    return SentenceLayout(places, tf.where(word_mask, positions, 0), word_mask, sentence_mask)
