"""What an answer is to tell beside texts and scores, out of a message. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heed.v1 import inference_pb2
from service.domain.answers import Packing, WeightFormat
from service.domain.requests import AlignmentOptions, AnswerForm
from service.domain.signatures import AttentionLevel
from service.errors import FieldViolation, InvalidRequestError

MAX_TOP_WEIGHTS: Final = 1000
"""The most weights of a row that can be asked for by number."""

_ATTENTION_LEVELS: Final[Mapping[int, AttentionLevel]] = {
    inference_pb2.ATTENTION_LEVEL_UNSPECIFIED: AttentionLevel.NONE,
    inference_pb2.ATTENTION_LEVEL_NONE: AttentionLevel.NONE,
    inference_pb2.ATTENTION_LEVEL_PIECES: AttentionLevel.PIECES,
    inference_pb2.ATTENTION_LEVEL_WORDS: AttentionLevel.WORDS,
    inference_pb2.ATTENTION_LEVEL_HEADS: AttentionLevel.HEADS,
}
_WEIGHT_FORMATS: Final[Mapping[int, WeightFormat]] = {
    inference_pb2.WEIGHT_FORMAT_UNSPECIFIED: WeightFormat.FLOAT32,
    inference_pb2.WEIGHT_FORMAT_FLOAT32: WeightFormat.FLOAT32,
    inference_pb2.WEIGHT_FORMAT_FLOAT16: WeightFormat.FLOAT16,
}


def read_level(field: str, value: int) -> AttentionLevel:
    """How much attention an answer carries.

    Raises:
        InvalidRequestError: There is no such level.
    """
    level = _ATTENTION_LEVELS.get(value)
    if level is None:
        names = ", ".join(inference_pb2.AttentionLevel.keys())
        raise InvalidRequestError.of(field, f"must be one of {names}; got {value}")
    return level


def read_form(
    message: inference_pb2.GenerateOptions | inference_pb2.ScoreRequest, *, path: str
) -> AnswerForm:
    """What an answer tells beside.

    Args:
        message: Holds `attention`, `attention_options` and `alignment`.
        path: Where these stand in the request: "options." or empty.

    Raises:
        InvalidRequestError: An option is out of range, or needs another one.
    """
    level = read_level(f"{path}attention", message.attention)
    return AnswerForm(
        heads_of_words=_read_heads_of_words(message.attention_options, level, path=path),
        packing=_read_packing(message.attention_options, level, path=path),
        alignment=_read_alignment(message, path=path),
    )


def _read_heads_of_words(
    options: inference_pb2.AttentionOptions, level: AttentionLevel, *, path: str
) -> bool:
    if options.heads_of_words and level is not AttentionLevel.HEADS:
        raise InvalidRequestError.of(
            f"{path}attention_options.heads_of_words",
            f"needs {path}attention to be ATTENTION_LEVEL_HEADS",
        )
    return options.heads_of_words


def _read_packing(
    options: inference_pb2.AttentionOptions, level: AttentionLevel, *, path: str
) -> Packing:
    path = f"{path}attention_options."
    violations = []
    top_weights = options.top_weights if options.HasField("top_weights") else None
    if top_weights is not None and not 1 <= top_weights <= MAX_TOP_WEIGHTS:
        limits = f"must be 1 to {MAX_TOP_WEIGHTS}, got {top_weights}"
        violations.append(FieldViolation(f"{path}top_weights", limits))
    weight_format = _WEIGHT_FORMATS.get(options.weight_format)
    if weight_format is None:
        names = ", ".join(inference_pb2.WeightFormat.keys())
        one_of = f"must be one of {names}; got {options.weight_format}"
        violations.append(FieldViolation(f"{path}weight_format", one_of))
    if violations:
        raise InvalidRequestError(violations)
    packing = Packing(top_weights, weight_format or WeightFormat.FLOAT32)
    if level is AttentionLevel.NONE and not packing.is_plain:
        field = "weight_format" if top_weights is None else "top_weights"
        raise InvalidRequestError.of(
            path + field, "needs an attention level: without one there are no weights"
        )
    return packing


def _read_alignment(
    message: inference_pb2.GenerateOptions | inference_pb2.ScoreRequest, *, path: str
) -> AlignmentOptions | None:
    if not message.HasField("alignment"):
        return None
    min_weight = message.alignment.min_weight
    if not 0 <= min_weight <= 1:
        raise InvalidRequestError.of(
            f"{path}alignment.min_weight", f"must be 0 to 1, got {min_weight:g}"
        )
    return AlignmentOptions(min_weight)
