"""Searches that XLA compiles, once for each bucket of shapes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import tensorflow as tf

from heed.contract import ShapeBuckets
from model_export.decoding import BeamOptions, DecodingOptions, SampleOptions
from model_export.decoding.bounded import BoundedModel
from model_export.export.input_checks import checked_row_count

Limits = DecodingOptions
Options = Limits | tuple[Limits, BeamOptions] | tuple[Limits, SampleOptions]
Outputs = Any
"""`Hypotheses`, or `RankedHypotheses`."""

_FILL: Final = {"max_lengths": 1, "beam_width": 1, "temperature": 1, "top_p": 1}
"""What an option is in rows that only fill a batch up; 0 unless named."""
_OF_TOKENS: Final = ("tokens", "token_scores", "attention")
"""Outputs that have target tokens as dimension 2."""


class CompiledSearch:
    """A search whose batches are filled up to one of few shapes, each of which XLA compiles once.

    Called as the search itself but for the model; it answers the same, and its outputs are as
    large. Rows that fill a batch up read one token and end at once.

    Args:
        search: `greedy_search`, `beam_search` or `sample_search`.
        model: The model, with its bounds.
        buckets: The shapes.
    """

    def __init__(
        self, search: Callable[..., Outputs], model: BoundedModel, buckets: ShapeBuckets
    ) -> None:
        self._search = search
        self._model = model
        self._buckets = buckets
        self._compiled = tf.function(self._run, jit_compile=True, autograph=False)

    def __call__(
        self,
        tokens: tf.Tensor,
        *,
        lengths: tf.Tensor,
        options: Options,
        attention_layers: Sequence[int],
    ) -> Outputs:
        """The search's outputs.

        Args:
            tokens: Source ids, int32 [B, S]; no more rows than the largest bucket.
            lengths: Real tokens of each source, int32 [B].
            options: As of the search.
            attention_layers: As of the search.
        """
        most = self._buckets.rows[-1]
        tokens = checked_row_count(tokens, name="tokens", most=most)
        rows, columns = tf.unstack(tf.shape(tokens))
        room = _bucket_of(rows, self._buckets.rows)
        longest = tf.reduce_max(tf.concat([lengths, [1]], axis=0))
        width = _bucket_of(longest, self._buckets.source_tokens)
        outputs = self._compiled(
            _filled(_with_columns(tokens, width), room),
            _filled(lengths, room, fill=1),
            self._filled_options(options, room),
            tuple(attention_layers),
        )
        return _trimmed(outputs, rows, columns, options=options)

    def _run(
        self, tokens: tf.Tensor, lengths: tf.Tensor, options: Options, layers: tuple[int, ...]
    ) -> Outputs:
        return self._search(
            self._model, tokens, lengths=lengths, options=options, attention_layers=layers
        )

    def _filled_options(self, options: Options, room: tf.Tensor) -> Any:
        if not isinstance(options, DecodingOptions):
            limits, further = options
            return self._filled_options(limits, room), _filled_fields(further, room)
        prefixes = _with_columns(options.prefix_tokens, tf.constant(self._model.steps))
        return _filled_fields(options._replace(prefix_tokens=prefixes), room)


def _bucket_of(size: tf.Tensor, buckets: Sequence[int]) -> tf.Tensor:
    """The smallest bucket that holds so much, or the largest, int32 scalar."""
    sizes = tf.constant(buckets)
    return tf.reduce_min(tf.where(sizes >= size, sizes, buckets[-1]))


def _with_columns(tensor: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """[B, X] with so many columns: cut off, or filled up with 0."""
    tensor = tensor[:, :width]
    return tf.pad(tensor, [[0, 0], [0, width - tf.shape(tensor)[1]]])


def _filled(tensor: tf.Tensor, room: tf.Tensor, *, fill: int = 0) -> tf.Tensor:
    """[B, ...] with so many rows."""
    missing = [[0, room - tf.shape(tensor)[0]]] + [[0, 0]] * (tensor.shape.rank - 1)
    return tf.pad(tensor, missing, constant_values=tf.cast(fill, tensor.dtype))


def _filled_fields(options: Any, room: tf.Tensor) -> Any:
    fields = options._asdict().items()
    filled = {name: _filled(field, room, fill=_FILL.get(name, 0)) for name, field in fields}
    return type(options)(**filled)


def _trimmed(outputs: Outputs, rows: tf.Tensor, columns: tf.Tensor, *, options: Options) -> Outputs:
    """The outputs of the real rows, as large as the search alone would have made them."""
    real = {name: tensor[:rows] for name, tensor in outputs._asdict().items()}
    if isinstance(options[1], BeamOptions):
        width = tf.reduce_max(tf.concat([options[1].beam_width, [1]], axis=0))
        real = {name: tensor[:, :width] for name, tensor in real.items()}
    else:  # the graph says that there is one hypothesis
        real = {
            name: tf.ensure_shape(tensor[:, :1], [None, 1, *tensor.shape[2:]])
            for name, tensor in real.items()
        }
    longest = tf.reduce_max(tf.concat([tf.reshape(real["lengths"], [-1]), [0]], axis=0))
    real.update({name: real[name][:, :, :longest] for name in _OF_TOKENS})
    attention = real["attention"][..., :columns]
    missing = columns - tf.shape(attention)[3]
    real["attention"] = tf.pad(attention, [[0, 0], [0, 0], [0, 0], [0, missing]])
    return type(outputs)(**real)
