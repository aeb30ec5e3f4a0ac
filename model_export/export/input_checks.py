"""Checks of the inputs, inside the graph: a server checks neither shapes nor values.

Each function returns its inputs again, and what comes out can only be computed once the checks
have passed; so they hold whichever outputs a caller fetches. A check that fails is an
INVALID_ARGUMENT whose message begins with the input's name.
"""

from __future__ import annotations

import tensorflow as tf

from heed.contract import (
    IMAGES_INPUT,
    MAX_COVERAGE_PENALTY,
    MAX_LENGTH_PENALTY,
    MAX_TEMPERATURE,
    MIN_TEMPERATURE,
    SPECIAL_IDS,
    WIDTHS_INPUT,
    SentenceLimits,
)
from model_export.decoding import BeamOptions, DecodingOptions, SampleOptions

_FORBIDDEN_IN_PREFIX = (SPECIAL_IDS.pad, SPECIAL_IDS.begin, SPECIAL_IDS.end)


def checked_shapes(inputs: dict[str, tf.Tensor]) -> dict[str, tf.Tensor]:
    """Checks the number of dimensions of each input, and that all have the same rows.

    A server does not hold callers to the shapes of the signature, while the graph's optimiser
    takes them for granted and would compute `tf.rank` from them: only `ensure_shape` looks.
    """
    inputs = {
        name: tf.ensure_shape(tensor, tensor.shape, name=f"shape_of_{name}")
        for name, tensor in inputs.items()
    }
    first_name, first = next(iter(inputs.items()))
    rows = tf.shape(first)[0]
    same_rows = [
        _require(
            tf.shape(tensor)[0] == rows,
            f"{name}: must have as many rows as {first_name}; found",
            tf.shape(tensor)[0],
            "and",
            rows,
        )
        for name, tensor in inputs.items()
        if name != first_name
    ]
    return _after(same_rows, inputs)


