"""The optimiser and its learning rate."""

from __future__ import annotations

import keras
import tensorflow as tf

from model_export.config import RateSchedule, TrainingSettings


def build_optimizer(
    settings: TrainingSettings, *, step_count: int, clips: bool = True
) -> keras.optimizers.Adam:
    """Adam with gradients clipped by their common norm.

    The rate rises from 0 in a straight line over the warm-up, then falls as the settings say.

    Args:
        settings: Rates, warm-up, schedule and clipping.
        step_count: Steps of the whole training.
        clips: Whether it clips; else whoever gives it the gradients does.
    """
    return keras.optimizers.Adam(
        _schedule(settings, step_count),
        beta_2=settings.adam_beta_2,
        global_clipnorm=settings.clip_norm if clips else None,
    )


class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """A warm-up in a straight line, then a fall with the root of the steps.

        rate = peak min(step / warmup, sqrt(warmup / step))     Vaswani et al. 2017, eq. 3, where
                                                                peak = 1 / sqrt(D warmup)

    Args:
        peak: The highest rate.
        warmup_steps: Steps until it is reached, 1 or more.
    """

    def __init__(self, peak: float, *, warmup_steps: int) -> None:
        self.peak = peak
        self.warmup_steps = warmup_steps

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        """The rate of a step, counted from 0; float32 scalar."""
        # Counted from 1: the first step already learns, and no step divides by 0.
        share = (tf.cast(step, tf.float32) + 1.0) / self.warmup_steps
        return self.peak * tf.minimum(share, tf.math.rsqrt(share))


def _schedule(
    settings: TrainingSettings, step_count: int
) -> keras.optimizers.schedules.LearningRateSchedule:
    warmup_steps = min(settings.warmup_steps, step_count - 1)
    if settings.schedule is RateSchedule.INVERSE_SQUARE_ROOT:
        return InverseSquareRoot(settings.learning_rate, warmup_steps=max(1, warmup_steps))
    return keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else settings.learning_rate,
        decay_steps=step_count - warmup_steps,
        alpha=settings.final_learning_rate_share,
        warmup_target=settings.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
