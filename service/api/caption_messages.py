"""Caption: its message into a call, its answer into a message. Pure."""

from __future__ import annotations

from heed.v1 import inference_pb2
from service.api.from_messages import read_options, read_priority, read_selector
from service.api.to_messages import write_hypothesis, write_timings, write_version
from service.domain.captions import CaptionAnswer, CaptionCall, CaptionedImage, ImageGrid
from service.errors import InvalidRequestError


def read_caption(message: inference_pb2.CaptionRequest, deadline: float | None) -> CaptionCall:
    """The call to caption.

    Raises:
        InvalidRequestError: The model's name is too long, its version not positive, the attention
            level or priority unknown, an option out of range, one contradicts another, or is
            about the words of a source.
    """
    options = read_options(message.options)
    about_words = {
        "options.alignment": options.form.alignment is not None,
        "options.attention_options.heads_of_words": options.form.heads_of_words,
        "options.replace_unknown": options.replace_unknown,
    }
    for field, is_asked in about_words.items():
        if is_asked:
            raise InvalidRequestError.of(field, "goes with texts: a picture has no words")
    return CaptionCall(
        model=read_selector(message.model),
        images=tuple(image.content for image in message.images),
        options=options,
        deadline=deadline,
        priority=read_priority(message.priority),
    )


def write_caption(answer: CaptionAnswer) -> inference_pb2.CaptionResponse:
    """The answer to CaptionRequest."""
    return inference_pb2.CaptionResponse(
        model=write_version(answer.model),
        results=[_write_result(result) for result in answer.results],
        timings=write_timings(answer.timings),
    )


def _write_result(result: CaptionedImage) -> inference_pb2.CaptionResult:
    return inference_pb2.CaptionResult(
        grid=_write_grid(result.grid),
        hypotheses=[write_hypothesis(hypothesis) for hypothesis in result.hypotheses],
    )


def _write_grid(grid: ImageGrid) -> inference_pb2.ImageGrid:
    return inference_pb2.ImageGrid(
        image_width=grid.image_width,
        image_height=grid.image_height,
        column_count=grid.column_count,
        row_count=grid.row_count,
        cell_width=grid.cell_width,
        cell_height=grid.cell_height,
    )