def checked_tokens(
    tokens: tf.Tensor,
    lengths: tf.Tensor,
    *,
    names: tuple[str, str],
    vocabulary_size: int,
    max_length: int,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Checks token ids and their lengths.

    Args:
        tokens: int32 [B, S], padded with anything.
        lengths: int32 [B], 1 to S.
        names: The names of these two inputs, for messages.
        vocabulary_size: Real ids must lie in 0 to `vocabulary_size` - 1.
        max_length: The longest row allowed. Padding may make the columns up to twice as many, so
            that they can be rounded up to a power of two; more would only keep the server busy.

    Returns:
        The tokens, 0 behind each row's length, at least one column wide; and the lengths.
    """
    tokens_name, lengths_name = names
    columns = tf.shape(tokens)[1]
    message = f"{tokens_name}: must have at most {2 * max_length} columns; found"
    (tokens,) = _after([_require(columns <= 2 * max_length, message, columns)], [tokens])
    limit = tf.minimum(columns, max_length)
    tokens = _at_least_one_column(tokens)
    in_range = (lengths >= 1) & (lengths <= limit)
    message = f"{lengths_name}: must be 1 to the columns of {tokens_name}, at most {max_length}"
    (lengths,) = _after([_require_all(in_range, message, lengths)], [lengths])
    mask = tf.sequence_mask(lengths, tf.shape(tokens)[1])
    tokens = tf.where(mask, tokens, SPECIAL_IDS.pad)
    known = (tokens >= 0) & (tokens < vocabulary_size)
    message = f"{tokens_name}: ids must be 0 to {vocabulary_size - 1}"
    (tokens,) = _after([_require_all(known, message, tokens)], [tokens])
    return tokens, lengths


def checked_pictures(
    images: tf.Tensor, widths: tf.Tensor, *, max_width: int
) -> tuple[tf.Tensor, tf.Tensor]:
    """Checks the widths of pictures.

    Args:
        images: Columns of pixels, uint8 [B, W, H, C], padded with anything.
        widths: Real columns of each picture, int32 [B], 1 to W.
        max_width: The widest picture allowed. Padding may make it up to twice as wide.

    Returns:
        The pictures, 0 beyond their widths, at least one column wide; and the widths.
    """
    columns = tf.shape(images)[1]
    message = f"{IMAGES_INPUT}: must have at most {2 * max_width} columns; found"
    (images,) = _after([_require(columns <= 2 * max_width, message, columns)], [images])
    in_range = (widths >= 1) & (widths <= tf.minimum(columns, max_width))
    message = f"{WIDTHS_INPUT}: must be 1 to the columns of {IMAGES_INPUT}, at most {max_width}"
    (widths,) = _after([_require_all(in_range, message, widths)], [widths])
    images = _at_least_one_column(images)
    mask = tf.sequence_mask(widths, tf.shape(images)[1])[:, :, tf.newaxis, tf.newaxis]
    return tf.where(mask, images, tf.zeros_like(images)), widths


def checked_options(
    options: DecodingOptions, *, vocabulary_size: int, max_target_tokens: int
) -> DecodingOptions:
    """Checks the options of decoding; `DecodingOptions` says what is allowed.

    Args:
        options: As the caller sent them.
        vocabulary_size: Number of target ids.
        max_target_tokens: The longest output.

    Returns:
        The same options, the prefix 0 behind each row's prefix length.
    """
    maximum, minimum, prefix, prefix_lengths = options
    width, most_columns = tf.shape(prefix)[1], 2 * max_target_tokens
    limits = [
        _require(
            width <= most_columns,
            f"prefix_tokens: must have at most {most_columns} columns; found",
            width,
        ),
        _require_all(
            (maximum >= 1) & (maximum <= max_target_tokens),
            f"max_lengths: must be 1 to {max_target_tokens}",
            maximum,
        ),
        _require_all(
            (minimum >= 0) & (minimum <= maximum),
            "min_lengths: must be 0 to max_lengths of the row",
            minimum,
        ),
        _require_all(
            (prefix_lengths >= 0) & (prefix_lengths <= tf.minimum(maximum, width)),
            "prefix_lengths: must be 0 to max_lengths of the row, and columns of prefix_tokens",
            prefix_lengths,
        ),
    ]
    maximum, minimum, prefix, prefix_lengths = _after(limits, list(options))
    mask = tf.sequence_mask(prefix_lengths, width)
    known = (prefix >= 0) & (prefix < vocabulary_size)
    for token_id in _FORBIDDEN_IN_PREFIX:
        known &= prefix != token_id
    message = (
        f"prefix_tokens: ids must be 0 to {vocabulary_size - 1}, "
        f"and none of {list(_FORBIDDEN_IN_PREFIX)} (pad, begin, end)"
    )
    checks = [_require_all(known | ~mask, message, tf.boolean_mask(prefix, mask))]
    prefix = tf.where(mask, prefix, SPECIAL_IDS.pad)
    return DecodingOptions(*_after(checks, [maximum, minimum, prefix, prefix_lengths]))


def checked_beam_options(
    options: BeamOptions, *, max_beam_width: int, max_target_tokens: int
) -> BeamOptions:
    """Checks the options of beam search; `BeamOptions` says what is allowed.

    Args:
        options: As the caller sent them.
        max_beam_width: The widest beam.
        max_target_tokens: The longest output, and so the longest n-gram.
    """
    checks = [
        _require_between("beam_width", options.beam_width, 1, max_beam_width),
        _require_between("length_penalty", options.length_penalty, 0.0, MAX_LENGTH_PENALTY),
        _require_between("coverage_penalty", options.coverage_penalty, 0.0, MAX_COVERAGE_PENALTY),
        _require_between("no_repeat_ngram", options.no_repeat_ngram, 0, max_target_tokens),
    ]
    return BeamOptions(*_after(checks, list(options)))


def checked_sample_options(options: SampleOptions, *, vocabulary_size: int) -> SampleOptions:
    """Checks the options of sampling; `SampleOptions` says what is allowed.

    Args:
        options: As the caller sent them.
        vocabulary_size: Number of target ids, and so the largest `top_k`.
    """
    is_share = (options.top_p > 0) & (options.top_p <= 1)
    checks = [
        _require_between("temperature", options.temperature, MIN_TEMPERATURE, MAX_TEMPERATURE),
        _require_between("top_k", options.top_k, 0, vocabulary_size),
        _require_all(is_share, "top_p: must be above 0 and at most 1", options.top_p),
    ]
    return SampleOptions(*_after(checks, list(options)))


def checked_sentence_ids(
    sentence_ids: tf.Tensor, lengths: tf.Tensor, *, columns: tf.Tensor, limits: SentenceLimits
) -> tf.Tensor:
    """Checks the sentences of a hierarchical model's tokens.

    Args:
        sentence_ids: The sentence of each token, int32 [B, S], padded with anything.
        lengths: Real tokens of each row, checked.
        columns: S of the checked tokens, int32 [].
        limits: The most sentences, and their most tokens.

    Returns:
        The same, 0 behind each row's length, as wide as the tokens.
    """
    found = tf.shape(sentence_ids)[1]
    message = "sentence_ids: must have as many columns as tokens; found"
    is_wide_enough = (found == columns) | (tf.shape(sentence_ids)[0] == 0)
    check = _require(is_wide_enough, message, found, "and", columns)
    (ids,) = _after([check], [sentence_ids])
    ids = tf.pad(ids, [[0, 0], [0, tf.maximum(0, columns - found)]])
    mask = tf.sequence_mask(lengths, columns)
    ids = tf.where(mask, ids, 0)
    steps = tf.where(mask, ids - tf.pad(ids[:, :-1], [[0, 0], [1, 0]]), 0)
    begins = tf.where(mask & (steps > 0), 1, 0)
    sizes = tf.math.unsorted_segment_sum(
        tf.cast(tf.reshape(mask, [-1]), tf.int32),
        tf.cumsum(tf.reshape(begins + _row_starts(ids), [-1])),
        tf.size(ids) + 1,
    )
    checks = [
        _require_all(ids[:, 0] == 0, "sentence_ids: every row must begin with 0", ids[:, 0]),
        _require_all(
            (steps >= 0) & (steps <= 1),
            "sentence_ids: must rise by 0 or 1 from token to token; a step was",
            steps,
        ),
        _require_between("sentence_ids", ids, 0, limits.max_count - 1),
        _require(
            tf.reduce_max(sizes) <= limits.max_tokens,
            f"sentence_ids: a sentence must have at most {limits.max_tokens} tokens; found",
            tf.reduce_max(sizes),
        ),
    ]
    (ids,) = _after(checks, [ids])
    return ids


def _row_starts(ids: tf.Tensor) -> tf.Tensor:
    """1 in the first column, else 0: int32 [B, S]."""
    return tf.one_hot(tf.zeros_like(ids[:, 0]), tf.shape(ids)[1], dtype=tf.int32)


def checked_row_count(rows_of: tf.Tensor, *, name: str, most: int) -> tf.Tensor:
    """Checks that there are at most `most` rows."""
    rows = tf.shape(rows_of)[0]
    check = _require(rows <= most, f"{name}: must have at most {most} rows; found", rows)
    (checked,) = _after([check], [rows_of])
    return checked


def _at_least_one_column(tensor: tf.Tensor) -> tf.Tensor:
    """Recurrent layers cannot run over no position at all, as in a batch of 0 rows."""
    missing = tf.maximum(0, 1 - tf.shape(tensor)[1])
    return tf.pad(tensor, [[0, 0], [0, missing]] + [[0, 0]] * (tensor.shape.rank - 2))


def _require(condition: tf.Tensor, message: str, *found: tf.Tensor | str) -> tf.Operation:
    return tf.raw_ops.Assert(condition=condition, data=[message, *found], summarize=8)


def _require_all(conditions: tf.Tensor, message: str, values: tf.Tensor) -> tf.Operation:
    """`values` are shown as their extremes: a few numbers, whatever a caller sent."""
    flat = tf.reshape(values, [-1])
    lowest = tf.reduce_min(tf.concat([flat, [flat.dtype.max]], axis=0))
    highest = tf.reduce_max(tf.concat([flat, [flat.dtype.min]], axis=0))
    return _require(tf.reduce_all(conditions), f"{message}; found", lowest, "to", highest)


def _require_between(name: str, values: tf.Tensor, least: float, most: float) -> tf.Operation:
    """NaN is not between any two numbers."""
    in_range = (values >= least) & (values <= most)
    return _require_all(in_range, f"{name}: must be {least:g} to {most:g}", values)


def _after(checks: list[tf.Operation], tensors):  # type: ignore[no-untyped-def]
    """The tensors, a structure of any kind, computed only if the checks have passed."""
    with tf.control_dependencies(checks):
        return tf.nest.map_structure(tf.identity, tensors)
