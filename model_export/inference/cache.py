"""Keys and values of the target so far, written in place.

Each decoder layer has one cache, [2 * B * N * C, d]: keys, then values, of each row and head, with
C slots. A hypothesis writes one slot a step, in place: the operation changes the memory that it is
given. That is right only because nothing else reads it: every cache is an `Empty` of its own, and
the loop that carries it runs one iteration after the other.

With K hypotheses per row, slot t * K + k holds step t of the hypothesis that was k-th when it
wrote. Slots are never moved: when hypotheses continue one another, only `ancestors` change, which
say for each step whose slot a hypothesis reads.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

import tensorflow as tf

from model_export.inference.attention import MASKED

CHUNK: Final = 16
"""Steps that a cache gets room for at a time."""


class Places(NamedTuple):
    """Where the hypotheses of a batch write; the same at every step.

    Attributes:
        lines: Which of the 2 * B * N lines of slots, for each hypothesis, keys and values, and
            head; int32 [R * 2 * N].
        offsets: Which of a row's K hypotheses it is, for the same; int32 [R * 2 * N].
        hypotheses: Which of its row's K hypotheses each is, int32 [R].
        line_count: B * N, int32 scalar.
        width: K, int32 scalar; none where a row has one hypothesis.
    """

    lines: tf.Tensor
    offsets: tf.Tensor
    hypotheses: tf.Tensor
    line_count: tf.Tensor
    width: tf.Tensor | None

    @property
    def per_row(self) -> tf.Tensor | int:
        """K."""
        return 1 if self.width is None else self.width


class CacheState(NamedTuple):
    """What changes from step to step.

    Attributes:
        position: Steps so far, int32 [1].
        room: Steps that there is room for, int32 [1].
        slots: Where this step's keys and values go in a cache, int32 [R * 2 * N].
        view: Shape of a cache seen as keys and values: [2, B * N, C, d], int32 [4].
        layers: One cache per layer, bottom layer first, [2 * B * N * C, d].
        ancestors: Whose slot each hypothesis reads at each step, -1 for steps to come, int32
            [R, room]; () where a row has one hypothesis.
    """

    position: tf.Tensor
    room: tf.Tensor
    slots: tf.Tensor
    view: tf.Tensor
    layers: tuple[tf.Tensor, ...]
    ancestors: tf.Tensor | tuple[()]

    def loop_shapes(self) -> CacheState:
        """What a loop that carries the state may rely on."""
        has_ancestors = isinstance(self.ancestors, tf.Tensor)
        return CacheState(
            position=tf.TensorShape([1]),
            room=tf.TensorShape([1]),
            slots=tf.TensorShape([None]),
            view=tf.TensorShape([4]),
            layers=tuple(tf.TensorShape([None, layer.shape[1]]) for layer in self.layers),
            ancestors=tf.TensorShape([None, None]) if has_ancestors else (),
        )


@dataclass(frozen=True)
class KeyValueCache:
    """How keys and values are kept.

    Attributes:
        layer_count: Decoder layers.
        head_count: N.
        head_width: d.
        dtype: The format they are kept in.
        most_steps: Steps that a search may take.
    """

    layer_count: int
    head_count: int
    head_width: int
    dtype: tf.DType
    most_steps: int

    def places(self, rows: tf.Tensor, width: tf.Tensor | None) -> Places:
        """Where the hypotheses of B rows write, K each."""
        per_row = tf.constant(1) if width is None else width
        # In the order of what a step computes: row, hypothesis, keys and values, head.
        shape = tf.stack([rows, per_row, 2, self.head_count])
        row = tf.reshape(tf.range(rows) * self.head_count, [-1, 1, 1, 1])
        hypothesis = tf.reshape(tf.range(per_row), [1, -1, 1, 1])
        kind = tf.reshape(tf.range(2) * rows * self.head_count, [1, 1, 2, 1])
        lines = row + kind + tf.range(self.head_count)
        return Places(
            lines=tf.reshape(tf.broadcast_to(lines, shape), [-1]),
            offsets=tf.reshape(tf.broadcast_to(hypothesis, shape), [-1]),
            hypotheses=tf.tile(tf.range(per_row), [rows]),
            line_count=rows * self.head_count,
            width=width,
        )

    def first_state(self, places: Places) -> CacheState:
        """No step so far, and room for the first ones."""
        view = self._view(places, CHUNK * places.per_row)
        size = 2 * places.line_count * CHUNK * places.per_row
        layers = tuple(
            tf.raw_ops.Empty(shape=tf.stack([size, self.head_width]), dtype=self.dtype, init=True)
            for _ in range(self.layer_count)
        )
        ancestors: tf.Tensor | tuple[()] = ()
        if places.width is not None:
            ancestors = tf.fill(tf.stack([tf.shape(places.hypotheses)[0], CHUNK]), -1)
        return CacheState(
            position=tf.zeros([1], tf.int32),
            room=tf.fill([1], CHUNK),
            slots=places.lines * view[2] + places.offsets,
            view=view,
            layers=layers,
            ancestors=ancestors,
        )

    def with_room(self, state: CacheState, places: Places) -> CacheState:
        """The state with room for more steps."""
        room = state.room + CHUNK
        view = self._view(places, room[0] * places.per_row)
        nothing = tf.zeros(self._view(places, CHUNK * places.per_row), self.dtype)
        layers = tuple(
            tf.reshape(
                tf.concat([tf.reshape(layer, state.view), nothing], axis=2), [-1, self.head_width]
            )
            for layer in state.layers
        )
        ancestors = state.ancestors
        if places.width is not None:
            ancestors = tf.pad(ancestors, [[0, 0], [0, CHUNK]], constant_values=-1)
        first = places.lines * view[2] + places.offsets
        return CacheState(
            position=state.position,
            room=room,
            slots=first + state.position * places.per_row,
            view=view,
            layers=layers,
            ancestors=ancestors,
        )

    def _view(self, places: Places, slot_count: tf.Tensor | int) -> tf.Tensor:
        return tf.stack([2, places.line_count, slot_count, self.head_width])

    def keys_values(self, layer: tf.Tensor, state: CacheState) -> tuple[tf.Tensor, tf.Tensor]:
        """A layer's keys and values, [B * N, C, d] each."""
        keys, values = tf.unstack(tf.reshape(layer, state.view), num=2)
        return keys, values

    def written(self, layer: tf.Tensor, slots: tf.Tensor, keys_values: tf.Tensor) -> tf.Tensor:
        """A layer's cache with a step's keys and values, float [R, 2 * D], in their slots."""
        lines = tf.cast(tf.reshape(keys_values, [-1, self.head_width]), self.dtype)
        return tf.raw_ops.InplaceUpdate(x=layer, i=slots, v=lines)

    def started(self, state: CacheState, places: Places) -> tuple[CacheState, tf.Tensor]:
        """The state at the beginning of a step, and what each hypothesis may look at.

        Returns:
            The state, and 0 or `MASKED`, float32 [C], or [B * N, K, C] of K hypotheses per row.
        """
        if places.width is None:
            # Zeros up to the present step, then `MASKED`.
            table = tf.constant([0.0] * self.most_steps + [MASKED] * (self.most_steps + CHUNK))
            first = self.most_steps - 1 - state.position
            return state, tf.slice(table, first, state.room)
        steps = tf.range(state.room[0])
        own = places.hypotheses[:, tf.newaxis]
        ancestors = tf.where(steps == state.position, own, state.ancestors)
        bias = tf.one_hot(ancestors, places.width, on_value=0.0, off_value=MASKED)  # [R, room, K]
        bias = tf.reshape(bias, tf.stack([-1, places.width, state.room[0] * places.width]))
        return state._replace(ancestors=ancestors), tf.repeat(bias, self.head_count, axis=0)

    def ended(self, state: CacheState, places: Places, layers: list[tf.Tensor]) -> CacheState:
        """The state at the end of a step, with the caches that it wrote to."""
        return state._replace(
            position=state.position + 1,
            slots=state.slots + places.per_row,
            layers=tuple(layers),
        )
