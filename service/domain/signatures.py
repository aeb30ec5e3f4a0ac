"""The tensors of the contract's signatures, as the gateway asks for them.

Letters: B rows, K hypotheses, T target length, S source length, L layers, N heads, C labels,
Z sentences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from heed.contract import (
    ATTENTION_HEADS_OUTPUT,
    ATTENTION_OUTPUT,
    RANKS_OUTPUT,
    SENTENCE_ATTENTION_OUTPUT,
    Contract,
    Signature,
)
from service.domain.models import VersionKey
from service.errors import ModelAnswerError

Array: TypeAlias = npt.NDArray[Any]
IntArray: TypeAlias = npt.NDArray[np.int32]
FloatArray: TypeAlias = npt.NDArray[np.float32]
InputArray: TypeAlias = npt.NDArray[np.int32 | np.float32 | np.uint8]


class AttentionLevel(StrEnum):
    """How much attention an answer carries."""

    NONE = "none"
    PIECES = "pieces"
    WORDS = "words"
    HEADS = "heads"


@dataclass(frozen=True, slots=True)
class OutputForm:
    """What an output must look like; dimension 0 holds the rows."""

    dtype: type[np.generic]
    rank: int


_DECODED: Final = {
    "tokens": OutputForm(np.int32, 3),  # [B, K, T]
    "lengths": OutputForm(np.int32, 2),  # [B, K]
    "scores": OutputForm(np.float32, 2),  # [B, K]
    "token_scores": OutputForm(np.float32, 3),  # [B, K, T]
    ATTENTION_OUTPUT: OutputForm(np.float32, 4),  # [B, K, T, S]
}
OUTPUT_FORMS: Final[Mapping[Signature, Mapping[str, OutputForm]]] = {
    Signature.GREEDY: _DECODED,
    Signature.SAMPLE: _DECODED,
    Signature.BEAM: {**_DECODED, RANKS_OUTPUT: OutputForm(np.float32, 2)},  # [B, K]
    Signature.SCORE: {
        "token_scores": OutputForm(np.float32, 2),  # [B, T]
        "scores": OutputForm(np.float32, 1),  # [B]
        ATTENTION_OUTPUT: OutputForm(np.float32, 3),  # [B, T, S]
        ATTENTION_HEADS_OUTPUT: OutputForm(np.float32, 5),  # [B, L, N, T, S]
    },
    Signature.CLASSIFY: {
        "probabilities": OutputForm(np.float32, 2),  # [B, C]
        ATTENTION_OUTPUT: OutputForm(np.float32, 2),  # [B, S]
        SENTENCE_ATTENTION_OUTPUT: OutputForm(np.float32, 2),  # [B, Z]
        ATTENTION_HEADS_OUTPUT: OutputForm(np.float32, 3),  # [B, N, S]
    },
    Signature.CONTRACT: {
        "contract": OutputForm(np.object_, 1),  # [B]
        "source_tokenizer": OutputForm(np.object_, 1),  # [B]
        "target_tokenizer": OutputForm(np.object_, 1),  # [B]
    },
}

_OUTPUTS_BEYOND: Final = {
    AttentionLevel.NONE: frozenset(
        {ATTENTION_OUTPUT, SENTENCE_ATTENTION_OUTPUT, ATTENTION_HEADS_OUTPUT}
    ),
    AttentionLevel.PIECES: frozenset({ATTENTION_HEADS_OUTPUT}),
    AttentionLevel.WORDS: frozenset({ATTENTION_HEADS_OUTPUT}),
    AttentionLevel.HEADS: frozenset[str](),
}


@dataclass(frozen=True, slots=True)
class PredictTarget:
    """What a Predict call asks of whom. Only rows with equal targets share a call.

    Attributes:
        model: The version that runs.
        signature: What it runs.
        outputs: The outputs wanted, one of the signature's fixed sets.
        beam_width: Hypotheses followed per row; 1 for what is no beam search.
        max_rows: The most rows of a call; None for as many as wanted.
    """

    model: VersionKey
    signature: Signature
    outputs: tuple[str, ...]
    beam_width: int = 1
    max_rows: int | None = None


class Predictor(Protocol):
    """Runs models."""

    async def predict(
        self, target: PredictTarget, inputs: Mapping[str, Array], *, timeout_s: float
    ) -> Mapping[str, Array]:
        """Runs one call.

        Args:
            target: What is asked of whom.
            inputs: The inputs by name; dimension 0 holds the rows.
            timeout_s: When to give up, in seconds.

        Raises:
            ServiceError: The model server failed, refused or could not be reached.
        """
        ...


def output_names(signature: Signature, level: AttentionLevel) -> tuple[str, ...]:
    """The fixed set of outputs of a signature for a level of attention.

    Decoding has two sets, with and without `attention`; `score` has a third, with every head.
    """
    beyond = _OUTPUTS_BEYOND[level]
    return tuple(name for name in OUTPUT_FORMS[signature] if name not in beyond)


def classify_target(model: VersionKey, contract: Contract, level: AttentionLevel) -> PredictTarget:
    """What classifying asks for; of sentences only where the model reads them."""
    names = output_names(Signature.CLASSIFY, level)
    if contract.sentences is None:
        names = tuple(name for name in names if name != SENTENCE_ATTENTION_OUTPUT)
    return PredictTarget(model, Signature.CLASSIFY, names)


def check_outputs(target: PredictTarget, outputs: Mapping[str, Array], row_count: int) -> None:
    """Checks that every output asked for is there, with its type, rank and rows.

    Raises:
        ModelAnswerError: One is not.
    """
    for name in target.outputs:
        if name not in outputs:
            raise _answer_error(target, f"output {name!r} is missing")
        _check_output(target, name, outputs[name], row_count=row_count)


def _check_output(target: PredictTarget, name: str, array: Array, *, row_count: int) -> None:
    form = OUTPUT_FORMS[target.signature][name]
    if array.dtype != form.dtype:
        raise _answer_error(
            target, f"output {name!r} is {array.dtype}, expected {np.dtype(form.dtype)}"
        )
    if array.ndim != form.rank:
        raise _answer_error(
            target, f"output {name!r} has shape {_shape(array)}, expected rank {form.rank}"
        )
    if array.shape[0] != row_count:
        raise _answer_error(
            target, f"output {name!r} has {array.shape[0]} rows, expected {row_count}"
        )


def _shape(array: Array) -> Sequence[int]:
    return list(array.shape)


def _answer_error(target: PredictTarget, what: str) -> ModelAnswerError:
    key = target.model
    return ModelAnswerError(
        f"model {key.name!r} version {key.version} breaks its contract: "
        f"in signature {target.signature.value!r}, {what}",
        {"model": key.name, "version": str(key.version), "signature": target.signature.value},
    )
