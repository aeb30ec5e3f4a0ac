"""Requests with the answers of the training-side model, kept beside the exported version.

They let anyone verify a version who has nothing but its directory.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf

from heed.contract import IMAGES_INPUT, WIDTHS_INPUT, Contract, ImageInput, Signature
from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    SampleOptions,
    beam_search,
    default_options,
    greedy_search,
    sample_search,
    score_targets,
)
from model_export.export.batching import Array, Arrays, source_lengths, source_of
from model_export.export.classifying import classify
from model_export.export.errors import VerificationError
from model_export.export.exportable import ExportableModel

REFERENCE_FILE: Final = "assets.extra/reference_cases.npz"
_SEED: Final = 20
_SOURCE_LENGTHS: Final = (9, 1, 6, 14, 2, 8, 5, 11)
_TARGET_LENGTHS: Final = (7, 1, 12, 3, 9, 2, 5, 8)


@dataclass(frozen=True, slots=True)
class ReferenceCase:
    """A request and its answer.

    Attributes:
        signature: Whom it is for.
        inputs: Arrays by name.
        outputs: What the training-side model answers, by name.
    """

    signature: Signature
    inputs: Arrays
    outputs: Arrays


def compute_reference_cases(exportable: ExportableModel) -> tuple[ReferenceCase, ...]:
    """Requests of many lengths, answered by the training-side model without any graph."""
    return tuple(
        ReferenceCase(signature, inputs, training_side_outputs(exportable, signature, inputs))
        for signature, inputs in _requests(exportable.contract)
    )


def training_side_outputs(
    exportable: ExportableModel, signature: Signature, inputs: Arrays
) -> Arrays:
    """What the training-side model, run eagerly, answers to a request of a signature."""
    if signature is Signature.CLASSIFY:
        tensors = {name: tf.constant(array) for name, array in inputs.items()}
        return _arrays(classify(exportable.model, tensors))
    tokens, lengths = map(tf.constant, source_of(inputs).values())
    source = {"tokens": tokens, "lengths": lengths}
    layers = exportable.attention_layers
    if signature is Signature.SCORE:
        targets = {name: tf.constant(inputs[name]) for name in ("target_tokens", "target_lengths")}
        scores = score_targets(exportable.model, **source, **targets, attention_layers=layers)
        return _arrays(scores._asdict())
    search, options = _search(exportable.contract, signature, inputs)
    hypotheses = search(exportable.model, **source, options=options, attention_layers=layers)
    return _arrays(hypotheses._asdict())


def _search(
    contract: Contract, signature: Signature, inputs: Arrays
) -> tuple[Callable[..., Any], object]:
    """Which search a decoding signature is, and the options of a request."""
    if signature is Signature.SERVING_DEFAULT:
        return greedy_search, default_options(
            len(source_lengths(inputs)), contract.max_target_tokens
        )
    limits = DecodingOptions(*(tf.constant(inputs[name]) for name in DecodingOptions._fields))
    if signature is Signature.GREEDY:
        return greedy_search, limits
    if signature is Signature.BEAM:
        beam = BeamOptions(*(tf.constant(inputs[name]) for name in BeamOptions._fields))
        return beam_search, (limits, beam)
    sampling = SampleOptions(*(tf.constant(inputs[name]) for name in SampleOptions._fields))
    return sample_search, (limits, sampling)


def save_reference_cases(cases: Sequence[ReferenceCase], version_dir: Path) -> None:
    """Writes the cases into a version's directory."""
    entries: dict[str, Any] = {}
    for index, case in enumerate(cases):
        for kind, arrays in (("inputs", case.inputs), ("outputs", case.outputs)):
            for name, array in arrays.items():
                entries[f"{index}/{case.signature}/{kind}/{name}"] = array
    path = version_dir / REFERENCE_FILE
    path.parent.mkdir(exist_ok=True)
    np.savez_compressed(path, **entries)


def load_reference_cases(version_dir: Path) -> tuple[ReferenceCase, ...]:
    """Reads the cases of a version.

    Raises:
        VerificationError: They are missing or damaged.
    """
    path = version_dir / REFERENCE_FILE
    cases: dict[int, ReferenceCase] = {}
    try:
        with np.load(path, allow_pickle=False) as file:
            for key in file.files:
                index, signature, kind, name = key.split("/")
                case = cases.setdefault(int(index), ReferenceCase(Signature(signature), {}, {}))
                (case.inputs if kind == "inputs" else case.outputs)[name] = file[key]
    except (OSError, ValueError, EOFError) as error:
        raise VerificationError("reference cases", f"cannot read {path}: {error}") from error
    return tuple(case for _, case in sorted(cases.items()))


def _requests(contract: Contract) -> list[tuple[Signature, Arrays]]:
    """One request for each signature but the contract's, with every option."""
    random = np.random.default_rng(_SEED)
    sources = _sources(contract, random)
    if contract.is_classifier:
        sentences = _sentences(contract, sources["tokens"], sources["lengths"])
        return [(Signature.CLASSIFY, {**sources, **sentences})]
    targets = _sequences(
        random,
        _TARGET_LENGTHS,
        vocabulary_size=contract.target_vocabulary_size,
        most=contract.max_target_tokens,
    )
    forced: Arrays = dict(zip(("target_tokens", "target_lengths"), targets, strict=True))
    limited = {**sources, **_options(contract, prefixes=targets[0])}
    return [
        (Signature.SERVING_DEFAULT, sources),
        (Signature.GREEDY, limited),
        (Signature.BEAM, {**limited, **_beam_options(contract)}),
        (Signature.SAMPLE, {**limited, **_sample_options(contract)}),
        (Signature.SCORE, {**sources, **forced}),
    ]


