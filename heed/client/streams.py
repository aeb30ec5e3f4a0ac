"""Outputs that grow: what `stream_generate` tells, and its messages."""

from __future__ import annotations

from dataclasses import dataclass

from heed.client import conversion
from heed.client.requests import GenerateOptions, check_number, check_texts
from heed.client.results import GenerateResult, ModelVersion, Token
from heed.v1 import inference_pb2


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of the text that is answered on its own.

    Attributes:
        index: Which segment, counted from 0.
        count: How many the text has.
        begin: Where it begins: `text[begin:end]` is the segment.
        end: Where it ends (exclusive), in Unicode code points.
    """

    index: int
    count: int
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class PartialResult:
    """The beginning of an output.

    Attributes:
        text: The output so far; never ends within a character.
        tokens: Its tokens, each with its score.
        stable_end: `text[:stable_end]` stays as it is.
        segment: What is being answered.
        model: The model and version that answers.
    """

    text: str
    tokens: tuple[Token, ...]
    stable_end: int
    segment: Segment
    model: ModelVersion


@dataclass(frozen=True, slots=True)
class FinalResult:
    """The answer to a segment; the last thing that is told of it.

    Attributes:
        result: The same as `generate` answers to the segment's text; offsets of source tokens
            count from the segment's start.
        segment: What was answered.
    """

    result: GenerateResult
    segment: Segment

    @property
    def text(self) -> str:
        """The best output as text."""
        return self.result.text


StreamEvent = PartialResult | FinalResult
"""What `Client.stream_generate` gives: an output that grows, then what became of it."""


def stream_request(
    text: str, options: GenerateOptions, *, split_sentences: bool, chunk_tokens: int | None
) -> inference_pb2.StreamGenerateRequest:
    """The request to answer a text in pieces.

    Raises:
        TypeError: A value is not of its type.
        InvalidRequestError: A number does not fit its field, or the text is not Unicode.
    """
    check_number("chunk_tokens", chunk_tokens)
    check_texts("texts", [text])
    whole = options.request(())
    return inference_pb2.StreamGenerateRequest(
        model=whole.model,
        text=text,
        options=whole.options,
        split_sentences=split_sentences,
        chunk_tokens=chunk_tokens,
        priority=whole.priority,
    )


def stream_event(text: str, message: inference_pb2.StreamGenerateResponse) -> StreamEvent:
    """What a message tells; `text` is the whole text that was asked."""
    segment = Segment(
        message.segment_index, message.segment_count, message.begin_offset, message.end_offset
    )
    if message.WhichOneof("event") == "partial":
        return PartialResult(
            text=message.partial.text,
            tokens=conversion.tokens(message.partial.tokens),
            stable_end=message.partial.stable_end_offset,
            segment=segment,
            model=conversion.model_version(message.model),
        )
    response = inference_pb2.GenerateResponse(
        model=message.model, results=[message.result], timings=message.timings
    )
    (result,) = conversion.generate_results([text[segment.begin : segment.end]], response)
    return FinalResult(result, segment)
