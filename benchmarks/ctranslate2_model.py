"""An exported Transformer as a model of CTranslate2: the same weights, number by number.

It takes what an exported version holds: post- or pre-norm, ReLU or GELU, sinusoidal positions, one
table of vectors for source, target and output (the recipes `multi30k-*`). The order of the weights
is that of the layers; whether all came to the right place is for `compare_servers.py` to check,
which compares the answers.

Usage: python -m benchmarks.ctranslate2_model MODELS/NAME FOLDER [--activation relu|gelu]
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.real_load.rows import ExportedModel, load_model

Weights = Iterator[np.ndarray[Any, Any]]

_EMBEDDING_WEIGHTS: Final = 1
_ENCODER_LAYER_WEIGHTS: Final = 16
_DECODER_LAYER_WEIGHTS: Final = 26
_NORM_WEIGHTS: Final = 2
_EPSILON: Final = 1e-6


class CannotConvertError(Exception):
    """The model is not of the kind that can be converted."""


@dataclass(frozen=True)
class Shape:
    """What the weights' number says of a model.

    Attributes:
        encoder_layers: How many.
        decoder_layers: How many.
        is_pre_norm: Whether stacks end with a normalisation.
    """

    encoder_layers: int
    decoder_layers: int
    is_pre_norm: bool


def convert(
    model: ExportedModel,
    folder: Path,
    *,
    activation: str = "relu",
    quantization: str | None = None,
    weights: Sequence[np.ndarray[Any, Any]] = (),
) -> None:
    """Writes the newest version of a model for CTranslate2.

    Args:
        model: The exported model.
        folder: Made; must not be there.
        activation: Of the feed-forward networks, "relu" or "gelu".
        quantization: CTranslate2's name of the format that weights are stored in; None = float32.
        weights: Those of the training-side model, in its order; empty = read from the version.

    Raises:
        CannotConvertError: It is no Transformer of the kind above.
    """
    from ctranslate2.specs import TransformerSpec, common_spec

    arrays = list(weights) or _read_weights(model.base_path / str(model.version))
    shape = shape_of(len(arrays), decoder_layers=len(model.contract.attention))
    spec = TransformerSpec.from_config(
        (shape.encoder_layers, shape.decoder_layers),
        model.contract.attention[0].head_count,
        pre_norm=shape.is_pre_norm,
        activation=common_spec.Activation[activation.upper()],
    )
    _fill(spec, iter(arrays), model, shape)
    pieces = [model.tokenizer.piece(index) for index in range(model.tokenizer.vocabulary_size)]
    special = model.contract.special_ids
    spec.register_source_vocabulary(pieces)
    spec.register_target_vocabulary(pieces)
    spec.config.unk_token = pieces[special.unknown]
    spec.config.bos_token = spec.config.decoder_start_token = pieces[special.begin]
    spec.config.eos_token = pieces[special.end]
    spec.config.layer_norm_epsilon = _EPSILON
    spec.validate()
    spec.optimize(quantization)
    folder.mkdir(parents=True)
    spec.save(str(folder))


def shape_of(weight_count: int, *, decoder_layers: int) -> Shape:
    """The stacks that so many weights make.

    Raises:
        CannotConvertError: None do.
    """
    rest = weight_count - _EMBEDDING_WEIGHTS - decoder_layers * _DECODER_LAYER_WEIGHTS
    for is_pre_norm, norms in ((True, 2 * _NORM_WEIGHTS), (False, 0)):
        layers, left = divmod(rest - norms, _ENCODER_LAYER_WEIGHTS)
        if layers > 0 and left == 0:
            return Shape(layers, decoder_layers, is_pre_norm)
    raise CannotConvertError(
        f"{weight_count} weights and {decoder_layers} decoder layers are no Transformer with one "
        "shared table of vectors and sinusoidal positions"
    )


def _read_weights(version: Path) -> list[np.ndarray[Any, Any]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow as tf

    reader = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    names = [name for name in reader.get_variable_to_shape_map() if name.startswith("weights/")]
    ordered = sorted(names, key=lambda name: int(name.split("/")[1]))
    arrays = [np.asarray(reader.get_tensor(name), np.float32) for name in ordered]
    if not arrays:
        raise CannotConvertError(f"{version} holds no weights")
    return arrays


def _fill(spec: Any, weights: Weights, model: ExportedModel, shape: Shape) -> None:
    table = next(weights)
    longest = max(model.contract.max_source_tokens, model.contract.max_target_tokens) + 1
    positions = _waves(longest, table.shape[1])
    spec.encoder.embeddings[0].weight = table
    spec.decoder.embeddings.weight = table
    spec.decoder.projection.weight = table
    spec.encoder.position_encodings.encodings = positions
    spec.decoder.position_encodings.encodings = positions
    for layer in spec.encoder.layer:
        _self_attention(layer.self_attention, weights)
        _feed_forward(layer.ffn, weights)
    if shape.is_pre_norm:
        _norm(spec.encoder.layer_norm, weights)
    for layer in spec.decoder.layer:
        _self_attention(layer.self_attention, weights)
        _source_attention(layer.attention, weights)
        _feed_forward(layer.ffn, weights)
    if shape.is_pre_norm:
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


def main() -> None:
    """Converts."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("model", type=Path, metavar="MODELS/NAME")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--activation", choices=("relu", "gelu"), default="relu")
    arguments = parser.parse_args()
    try:
        convert(load_model(arguments.model), arguments.folder, activation=arguments.activation)
    except CannotConvertError as error:
        raise SystemExit(f"cannot convert {arguments.model}: {error}") from error


if __name__ == "__main__":
    main()