def _sources(contract: Contract, random: np.random.Generator) -> Arrays:
    if contract.image is not None:
        return _pictures(contract.image, random)
    source = _sequences(
        random,
        _SOURCE_LENGTHS,
        vocabulary_size=contract.source_vocabulary_size,
        most=contract.max_source_tokens,
    )
    return dict(zip(("tokens", "lengths"), source, strict=True))


def _pictures(image: ImageInput, random: np.random.Generator) -> Arrays:
    """Noise of many widths, one of them the widest; behind each the first picture's first pixel."""
    shares = np.array(_SOURCE_LENGTHS) / max(_SOURCE_LENGTHS)
    widths = np.maximum(1, shares * image.max_width).astype(np.int32)
    form = (len(widths), image.max_width, image.height, image.channel_count)
    images = random.integers(0, 256, form).astype(np.uint8)
    behind = np.arange(image.max_width) >= widths[:, np.newaxis]
    images[behind] = images.flat[0]
    return {IMAGES_INPUT: images, WIDTHS_INPUT: widths}


def _sentences(contract: Contract, tokens: Array, lengths: Array) -> Arrays:
    """Sentences of one, two, three ... tokens, else of even size; 5 behind a row's length."""
    limits = contract.sentences
    if limits is None:
        return {}
    columns = tokens.shape[1]
    sizes = [1 + index % limits.max_tokens for index in range(limits.max_count)]
    if sum(sizes) < columns:
        sizes = [-(-columns // limits.max_count)] * limits.max_count
    ids = np.repeat(np.arange(limits.max_count, dtype=np.int32), sizes)[:columns]
    is_real = np.arange(tokens.shape[1]) < lengths[:, np.newaxis]
    return {"sentence_ids": np.where(is_real, ids, 5).astype(np.int32)}


def _sequences(
    random: np.random.Generator, lengths: Sequence[int], *, vocabulary_size: int, most: int
) -> tuple[Array, np.ndarray[Any, Any]]:
    """Rows of ordinary ids, padded with the first row's first id, and one of the longest kind."""
    row_lengths = np.array([min(length, most) for length in lengths], np.int32)
    row_lengths[-1] = min(most, 2 * max(lengths))
    ordinary = np.array([1, *range(4, vocabulary_size)], np.int32)
    tokens = random.choice(ordinary, (len(lengths), int(row_lengths.max()))).astype(np.int32)
    behind = np.arange(tokens.shape[1]) >= row_lengths[:, np.newaxis]
    return np.where(behind, tokens[0, 0], tokens), row_lengths


def _options(contract: Contract, *, prefixes: Array) -> Arrays:
    """Options that differ from row to row, prefixes and limits at their edges among them."""
    longest = contract.max_target_tokens
    maximum = [longest, 1, longest, 4, 7, longest, 5, 6]
    minimum = [0, 0, 3, 4, 2, 9, 0, 1]
    prefix_lengths = [0, 1, 2, 0, 3, 0, 1, 2]
    max_lengths = np.minimum(np.array(maximum, np.int32), longest)
    return {
        "max_lengths": max_lengths,
        "min_lengths": np.minimum(np.array(minimum, np.int32), max_lengths),
        "prefix_tokens": prefixes[:, :3],
        "prefix_lengths": np.minimum(
            np.array(prefix_lengths, np.int32), np.minimum(max_lengths, prefixes[:, :3].shape[1])
        ),
    }


def _beam_options(contract: Contract) -> Arrays:
    """Beams of several widths, with penalties and without."""
    return {
        "beam_width": np.array([3, 2, 3, 1, 4, 3, 1, 2], np.int32).clip(
            max=contract.max_beam_width
        ),
        "length_penalty": np.array([0, 0.6, 1, 0, 0.6, 0, 2, 1], np.float32),
        "coverage_penalty": np.array([0, 0, 0.2, 0.4, 0, 0, 0.1, 0], np.float32),
        "no_repeat_ngram": np.array([0, 1, 2, 0, 1, 2, 0, 1], np.int32),
    }


def _sample_options(contract: Contract) -> Arrays:
    """Each way to draw, and seeds of either sign."""
    most = contract.target_vocabulary_size
    return {
        "temperature": np.array([1, 0.5, 1, 2, 1, 0.7, 1, 1.3], np.float32),
        "top_k": np.array([0, 5, 0, 2, most, 0, 1, 0], np.int32).clip(max=most),
        "top_p": np.array([1, 1, 0.9, 0.5, 1, 0.7, 1, 0.95], np.float32),
        "seed": np.array([1, 2, -3, 0, 2**31 - 1, 6, 7, 8], np.int32),
    }


def _arrays(tensors: dict[str, tf.Tensor]) -> Arrays:
    return {name: tensor.numpy() for name, tensor in tensors.items()}
