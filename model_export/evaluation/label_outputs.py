"""What a classifier says."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from heed.text import TextToken, Tokenizer
from model_export.config.classifier import ClassifierSettings
from model_export.data.examples import Example
from model_export.data.labelled_rows import EncodedText, encode_text, model_inputs
from model_export.evaluation.classification import ClassificationMetrics, classification_metrics
from model_export.models.build_classifier import AnyClassifier


@dataclass(frozen=True, slots=True)
class LabelOutput:
    """What a classifier says of a text.

    Attributes:
        label: The most probable label.
        tokens: The text as the model read it, cut to its longest source.
        attention: The weight of each token, float32 [S].
        probabilities: The probability of each label, 0 to 1.
    """

    label: str
    tokens: tuple[TextToken, ...]
    attention: np.ndarray[Any, np.dtype[np.float32]]
    probabilities: Mapping[str, float]


class LabelDecoder:
    """Labels texts in batches of similar length.

    A text beyond the model's longest source is cut there; one without tokens reads "unknown".

    Args:
        model: The model; later changes of its weights count.
        settings: What it looks like.
        tokenizer: Splits the texts.
        labels: The labels, in the order of the model's outputs.
        batch_size: Texts read at once.
    """

    def __init__(
        self,
        model: AnyClassifier,
        settings: ClassifierSettings,
        *,
        tokenizer: Tokenizer,
        labels: Sequence[str],
        batch_size: int,
    ) -> None:
        self._settings = settings
        self._tokenizer = tokenizer
        self._labels = labels
        self._batch_size = batch_size
        self._run = _outputs_of(model, reads_sentences=settings.sentences is not None)

    def decode(
        self, texts: Sequence[str], on_progress: Callable[[int], None] | None = None
    ) -> list[LabelOutput]:
        """What the model says of each text, in the order of the texts.

        Args:
            texts: The texts.
            on_progress: Called after each batch with the number of texts done.
        """
        encoded = [self._encode(text) for text in texts]
        outputs: dict[int, LabelOutput] = {}
        order = sorted(range(len(texts)), key=lambda index: len(encoded[index].tokens))
        for start in range(0, len(order), self._batch_size):
            indices = order[start : start + self._batch_size]
            rows = self._decode_batch([encoded[index] for index in indices])
            outputs.update(zip(indices, rows, strict=True))
            if on_progress is not None:
                on_progress(len(outputs))
        return [outputs[index] for index in range(len(texts))]

    def metrics(
        self, examples: Sequence[Example], on_progress: Callable[[int], None] | None = None
    ) -> ClassificationMetrics:
        """How right the model is about labelled texts, one or more."""
        outputs = self.decode([example.source for example in examples], on_progress)
        return label_metrics(examples, outputs)

    def heads(self, texts: Sequence[str]) -> Iterator[np.ndarray[Any, np.dtype[np.float32]]]:
        """The weights of every hop over the tokens of each text, float32 [N, S]."""
        for start in range(0, len(texts), self._batch_size):
            encoded = [self._encode(text) for text in texts[start : start + self._batch_size]]
            heads = self._run(model_inputs(encoded)).attention_heads.numpy()
            for text, weights in zip(encoded, heads, strict=True):
                yield weights[:, : len(text.tokens)]

    def _encode(self, text: str) -> EncodedText:
        sentences = self._settings.sentences
        tokens = self._tokenizer.encode(text)[: self._settings.max_source_tokens]
        if not tokens:
            tokens = self._tokenizer.encode("?")
        limits = None if sentences is None else sentences.limits
        return encode_text(text, tokens, limits)

    def _decode_batch(self, texts: Sequence[EncodedText]) -> list[LabelOutput]:
        output = self._run(model_inputs(texts))
        probabilities, attention = tf.nn.softmax(output.logits).numpy(), output.attention.numpy()
        return [
            LabelOutput(
                self._labels[int(row.argmax())],
                text.tokens,
                weights[: len(text.tokens)],
                dict(zip(self._labels, row.tolist(), strict=True)),
            )
            for text, row, weights in zip(texts, probabilities, attention, strict=True)
        ]


def _outputs_of(model: AnyClassifier, *, reads_sentences: bool) -> Any:
    """From `model_inputs` to a `ClassifierOutput`, traced once for all lengths."""
    matrix, vector = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    inputs = {"tokens": matrix, "lengths": vector}
    if reads_sentences:
        inputs["sentence_ids"] = matrix
    return tf.function(lambda given: model(given), input_signature=[inputs])  # noqa: PLW0108


def label_metrics(
    examples: Sequence[Example], outputs: Sequence[LabelOutput]
) -> ClassificationMetrics:
    """How right outputs are about labelled texts, one or more."""
    return classification_metrics(
        [output.label for output in outputs],
        [example.references for example in examples],
        marks=_on_marks(examples, outputs),
    )


def _on_marks(
    examples: Sequence[Example], outputs: Sequence[LabelOutput]
) -> tuple[float, float] | None:
    """Mean attention on what is marked, and what even attention would give; None without marks."""
    shares = []
    for example, output in zip(examples, outputs, strict=True):
        if not example.marks:
            continue
        marked = np.array([_overlaps(token, example.marks) for token in output.tokens])
        shares.append((float(output.attention[marked].sum()), float(marked.mean())))
    if not shares:
        return None
    on_marks, even = np.mean(shares, axis=0)
    return float(on_marks), float(even)


def _overlaps(token: TextToken, marks: Sequence[tuple[int, int]]) -> bool:
    return any(token.begin < end and begin < token.end for begin, end in marks)
