"""A trained Transformer as a model of CTranslate2: the same weights, number by number.

It takes pre- or post-norm, ReLU or GELU, sinusoidal positions, and one table of vectors for
source, target and output (the recipes `multi30k-*`). The order of the weights is that of the
layers; whether all came to the right place is for `compare_servers.py` and `decoding` to check,
which compare the answers.

Usage: python -m benchmarks.ctranslate2_model RUN FOLDER
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from heed.contract import SPECIAL_IDS

if TYPE_CHECKING:
    from model_export.config import TransformerSettings
    from model_export.runs.training_run import TrainingRun

Weights = Iterator[np.ndarray[Any, Any]]

_EPSILON: Final = 1e-6


class CannotConvertError(Exception):
    """The model is not of the kind that can be converted."""


def convert(run: TrainingRun, folder: Path, *, quantization: str | None = None) -> None:
    """Writes a model for CTranslate2.

    Args:
        run: Its training run.
        folder: Made; must not be there.
        quantization: CTranslate2's name of the format that weights are stored in; None = float32.

    Raises:
        CannotConvertError: It is no Transformer of the kind above.
    """
    from ctranslate2.specs import TransformerSpec, common_spec

    settings = _settings(run)
    spec = TransformerSpec.from_config(
        (settings.encoder_layers, settings.decoder_layers),
        settings.head_count,
        pre_norm=_is_pre_norm(settings),
        activation=common_spec.Activation[settings.activation.upper()],
    )
    _fill(spec, (weight.numpy() for weight in run.model.weights), settings)
    tokenizer = run.source_tokenizer
    pieces = [tokenizer.piece(index) for index in range(tokenizer.vocabulary_size)]
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.unk_token = pieces[SPECIAL_IDS.unknown]
    spec.config.bos_token = spec.config.decoder_start_token = pieces[SPECIAL_IDS.begin]
    spec.config.eos_token = pieces[SPECIAL_IDS.end]
    spec.config.layer_norm_epsilon = _EPSILON
    spec.validate()
    spec.optimize(quantization)
    folder.mkdir(parents=True)
    spec.save(str(folder))


def _settings(run: TrainingRun) -> TransformerSettings:
    from model_export.config import EmbeddingSharing, PositionKind, TransformerSettings

    settings = run.recipe.model
    if (
        not isinstance(settings, TransformerSettings)
        or settings.embeddings is not EmbeddingSharing.ALL
        or settings.positions is not PositionKind.SINUSOIDAL
    ):
        raise CannotConvertError(
            f"the model of {run.recipe.name} is no Transformer with one shared table of vectors "
            "and sinusoidal positions"
        )
    return settings


def _is_pre_norm(settings: TransformerSettings) -> bool:
    from model_export.config import NormPlacement

    return settings.norm is NormPlacement.PRE


def _fill(spec: Any, weights: Weights, settings: TransformerSettings) -> None:
    table = next(weights)
    longest = max(settings.max_source_tokens, settings.max_target_tokens) + 1
    positions = _waves(longest, table.shape[1])
    spec.encoder.embeddings[0].weight = table
    spec.decoder.embeddings.weight = table
    spec.decoder.projection.weight = table
    spec.encoder.position_encodings.encodings = positions
    spec.decoder.position_encodings.encodings = positions
    for layer in spec.encoder.layer:
        _self_attention(layer.self_attention, weights)
        _feed_forward(layer.ffn, weights)
    if _is_pre_norm(settings):
        _norm(spec.encoder.layer_norm, weights)
    for layer in spec.decoder.layer:
        _self_attention(layer.self_attention, weights)
        _source_attention(layer.attention, weights)
        _feed_forward(layer.ffn, weights)
    if _is_pre_norm(settings):
        _norm(spec.decoder.layer_norm, weights)


def _waves(count: int, width: int) -> np.ndarray[Any, Any]:
    """Vaswani et al. 2017, 3.5, sines and cosines in turns; float32 [count, width]."""
    rates = np.exp(-np.log(10_000.0) * np.arange(0, width, 2, dtype=np.float32) / width)
    angles = np.arange(count, dtype=np.float32)[:, None] * rates
    return np.stack([np.sin(angles), np.cos(angles)], -1).reshape(count, width).astype(np.float32)


def _self_attention(spec: Any, weights: Weights) -> None:
    query, key, value, output = (_dense(weights) for _ in range(4))
    _set(spec.linear[0], *_stacked(query, key, value))
    _set(spec.linear[1], *output)
    _norm(spec.layer_norm, weights)


def _source_attention(spec: Any, weights: Weights) -> None:
    query, key, value, output = (_dense(weights) for _ in range(4))
    _set(spec.linear[0], *query)
    _set(spec.linear[1], *_stacked(key, value))
    _set(spec.linear[2], *output)
    _norm(spec.layer_norm, weights)


def _feed_forward(spec: Any, weights: Weights) -> None:
    _set(spec.linear_0, *_dense(weights))
    _set(spec.linear_1, *_dense(weights))
    _norm(spec.layer_norm, weights)


def _norm(spec: Any, weights: Weights) -> None:
    spec.gamma, spec.beta = next(weights), next(weights)


def _dense(weights: Weights) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Kernel [out, in] and bias [out] of a dense layer, whose kernel is stored [in, out]."""
    kernel, bias = next(weights), next(weights)
    if kernel.ndim != 2 or bias.shape != kernel.shape[1:]:
        raise CannotConvertError(
            f"expected a kernel and its bias, got {kernel.shape}, {bias.shape}"
        )
    return np.ascontiguousarray(kernel.T), bias


def _stacked(
    *layers: tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]],
) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return np.concatenate([kernel for kernel, _ in layers]), np.concatenate(
        [bias for _, bias in layers]
    )


def _set(spec: Any, kernel: np.ndarray[Any, Any], bias: np.ndarray[Any, Any]) -> None:
    spec.weight, spec.bias = kernel, bias


def main() -> int:
    """Converts; 1 where that is not possible, with the reason on standard error."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("run", type=Path, metavar="RUN", help="a finished training run")
    parser.add_argument("folder", type=Path, help="where the model goes; made")
    arguments = parser.parse_args()
    os.environ["CUDA_VISIBLE_DEVICES"] = "-1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    from model_export.errors import ModelExportError
    from model_export.runs.training_run import TrainingRun

    try:
        convert(TrainingRun.load(arguments.run), arguments.folder)
    except (CannotConvertError, ModelExportError) as error:
        print(f"cannot convert {arguments.run}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
