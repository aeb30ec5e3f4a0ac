"""Messages of calls that come or are answered in pieces, to and from the domain. Pure."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator
from typing import Final

from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from heed.v1 import inference_pb2
from service.api.error_table import to_wire
from service.api.from_messages import read_generate, read_priority
from service.api.to_messages import write_generate, write_tokens
from service.domain.answers import Answer
from service.domain.requests import Priority
from service.domain.streams import (
    DEFAULT_CHUNK_TOKENS,
    ManyAnswer,
    ManyCall,
    ManyInput,
    PartialHypothesis,
    StreamCall,
    StreamEvent,
)
from service.errors import InvalidRequestError
from service.pipeline.field_paths import PATHS_OF_MANY, with_paths

MAX_ID_CHARACTERS: Final = 128
"""The longest id of a text of bulk work; the gateway keeps it until the text is answered."""


def read_stream_generate(
    message: inference_pb2.StreamGenerateRequest, deadline: float | None
) -> StreamCall:
    """The call to generate in pieces.

    Raises:
        InvalidRequestError: As `read_generate`.
    """
    call = read_generate(
        inference_pb2.GenerateRequest(
            model=message.model, options=message.options, priority=message.priority
        ),
        deadline,
    )
    has_chunk = message.HasField("chunk_tokens")
    return StreamCall(
        model=call.model,
        text=message.text,
        options=call.options,
        split_sentences=message.split_sentences,
        chunk_tokens=message.chunk_tokens if has_chunk else DEFAULT_CHUNK_TOKENS,
        deadline=deadline,
        priority=call.priority,
    )


def write_stream_event(event: StreamEvent) -> inference_pb2.StreamGenerateResponse:
    """What happened to a segment."""
    response = inference_pb2.StreamGenerateResponse(
        segment_index=event.segment_index,
        segment_count=event.segment_count,
        begin_offset=event.begin,
        end_offset=event.end,
    )
    response.model.name, response.model.version = event.model.name, event.model.version
    if isinstance(event.what, PartialHypothesis):
        response.partial.text = event.what.text
        response.partial.tokens.extend(write_tokens(event.what.tokens))
        response.partial.stable_end_offset = event.what.stable_end
        return response
    answer = write_generate(Answer(event.model, (event.what.result,), event.what.timings))
    response.result.CopyFrom(answer.results[0])
    response.timings.CopyFrom(answer.timings)
    return response


def read_many_config(
    message: inference_pb2.GenerateManyRequest, deadline: float | None
) -> ManyCall:
    """How texts are answered, out of the first message.

    Raises:
        InvalidRequestError: It is no configuration, or breaks a rule.
    """
    if message.WhichOneof("message") != "config":
        raise InvalidRequestError.of("config", "must come first, before any input")
    config = message.config
    request = inference_pb2.GenerateRequest(
        model=config.model, options=config.options, priority=config.priority
    )
    try:
        call = read_generate(request, deadline)
        priority = read_priority(config.priority) if config.priority else Priority.BULK
    except InvalidRequestError as error:
        raise with_paths(error, PATHS_OF_MANY) from error
    return ManyCall(call.model, call.options, deadline, priority)


async def read_many_inputs(
    messages: AsyncIterable[inference_pb2.GenerateManyRequest],
) -> AsyncIterator[ManyInput]:
    """The texts, out of the messages after the first.

    Raises:
        InvalidRequestError: A message is no text, or its id is too long.
    """
    async for message in messages:
        if message.WhichOneof("message") != "input":
            raise InvalidRequestError.of("input", "must be set in every message after the first")
        text = message.input
        if len(text.id) > MAX_ID_CHARACTERS:
            raise InvalidRequestError.of(
                "input.id", f"must have at most {MAX_ID_CHARACTERS} characters, got {len(text.id)}"
            )
        yield ManyInput(text.id, text.text)


def write_many_answer(answer: ManyAnswer, request_id: str) -> inference_pb2.GenerateManyResponse:
    """What became of a text.

    Args:
        answer: The answer, or why there is none.
        request_id: The id of the whole call.
    """
    response = inference_pb2.GenerateManyResponse(id=answer.id)
    if isinstance(answer.outcome, Answer):
        message = write_generate(answer.outcome)
        response.result.CopyFrom(message.results[0])
        response.model.CopyFrom(message.model)
        response.timings.CopyFrom(message.timings)
    else:
        response.error.CopyFrom(_write_error(answer.outcome, request_id))
    return response


def _write_error(error: Exception, request_id: str) -> inference_pb2.TextError:
    """Says what the status of a failed call says, out of the same table."""
    wire = to_wire(error, request_id)
    message = inference_pb2.TextError(code=wire.code.value[0], message=wire.message)
    for packed in status_pb2.Status.FromString(wire.details).details:
        for kind in _DETAILS:
            detail = kind()
            if packed.Unpack(detail):
                _add_detail(message, detail)
    return message


_DETAILS: Final[tuple[type[Message], ...]] = (
    error_details_pb2.ErrorInfo,
    error_details_pb2.BadRequest,
    error_details_pb2.RetryInfo,
)


def _add_detail(message: inference_pb2.TextError, detail: Message) -> None:
    match detail:
        case error_details_pb2.ErrorInfo():
            message.reason = detail.reason
            message.metadata.update(detail.metadata)
        case error_details_pb2.BadRequest():
            message.field_violations.extend(
                inference_pb2.FieldViolation(
                    field=violation.field, description=violation.description
                )
                for violation in detail.field_violations
            )
        case error_details_pb2.RetryInfo():
            message.retry_delay.CopyFrom(detail.retry_delay)
