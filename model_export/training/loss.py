"""The terms of a batch's loss."""

from __future__ import annotations

import tensorflow as tf

from model_export.config import AlignmentLoss


def token_loss_sum(
    logits: tf.Tensor,
    targets: tf.Tensor,
    *,
    target_lengths: tf.Tensor,
    label_smoothing: float = 0.0,
) -> tf.Tensor:
    """Cross-entropy, summed over real target tokens.

        loss = sum_{b, t < length_b} -(1 - e) log p(y_bt) - e mean_v log p(v)
                                        Szegedy et al. 2016, section 7, with a uniform prior

    Args:
        logits: Scores before the softmax, float32 [B, T, V].
        targets: The right tokens, int32 [B, T].
        target_lengths: Real tokens of each row, int32 [B]; a row with 0 counts for nothing.
        label_smoothing: e, 0 to below 1.

    Returns:
        The sum in nats, float32 [].
    """
    return tf.reduce_sum(
        token_losses(
            logits, targets, target_lengths=target_lengths, label_smoothing=label_smoothing
        )
    )


def token_losses(
    logits: tf.Tensor,
    targets: tf.Tensor,
    *,
    target_lengths: tf.Tensor,
    label_smoothing: float = 0.0,
) -> tf.Tensor:
    """The terms of `token_loss_sum`, float32 [B, T]; 0 behind a row's length."""
    mask = tf.sequence_mask(target_lengths, tf.shape(targets)[1])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=targets, logits=logits)
    if label_smoothing:
        spread = -tf.reduce_mean(tf.nn.log_softmax(logits), axis=-1)
        losses = (1.0 - label_smoothing) * losses + label_smoothing * spread
    return tf.where(mask, losses, tf.zeros_like(losses))


def alignment_loss(
    attention: tf.Tensor,
    alignment: tf.Tensor,
    *,
    target_lengths: tf.Tensor,
    kind: AlignmentLoss,
) -> tf.Tensor:
    """How far attention is from given links, summed over real target tokens.

        cross_entropy   - sum_s A_bts log alpha_bts         Chen et al. 2016
        squared_error   1/2 sum_s (A_bts - alpha_bts)^2     for tokens with a link

    Args:
        attention: alpha, float32 [B, T, S].
        alignment: A, float32 [B, T, S]; each row sums to 1, or is 0 for a token without a link,
            which then counts for nothing.
        target_lengths: Real target tokens of each row, int32 [B].
        kind: Which.

    Returns:
        The sum, float32 [].
    """
    if kind is AlignmentLoss.CROSS_ENTROPY:
        losses = -tf.reduce_sum(alignment * tf.math.log(tf.maximum(attention, 1e-9)), axis=-1)
    else:
        is_linked = tf.reduce_max(alignment, axis=-1)
        squares = tf.reduce_sum(tf.square(alignment - attention), axis=-1) / 2.0
        losses = tf.where(is_linked > 0.0, squares, 0.0)
    return tf.reduce_sum(losses * tf.sequence_mask(target_lengths, tf.shape(losses)[1], tf.float32))


def doubly_stochastic_penalty(
    attention_heads: tf.Tensor, *, lengths: tf.Tensor, target_lengths: tf.Tensor
) -> tf.Tensor:
    """What it costs that a source position is looked at more or less than once in all.

        penalty = sum_{b, i < length_b} (1 - sum_{t < target_length_b} alpha_bti)^2
                                        Xu et al. 2015, section 4.2.1, without its factor lambda

    Args:
        attention_heads: Weights, float32 [B, L, N, T, S]; every layer and head counts.
        lengths: Real source tokens of each row, int32 [B].
        target_lengths: Real target tokens of each row, int32 [B]; a row with 0 counts for
            nothing.

    Returns:
        The sum, float32 [].
    """
    steps, positions = tf.shape(attention_heads)[3], tf.shape(attention_heads)[4]
    is_target = tf.sequence_mask(target_lengths, steps, attention_heads.dtype)
    received = tf.einsum("blnts,bt->blns", attention_heads, is_target)
    is_source = tf.sequence_mask(lengths, positions) & (target_lengths > 0)[:, tf.newaxis]
    is_source = is_source[:, tf.newaxis, tf.newaxis, :]
    return tf.reduce_sum(tf.where(is_source, tf.square(1.0 - received), 0.0))
