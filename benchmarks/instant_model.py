"""A model that answers at once: it keeps the contract and does next to nothing.

What it writes is its source again, and it looks at the letter it writes. Benchmarks put it behind
a model server, so that what is left to measure is everything around a model.

Usage: python benchmarks/instant_model.py MODELS/NAME [VERSION]
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

NAME = "instant"
MAX_TOKENS = 256


def publish_instant_model(base_path: Path, version: int = 1) -> Path:
    """Writes the model in a process of its own, since TensorFlow is large; gives its folder."""
    command = [sys.executable, __file__, str(base_path), str(version)]
    subprocess.run(command, check=True, capture_output=True, env=_quiet_environment())
    return base_path / str(version)


def _quiet_environment() -> dict[str, str]:
    return {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}


def _contract(tokenizer: Any) -> Any:
    from heed.contract import (
        AttentionAverage,
        AttentionLayer,
        Contract,
        Signature,
        Task,
        TokenizerInfo,
    )

    info = TokenizerInfo(sha256=tokenizer.sha256, vocabulary_size=tokenizer.vocabulary_size)
    return Contract(
        model_name=NAME,
        task=Task.TRANSLATE,
        source_tokenizer=info,
        target_tokenizer=info,
        max_source_tokens=MAX_TOKENS - 1,
        max_target_tokens=MAX_TOKENS,
        attention=(AttentionLayer(kind="copy", layer_index=0, head_count=1),),
        attention_average=AttentionAverage(layer_indices=(0,), description="the only head"),
        signatures=(
            Signature.SERVING_DEFAULT,
            Signature.GREEDY,
            Signature.SCORE,
            Signature.CONTRACT,
        ),
    )


def _write(folder: Path) -> None:
    import tensorflow as tf

    from heed.text import Tokenizer, TokenizerKind, TokenizerSettings, train_tokenizer

    settings = TokenizerSettings(kind=TokenizerKind.CHARACTER)
    serialized = train_tokenizer(["abcdefghijklmnopqrstuvwxyz"], settings)
    contract = _contract(Tokenizer(serialized)).to_json()
    end = 3

    def spec(name: str, *, rank: int = 1) -> tf.TensorSpec:
        return tf.TensorSpec([None] * rank, tf.int32, name=name)

    def looks(is_real: tf.Tensor, source_size: tf.Tensor) -> tf.Tensor:
        weights = tf.eye(tf.shape(is_real)[1], source_size)[None]
        return tf.where(is_real[..., None], weights, 0.0)

    def greedy(
        tokens: tf.Tensor,
        lengths: tf.Tensor,
        max_lengths: tf.Tensor,
        min_lengths: tf.Tensor,
        prefix_tokens: tf.Tensor,
        prefix_lengths: tf.Tensor,
    ) -> dict[str, tf.Tensor]:
        del min_lengths, prefix_tokens, prefix_lengths
        written = tf.minimum(lengths + 1, max_lengths)
        longest = tf.reduce_max(written)
        is_real = tf.sequence_mask(written, longest)
        source = tf.pad(
            tf.where(tf.sequence_mask(lengths, tf.shape(tokens)[1]), tokens, end),
            [[0, 0], [0, 1]],
            constant_values=end,
        )[:, :longest]
        scores = tf.where(is_real, -0.5, 0.0)
        return {
            "tokens": tf.where(is_real, source, 0)[:, None],
            "lengths": written[:, None],
            "scores": tf.reduce_sum(scores, axis=1, keepdims=True),
            "token_scores": scores[:, None],
            "attention": looks(is_real, tf.shape(tokens)[1])[:, None],
        }

    def score(
        tokens: tf.Tensor, lengths: tf.Tensor, target_tokens: tf.Tensor, target_lengths: tf.Tensor
    ) -> dict[str, tf.Tensor]:
        del lengths
        is_real = tf.sequence_mask(target_lengths, tf.shape(target_tokens)[1])
        scores = tf.where(is_real, -0.5, 0.0)
        attention = looks(is_real, tf.shape(tokens)[1])
        return {
            "token_scores": scores,
            "scores": tf.reduce_sum(scores, axis=1),
            "attention": attention,
            "attention_heads": attention[:, None, None],
        }

    def describe(request: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = tf.shape(request)
        return {
            "contract": tf.fill(rows, contract),
            "source_tokenizer": tf.fill(rows, serialized),
            "target_tokenizer": tf.fill(rows, serialized),
        }

    source = [spec("tokens", rank=2), spec("lengths")]
    limits = [spec("max_lengths"), spec("min_lengths")]
    prefix = [spec("prefix_tokens", rank=2), spec("prefix_lengths")]
    target = [spec("target_tokens", rank=2), spec("target_lengths")]
    module = tf.Module()
    module.greedy = tf.function(greedy, input_signature=[*source, *limits, *prefix])
    module.score = tf.function(score, input_signature=[*source, *target])
    module.describe = tf.function(describe, input_signature=[spec("request")])
    signatures = {"greedy": module.greedy, "score": module.score, "contract": module.describe}
    tf.saved_model.save(module, str(folder), signatures=signatures)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        raise SystemExit(__doc__)
    base = Path(sys.argv[1])
    number = sys.argv[2] if len(sys.argv) == 3 else "1"
    staging = base.parent / f".{base.name}.{number}.staging"
    _write(staging)
    base.mkdir(parents=True, exist_ok=True)
    staging.rename(base / number)
