"""What a model says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from heed.text import Tokenizer
from model_export.data.buckets import SourceArray
from model_export.data.examples import Example
from model_export.decoding import (
    beam_search,
    default_beam_options,
    default_options,
    greedy_search,
)
from model_export.errors import DataError
from model_export.evaluation.output_text import output_text
from model_export.evaluation.padding import padded_arrays
from model_export.models import Seq2Seq


@dataclass(frozen=True, slots=True)
class Beam:
    """A beam search.

    Attributes:
        width: Hypotheses that are followed, 1 or more.
        length_penalty: Alpha of Wu et al. 2016, eq. 14; 0 = none.
    """

    width: int
    length_penalty: float = 0.0


class TextDecoder:
    """Decodes texts, or pictures, in batches of similar length.

    Args:
        model: The model; later changes of its weights count.
        source_tokenizer: Splits the sources; None for pictures.
        target_tokenizer: Joins the outputs.
        max_target_tokens: The longest output in tokens, the end token counted.
        batch_size: Sources decoded at once.
        beam: How to search; None = greedy search.
    """

    def __init__(
        self,
        model: Seq2Seq,
        *,
        source_tokenizer: Tokenizer | None,
        target_tokenizer: Tokenizer,
        max_target_tokens: int,
        batch_size: int,
        beam: Beam | None = None,
    ) -> None:
        self._source_tokenizer = source_tokenizer
        self._target_tokenizer = target_tokenizer
        self._batch_size = batch_size
        reads_text = source_tokenizer is not None
        self._search = _search_function(model, max_target_tokens, beam, reads_text=reads_text)

    def decode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> list[str]:
        """The best output found for each text, in the order of the texts.

        A text without tokens has an empty output.

        Args:
            texts: Source texts.
            on_progress: Called after each batch with the number of texts done.
        """
        return self._decode([self._encode(text) for text in texts], on_progress)

    def decode_examples(
        self, examples: Sequence[Example], on_progress: Callable[[int], None] | None = None
    ) -> list[str]:
        """As `decode`, for the sources of examples, which may be pictures."""
        sources = [
            self._encode(example.source) if example.picture is None else example.picture.columns
            for example in examples
        ]
        return self._decode(sources, on_progress)

    def _encode(self, text: str) -> SourceArray:
        if self._source_tokenizer is None:
            raise DataError(f"the model reads pictures, and {text!r} is none")
        return np.array(self._source_tokenizer.encode_ids(text), np.int32)

    def _decode(
        self, encoded: Sequence[SourceArray], on_progress: Callable[[int], None] | None
    ) -> list[str]:
        outputs = [""] * len(encoded)
        order = sorted(
            (index for index in range(len(encoded)) if len(encoded[index])),
            key=lambda index: len(encoded[index]),
        )
        for start in range(0, len(order), self._batch_size):
            indices = order[start : start + self._batch_size]
            results = self._decode_batch([encoded[index] for index in indices])
            for index, output in zip(indices, results, strict=True):
                outputs[index] = output
            if on_progress is not None:
                on_progress(start + len(indices))
        return outputs

    def _decode_batch(self, sources: Sequence[SourceArray]) -> list[str]:
        tokens, lengths = padded_arrays(sources)
        hypotheses = self._search(tf.constant(tokens), tf.constant(lengths))
        return [
            output_text(self._target_tokenizer, row_tokens[0, : row_lengths[0]].tolist())
            for row_tokens, row_lengths in zip(
                hypotheses.tokens.numpy(), hypotheses.lengths.numpy(), strict=True
            )
        ]


def _search_function(
    model: Seq2Seq, max_target_tokens: int, beam: Beam | None, *, reads_text: bool
) -> Callable[..., Any]:
    def search(tokens: tf.Tensor, lengths: tf.Tensor) -> Any:
        rows = tf.shape(tokens)[0]
        limits = default_options(rows, max_target_tokens)
        source = {"tokens": tokens, "lengths": lengths, "attention_layers": [0]}
        if beam is None:
            return greedy_search(model, **source, options=limits)
        options = default_beam_options(rows, beam.width)
        penalty = tf.fill([rows], beam.length_penalty)
        options = options._replace(length_penalty=penalty)
        return beam_search(model, **source, options=(limits, options))

    if not reads_text:  # height and channels are those of the first pictures
        return tf.function(search, reduce_retracing=True)
    signature = [tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)]
    return tf.function(search, input_signature=signature)
