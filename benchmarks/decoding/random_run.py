"""A training run with random weights, as if its training had just ended; needs TensorFlow."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.decoding.sizes import Size
from benchmarks.decoding.subject import BenchmarkError
from heed.contract import SPECIAL_IDS
from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer
from model_export.config import load_recipe
from model_export.models import build_model
from model_export.runs.training_run import TrainingRun

_WORDS_OF_A_LINE: Final = 100
_SPECIAL: Final = 4
_LONGEST: Final = 64


def random_run(size: Size, *, seed: int = 1) -> TrainingRun:
    """A Transformer of a size whose outputs never end before the longest length.

    The vectors of `pad`, `begin` and `end` are 0, and so is the score of each: among thousands of
    scores on both sides of 0 none of them is ever the highest, in either engine.

    Args:
        size: What it looks like.
        seed: Decides the weights.
    """
    tokenizer = numbered_words(size.vocabulary_size)
    split = f"{{kind: word, vocabulary_size: {size.vocabulary_size}}}"
    model = (
        f"{{kind: transformer, encoder_layers: {size.layers}, decoder_layers: {size.layers}, "
        f"width: {size.width}, feed_forward_width: {size.feed_forward_width}, "
        f"head_count: {size.heads}, norm: pre, embeddings: all, "
        f"max_source_tokens: {_LONGEST}, max_target_tokens: {_LONGEST}}}"
    )
    recipe = load_recipe(
        "multi30k-en-de",
        [f"model={model}", f"source_tokenizer={split}", f"target_tokenizer={split}"],
    )
    built = build_model(
        recipe.seq2seq_model,
        source_vocabulary_size=size.vocabulary_size,
        target_vocabulary_size=size.vocabulary_size,
        seed=seed,
    )
    vectors = built.weights[0]
    if tuple(vectors.shape) != (size.vocabulary_size, size.width):
        raise BenchmarkError(f"the first weights are no vectors of tokens: {vectors.shape}")
    values = vectors.numpy()
    values[[SPECIAL_IDS.pad, SPECIAL_IDS.begin, SPECIAL_IDS.end]] = 0
    vectors.assign(values)
    return TrainingRun(Path("random-weights"), recipe, tokenizer, tokenizer, built, {})


def numbered_words(vocabulary_size: int) -> Tokenizer:
    """A tokenizer of as many words as make up a vocabulary."""
    words = np.array([f"w{index}" for index in range(vocabulary_size - _SPECIAL)])
    lines = [" ".join(part) for part in np.array_split(words, -(-len(words) // _WORDS_OF_A_LINE))]
    settings = TokenizerSettings(kind=TokenizerKind.WORD, vocabulary_size=vocabulary_size)
    tokenizer = Tokenizer(train_tokenizer(lines, settings))
    if tokenizer.vocabulary_size != vocabulary_size:
        raise BenchmarkError(f"{tokenizer.vocabulary_size} words instead of {vocabulary_size}")
    return tokenizer
