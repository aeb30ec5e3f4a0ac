"""Messages into calls. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from heed.v1 import inference_pb2
from service.api.answer_options import read_form, read_level
from service.api.search_options import read_search
from service.domain.models import ModelSelector
from service.domain.requests import (
    GenerateCall,
    GenerateOptions,
    Priority,
    ScoreCall,
    TextPair,
)
from service.errors import InvalidRequestError
from service.settings.backends import MAX_NAME_CHARACTERS

_PRIORITIES: Final[Mapping[int, Priority]] = {
    inference_pb2.PRIORITY_UNSPECIFIED: Priority.INTERACTIVE,
    inference_pb2.PRIORITY_INTERACTIVE: Priority.INTERACTIVE,
    inference_pb2.PRIORITY_BULK: Priority.BULK,
}


def read_selector(message: inference_pb2.ModelSelector) -> ModelSelector:
    """The model asked for.

    Raises:
        InvalidRequestError: The name or the label is too long, the version not positive, or both
            a version and a label given.
    """
    for field, text in (("model.name", message.name), ("model.label", message.label)):
        if len(text) > MAX_NAME_CHARACTERS:
            raise InvalidRequestError.of(
                field, f"must have at most {MAX_NAME_CHARACTERS} characters, got {len(text)}"
            )
    if not message.HasField("version"):
        return ModelSelector(message.name, label=message.label)
    if message.label:
        raise InvalidRequestError.of("model.label", "must be empty if model.version is set")
    if message.version < 1:
        raise InvalidRequestError.of("model.version", f"must be 1 or more, got {message.version}")
    return ModelSelector(message.name, message.version)


def read_generate(message: inference_pb2.GenerateRequest, deadline: float | None) -> GenerateCall:
    """The call to generate.

    Raises:
        InvalidRequestError: The model's name is too long, its version not positive, the
            attention level or priority unknown, an option of the answer out of range, or
            options contradict one another.
    """
    return GenerateCall(
        model=read_selector(message.model),
        texts=tuple(message.texts),
        options=read_options(message.options),
        deadline=deadline,
        priority=read_priority(message.priority),
    )


def read_options(options: inference_pb2.GenerateOptions) -> GenerateOptions:
    """The options of decoding.

    Raises:
        InvalidRequestError: The attention level is unknown, an option of the answer out of range,
            or options contradict one another.
    """
    return GenerateOptions(
        max_length=options.max_length if options.HasField("max_length") else None,
        min_length=options.min_length if options.HasField("min_length") else None,
        prefix=options.prefix,
        attention=read_level("options.attention", options.attention),
        search=read_search(options),
        form=read_form(options, path="options."),
        replace_unknown=options.replace_unknown,
    )


def read_score(message: inference_pb2.ScoreRequest, deadline: float | None) -> ScoreCall:
    """The call to score.

    Raises:
        InvalidRequestError: The model's name is too long, its version not positive, or the
            attention level or priority unknown, or an option of the answer out of range.
    """
    return ScoreCall(
        model=read_selector(message.model),
        pairs=tuple(TextPair(pair.source_text, pair.target_text) for pair in message.pairs),
        attention=read_level("attention", message.attention),
        deadline=deadline,
        priority=read_priority(message.priority),
        form=read_form(message, path=""),
    )


def read_priority(value: int) -> Priority:
    """How urgent the call is.

    Raises:
        InvalidRequestError: There is no such priority.
    """
    priority = _PRIORITIES.get(value)
    if priority is None:
        names = ", ".join(inference_pb2.Priority.keys())
        raise InvalidRequestError.of("priority", f"must be one of {names}; got {value}")
    return priority
