"""How a search runs a model's steps, whether or not the model keeps a cache of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, Protocol, TypeVar, runtime_checkable

import tensorflow as tf

from model_export.decoding.nests import gather_rows, repeat_rows
from model_export.decoding.step_model import StepModel

Loop = TypeVar("Loop")


@runtime_checkable
class CachingModel(StepModel, Protocol):
    """A model whose states hold a cache with room for some steps.

    Its states and memories are not repeated and gathered row by row: it does that itself.
    """

    def encode_for_beams(
        self, tokens: tf.Tensor, lengths: tf.Tensor, width: tf.Tensor
    ) -> tuple[Any, Any]:
        """As `encode`, for K hypotheses per row, one after the other; K is an int32 scalar."""

    def reordered(self, state: Any, parents: tf.Tensor) -> Any:
        """The state of hypotheses each of which continues another of its row, int32 [R]."""

    def has_room(self, state: Any) -> tf.Tensor:
        """Whether there is room for another step, bool scalar."""

    def with_room(self, state: Any, memory: Any) -> Any:
        """The state with room for more steps."""


class Room(NamedTuple):
    """How a loop gets room for more steps.

    Attributes:
        has_room: Whether what the loop carries has room for another step, bool scalar.
        with_room: The same with room for more.
    """

    has_room: Callable[[Any], tf.Tensor]
    with_room: Callable[[Any], Any]


def encode_for_beams(
    model: StepModel, tokens: tf.Tensor, lengths: tf.Tensor, width: tf.Tensor
) -> tuple[Any, Any]:
    """The first state and the memory of K hypotheses per row, one after the other."""
    if isinstance(model, CachingModel):
        return model.encode_for_beams(tokens, lengths, width)
    state, memory = model.encode(tokens, lengths)
    return repeat_rows(state, width), repeat_rows(memory, width)


def reordered(model: StepModel, state: Any, parents: tf.Tensor) -> Any:
    """The state of hypotheses that continue those named, int32 [R]."""
    if isinstance(model, CachingModel):
        return model.reordered(state, parents)
    return gather_rows(state, parents)


def run_steps(
    start: Loop,
    *,
    is_going: Callable[[Loop], tf.Tensor],
    body: Callable[[Loop], Loop],
    invariants: Loop,
    room: Room | None,
) -> Loop:
    """Runs a loop's steps, one after the other, until none is needed.

    A cache is written in place, and grows only between runs of an inner loop, so that a step need
    not ask whether it has room.

    Args:
        start: What the loop carries, before the first step.
        is_going: Whether another step is needed, bool scalar.
        body: One step.
        invariants: Shapes that the steps keep.
        room: Of a loop that carries a cache.
    """

    def run(
        condition: Callable[[Loop], tf.Tensor], step: Callable[[Loop], Loop], loop: Loop
    ) -> Loop:
        (loop,) = tf.while_loop(
            condition,
            lambda loop: (step(loop),),
            (loop,),
            shape_invariants=(invariants,),
            parallel_iterations=1,
        )
        return loop

    if room is None:
        return run(is_going, body, start)
    has_room, with_room = room

    def segment(loop: Loop) -> Loop:
        loop = tf.cond(has_room(loop), lambda: loop, lambda: with_room(loop))
        return run(lambda loop: is_going(loop) & has_room(loop), body, loop)

    return run(is_going, segment, start)


def room_of(
    model: StepModel, memory: Any, *, state_of: Callable[[Any], Any], with_state: Callable[..., Any]
) -> Room | None:
    """How a loop that carries a model's state gets room; none of a model without a cache.

    Args:
        model: Whose state it is.
        memory: What the model reads.
        state_of: The state among what a loop carries.
        with_state: What the loop carries, with another state.
    """
    if not isinstance(model, CachingModel):
        return None
    caching: CachingModel = model
    return Room(
        has_room=lambda loop: caching.has_room(state_of(loop)),
        with_room=lambda loop: with_state(loop, caching.with_room(state_of(loop), memory)),
    )
