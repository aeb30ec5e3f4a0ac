"""Training on several devices, or on several machines, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from enum import StrEnum
from typing import Any

import tensorflow as tf

from model_export.data.batches import Batch
from model_export.errors import RunError
from model_export.training.cluster import worker_index


class DistributionKind(StrEnum):
    """What a training is spread over."""

    MIRRORED = "mirrored"
    MULTI_WORKER = "multi-worker"


class Distribution:
    """Replicas of a model that train on shares of each batch and keep the same weights.

    The gradient is that of the whole batch: sums over rows are taken over all replicas before
    they are divided, and the gradient is shortened as a whole. With one replica nothing differs
    from a training that is not distributed.

    Args:
        strategy: TensorFlow's; none = one device.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        self._strategy = strategy or tf.distribute.get_strategy()
        self.replica_count = int(self._strategy.num_replicas_in_sync)
        self._sum_everywhere = tf.function(self._replicated_sum, autograph=False)

    @property
    def is_single(self) -> bool:
        """Whether there is but one replica."""
        return self.replica_count == 1

    def scope(self) -> AbstractContextManager[Any]:
        """Model, optimiser and their variables are made within this."""
        scope: AbstractContextManager[Any] = self._strategy.scope()
        return scope

    def step_function(self, step: Callable[[Batch], Any]) -> Callable[[Batch], tuple[Any, Any]]:
        """A function of a whole batch, of which each replica gives `step` its share of rows.

        Args:
            step: Gives a summed loss and a number of tokens, each already summed over replicas.
        """
        run = tf.function(lambda shares: self._strategy.run(step, args=(shares,)), autograph=False)

        def distributed(batch: Batch) -> tuple[Any, Any]:
            try:
                results = run(self._shares(batch))
            except tf.errors.UnavailableError as error:
                raise RunError(
                    "another worker is gone; start all of them again: the training goes on from "
                    "its last evaluation"
                ) from error
            loss_sum, count = (self._strategy.experimental_local_results(part) for part in results)
            return loss_sum[0], count[0]

        return distributed

    def total(self, value: tf.Tensor) -> tf.Tensor:
        """Within a step: the sum over replicas."""
        return tf.distribute.get_replica_context().all_reduce(tf.distribute.ReduceOp.SUM, value)

    def whole_gradients(
        self, gradients: Sequence[tf.Tensor], *, clip_norm: float
    ) -> list[tf.Tensor]:
        """Within a step: what an optimiser that adds up the replicas' gradients must be given.

        Args:
            gradients: The replica's own part of each gradient.
            clip_norm: The longest gradient, as a norm over all weights.
        """
        summed = [self.total(tf.convert_to_tensor(part)) for part in gradients]
        clipped, _ = tf.clip_by_global_norm(summed, clip_norm)
        return [part / self.replica_count for part in clipped]

    def any_of(self, *flags: bool) -> tuple[bool, ...]:
        """Whether each flag is up in any of the workers."""
        if self.is_single:
            return flags
        return tuple(count > 0 for count in self._sums([int(flag) for flag in flags]))

    def check_same_step(self, step: int) -> None:
        """Checks that all workers stand at the same step.

        Raises:
            RunError: They do not.
        """
        if self.is_single:
            return
        total, squares = self._sums([step, step * step])
        if total != self.replica_count * step or squares != self.replica_count * step * step:
            raise RunError(
                f"the workers are at different steps, this one at {step}: copy the first "
                "worker's training_state.npz into the folders of the others, or train anew"
            )

    def _sums(self, values: Sequence[int]) -> list[int]:
        """Sums over replicas; each replica of a worker gives the worker's values."""
        sums = self._sum_everywhere(tf.constant(list(values), tf.int64))
        return [int(value) for value in sums]

    def _replicated_sum(self, values: tf.Tensor) -> tf.Tensor:
        # The identity gives each replica a value on its own device, which a reduction needs.
        results = self._strategy.run(lambda: self.total(tf.identity(values)))
        return self._strategy.experimental_local_results(results)[0]

    def _shares(self, batch: Batch) -> Any:
        """Each replica's rows, as even as can be."""
        rows, count = int(batch["tokens"].shape[0]), self.replica_count
        if rows < count:
            raise RunError(f"a batch of {rows} rows cannot be shared by {count} replicas")

        def share(context: tf.distribute.ValueContext) -> Batch:
            index = context.replica_id_in_sync_group
            begin, end = index * rows // count, (index + 1) * rows // count
            return {name: tensor[begin:end] for name, tensor in batch.items()}

        return self._strategy.experimental_distribute_values_from_function(share)


def distribution_of(kind: DistributionKind | None) -> Distribution:
    """What a kind stands for; TensorFlow must not have computed anything before.

    Args:
        kind: MIRRORED: the GPUs of this machine, or its processors as TensorFlow divides them
            (one device, unless it is told otherwise); MULTI_WORKER: what the environment variable
            TF_CONFIG names; none: one device.

    Raises:
        RunError: TF_CONFIG is missing or wrong.
    """
    match kind:
        case None:
            return Distribution()
        case DistributionKind.MIRRORED:
            devices = tf.config.list_logical_devices("GPU") or tf.config.list_logical_devices("CPU")
            names = [device.name for device in devices]
            return Distribution(tf.distribute.MirroredStrategy(names))
        case DistributionKind.MULTI_WORKER:
            worker_index()
            return Distribution(tf.distribute.MultiWorkerMirroredStrategy())
