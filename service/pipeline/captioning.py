"""Captions of the pictures of one call, on one version of a model.

Letters: T target tokens, S places of a picture's grid.
"""

from __future__ import annotations

import asyncio
import dataclasses
import functools
from collections.abc import Sequence

import numpy as np

from heed.contract import ImageInput
from heed.pictures import PictureError, ScaledPicture, read_picture
from service.batching.batcher import Batcher, RowAnswer
from service.domain.answers import Attention, AttentionHead, Hypothesis
from service.domain.captions import CaptionCall, CaptionedImage, ImageGrid
from service.domain.models import LoadedVersion
from service.domain.signatures import AttentionLevel, FloatArray
from service.errors import InvalidRequestError
from service.pipeline.attention_words import rows_of_words, word_axis
from service.pipeline.generating import describe, encode_prefix, hypotheses_per_row
from service.pipeline.limits import Violations
from service.pipeline.row_outputs import read_hypotheses, read_score
from service.pipeline.rows import (
    decoding_target,
    options_inputs,
    picture_inputs,
    run_rows,
    score_target,
    target_inputs,
)
from service.pipeline.samples import by_text, sample_rows
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.turns import in_turns

Read = tuple[ScaledPicture, CaptionedImage]


async def read_pictures(
    version: LoadedVersion, call: CaptionCall, *, max_pixels: int, room: asyncio.Semaphore
) -> list[ScaledPicture]:
    """Decodes every picture of a call beside the event loop.

    Args:
        version: Says what pictures its model reads.
        call: The pictures.
        max_pixels: The most pixels of each.
        room: Bounds how many calls do so at once.

    Raises:
        InvalidRequestError: The model reads no pictures, or a picture cannot be read.
    """
    image = _image_of(version)
    async with room:
        return await asyncio.to_thread(_read_all, call.images, image, max_pixels)


def _read_all(contents: Sequence[bytes], image: ImageInput, max_pixels: int) -> list[ScaledPicture]:
    violations = Violations()
    pictures = []
    for index, content in enumerate(contents):
        try:
            pictures.append(read_picture(content, image, max_pixels=max_pixels))
        except PictureError as error:
            violations.add(f"images[{index}].content", str(error))
            if violations.is_full:
                break
    violations.check()
    return pictures


async def caption_on(
    version: LoadedVersion,
    call: CaptionCall,
    pictures: Sequence[ScaledPicture],
    *,
    batcher: Batcher,
    stopwatch: Stopwatch,
) -> tuple[CaptionedImage, ...]:
    """Answers every picture of a call with one version.

    Raises:
        ServiceError: The call breaks a limit of this version, or could not be answered.
    """
    with stopwatch.tokenizing():
        prefix_ids = encode_prefix(call.options, version)
    longest, search = version.contract.max_target_tokens, call.options.search
    rows = (
        {
            **picture_inputs(picture.columns),
            **options_inputs(prefix_ids, options=call.options, longest=longest),
        }
        for picture in pictures
    )
    answers = await run_rows(
        batcher,
        decoding_target(version, call.options),
        sample_rows(rows, search),
        call=call,
        stopwatch=stopwatch,
    )
    most = hypotheses_per_row(call.options)
    with stopwatch.detokenizing():
        read = functools.partial(_read_result, version=version, most=most)
        results = await in_turns(read, pictures, by_text(answers, search))
    if call.options.attention is AttentionLevel.HEADS:
        with stopwatch.adding_heads():
            results = await _add_heads(
                list(zip(pictures, results, strict=True)),
                version,
                call=call,
                batcher=batcher,
                stopwatch=stopwatch,
            )
    with stopwatch.shaping_attention():
        return tuple(await in_turns(functools.partial(_in_form, call=call), results))


def grid_over(picture: ScaledPicture, image: ImageInput) -> ImageGrid:
    """The grid over a picture, in the picture's own pixels."""
    scaled_width = len(picture.columns)
    return ImageGrid(
        image_width=picture.width,
        image_height=picture.height,
        column_count=image.column_count(scaled_width),
        row_count=image.row_count,
        cell_width=image.cell_width * picture.width / scaled_width,
        cell_height=image.cell_height * picture.height / image.height,
    )


