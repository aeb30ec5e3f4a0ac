"""The optimiser and its learning rate."""

from __future__ import annotations

import keras

from model_export.config import TrainingSettings


def build_optimizer(settings: TrainingSettings, *, step_count: int) -> keras.optimizers.Adam:
    """Adam with gradients clipped by their common norm.

    The rate rises from 0 in a straight line over the warm-up, then falls by half a cosine until
    the last step.

    Args:
        settings: Rates, warm-up and clipping.
        step_count: Steps of the whole training.
    """
    warmup_steps = min(settings.warmup_steps, step_count - 1)
    schedule = keras.optimizers.schedules.CosineDecay(
        initial_learning_rate=0.0 if warmup_steps else settings.learning_rate,
        decay_steps=step_count - warmup_steps,
        alpha=settings.final_learning_rate_share,
        warmup_target=settings.learning_rate if warmup_steps else None,
        warmup_steps=warmup_steps,
    )
    return keras.optimizers.Adam(schedule, global_clipnorm=settings.clip_norm)