def _image_of(version: LoadedVersion) -> ImageInput:
    image = version.contract.image
    if image is None:
        raise InvalidRequestError.of("model", f"{version.key.name!r} reads texts, and no pictures")
    return image


def _read_result(
    picture: ScaledPicture, answers: Sequence[RowAnswer], *, version: LoadedVersion, most: int
) -> CaptionedImage:
    grid = grid_over(picture, _image_of(version))
    place_count = grid.row_count * grid.column_count
    described = [
        describe(each, (), version.target_tokenizer)
        for answer in answers
        for each in read_hypotheses(answer.outputs, place_count, most=most)
    ]
    return CaptionedImage(grid, tuple(_row_by_row(each, grid) for each in described))


def _row_by_row(hypothesis: Hypothesis, grid: ImageGrid) -> Hypothesis:
    """The model numbers places column by column; answers do so row by row."""
    attention = hypothesis.attention
    if attention is None:
        return hypothesis
    weights = _turned(attention.weights, grid)
    return dataclasses.replace(
        hypothesis, attention=dataclasses.replace(attention, weights=weights)
    )


def _turned(weights: FloatArray, grid: ImageGrid) -> FloatArray:
    """Weights [T, S], column by column, as weights row by row."""
    places = weights.reshape(-1, grid.column_count, grid.row_count)
    return np.ascontiguousarray(places.swapaxes(1, 2).reshape(weights.shape))


async def _add_heads(
    read: Sequence[Read],
    version: LoadedVersion,
    *,
    call: CaptionCall,
    batcher: Batcher,
    stopwatch: Stopwatch,
) -> list[CaptionedImage]:
    """One more pass: scores the outputs just made, which shows every head at once."""
    pairs = [
        (picture, result.grid, hypothesis)
        for picture, result in read
        for hypothesis in result.hypotheses
    ]
    answers = await run_rows(
        batcher,
        score_target(version, AttentionLevel.HEADS),
        [
            {
                **picture_inputs(picture.columns),
                **target_inputs([token.id for token in hypothesis.tokens]),
            }
            for picture, _, hypothesis in pairs
        ],
        call=call,
        stopwatch=stopwatch,
        is_admitted=True,
    )
    with_heads = iter(
        [
            _with_heads(hypothesis, grid, answer, version)
            for (_, grid, hypothesis), answer in zip(pairs, answers, strict=True)
        ]
    )
    return [
        dataclasses.replace(result, hypotheses=tuple(next(with_heads) for _ in result.hypotheses))
        for _, result in read
    ]


def _with_heads(
    hypothesis: Hypothesis, grid: ImageGrid, answer: RowAnswer, version: LoadedVersion
) -> Hypothesis:
    attention = hypothesis.attention
    if attention is None:
        return hypothesis
    score = read_score(
        answer.outputs,
        target_length=len(hypothesis.tokens),
        source_length=grid.row_count * grid.column_count,
        contract=version.contract,
    )
    heads = tuple(
        dataclasses.replace(head, weights=_turned(head.weights, grid)) for head in score.heads
    )
    return dataclasses.replace(hypothesis, attention=dataclasses.replace(attention, heads=heads))


def _in_form(result: CaptionedImage, *, call: CaptionCall) -> CaptionedImage:
    """A result whose attention is laid out as the caller asked for it."""
    form, level = call.options.form, call.options.attention
    hypotheses = []
    for hypothesis in result.hypotheses:
        attention = hypothesis.attention
        if attention is not None:
            if level is AttentionLevel.WORDS:
                attention = _with_words(attention, hypothesis.text)
            attention = dataclasses.replace(attention, packing=form.packing)
        hypotheses.append(dataclasses.replace(hypothesis, attention=attention))
    return dataclasses.replace(result, hypotheses=tuple(hypotheses))


def _with_words(attention: Attention, text: str) -> Attention:
    """Attention whose rows are the words of a text."""
    target = word_axis(text, attention.target_tokens)
    heads = tuple(
        AttentionHead(head.layer_index, head.head_index, rows_of_words(head.weights, target))
        for head in attention.heads
    )
    return Attention(target.words, (), rows_of_words(attention.weights, target), heads)
