"""Rows of a call: made, sent and awaited."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from heed.contract import IMAGES_INPUT, SPECIAL_IDS, WIDTHS_INPUT, Signature
from service.batching.batcher import Batcher, QueuedRow, RowAnswer
from service.domain.models import LoadedVersion
from service.domain.requests import BeamOptions, GenerateOptions, Priority, SamplingOptions
from service.domain.signatures import (
    AttentionLevel,
    FloatArray,
    InputArray,
    IntArray,
    PredictTarget,
    output_names,
)
from service.errors import DeadlinePassedError
from service.pipeline.answer_form import level_of_decoding
from service.pipeline.stopwatch import Stopwatch
from service.security.callers import current_caller


def decoding_target(version: LoadedVersion, options: GenerateOptions) -> PredictTarget:
    """What decoding asks for."""
    search = options.search
    match search:
        case BeamOptions():
            signature = Signature.BEAM
        case SamplingOptions():
            signature = Signature.SAMPLE
        case None:
            signature = Signature.GREEDY
    width = search.beam_width if isinstance(search, BeamOptions) else 1
    outputs = output_names(signature, level_of_decoding(options))
    buckets = version.contract.shape_buckets
    max_rows = None if buckets is None else buckets.rows[-1]
    return PredictTarget(version.key, signature, outputs, width, max_rows)


def score_target(version: LoadedVersion, level: AttentionLevel) -> PredictTarget:
    """What scoring asks for."""
    return PredictTarget(version.key, Signature.SCORE, output_names(Signature.SCORE, level))


def decoding_inputs(
    source_ids: Sequence[int],
    prefix_ids: Sequence[int],
    *,
    options: GenerateOptions,
    longest: int,
) -> dict[str, InputArray]:
    """Inputs of a row to decode.

    Args:
        source_ids: Tokens of the source.
        prefix_ids: Tokens that the output must begin with.
        options: Options of the call.
        longest: The model's longest output, for when the call does not say.
    """
    return {
        **_source_inputs(source_ids),
        **options_inputs(prefix_ids, options=options, longest=longest),
    }


def options_inputs(
    prefix_ids: Sequence[int], *, options: GenerateOptions, longest: int
) -> dict[str, InputArray]:
    """The inputs of a row to decode that are not its source; see `decoding_inputs`."""
    return {
        "max_lengths": _scalar(longest if options.max_length is None else options.max_length),
        "min_lengths": _scalar(options.min_length or 0),
        # Never without a column: TensorFlow Serving's batching refuses to merge empty inputs with
        # others, and what stands behind the prefix is not read.
        "prefix_tokens": np.array(prefix_ids or [SPECIAL_IDS.pad], dtype=np.int32),
        "prefix_lengths": _scalar(len(prefix_ids)),
        **_search_inputs(options.search),
    }


def _search_inputs(search: BeamOptions | SamplingOptions | None) -> dict[str, InputArray]:
    match search:
        case BeamOptions():
            return {
                "beam_width": _scalar(search.beam_width),
                "length_penalty": _number(search.length_penalty),
                "coverage_penalty": _number(search.coverage_penalty),
                "no_repeat_ngram": _scalar(search.no_repeat_ngram_size),
            }
        case SamplingOptions():
            seed = secrets.randbits(31) if search.seed is None else search.seed
            return {
                "temperature": _number(search.temperature),
                "top_k": _scalar(search.top_k),
                "top_p": _number(search.top_p),
                "seed": _scalar(seed),
            }
        case None:
            return {}


def score_inputs(source_ids: Sequence[int], target_ids: Sequence[int]) -> dict[str, InputArray]:
    """Inputs of a row to score; the target is taken as it is."""
    return {**_source_inputs(source_ids), **target_inputs(target_ids)}


def target_inputs(target_ids: Sequence[int]) -> dict[str, InputArray]:
    """The inputs of a row to score that are not its source."""
    return {
        "target_tokens": np.array(target_ids, dtype=np.int32),
        "target_lengths": _scalar(len(target_ids)),
    }


def picture_inputs(columns: NDArray[np.uint8]) -> dict[str, InputArray]:
    """The inputs of a row that are its picture, columns of pixels [W, H, C]."""
    return {IMAGES_INPUT: columns, WIDTHS_INPUT: _scalar(len(columns))}


def classify_inputs(
    source_ids: Sequence[int], sentence_ids: Sequence[int]
) -> dict[str, InputArray]:
    """Inputs of a row to classify; no sentences for a model that is not hierarchical."""
    inputs = _source_inputs(source_ids)
    if sentence_ids:
        inputs["sentence_ids"] = np.array(sentence_ids, dtype=np.int32)
    return inputs


def with_end(token_ids: Iterable[int]) -> list[int]:
    """The tokens, closed by the end token."""
    return [*token_ids, SPECIAL_IDS.end]


def _scalar(value: int) -> IntArray:
    return np.array(value, dtype=np.int32)


def _number(value: float) -> FloatArray:
    return np.array(value, dtype=np.float32)


def _source_inputs(source_ids: Sequence[int]) -> dict[str, InputArray]:
    return {
        "tokens": np.array(source_ids, dtype=np.int32),
        "lengths": _scalar(len(source_ids)),
    }


class Urgency(Protocol):
    """How urgent a call is."""

    @property
    def deadline(self) -> float | None:
        """When its answer is of no use any more, on the loop's clock; None for never."""

    @property
    def priority(self) -> Priority:
        """Whether somebody waits for it."""


async def run_rows(
    batcher: Batcher,
    target: PredictTarget,
    inputs: Sequence[dict[str, InputArray]],
    *,
    call: Urgency,
    stopwatch: Stopwatch,
    is_admitted: bool = False,
) -> Sequence[RowAnswer]:
    """Queues rows and awaits their answers, in order. Leaving early takes them out again.

    Args:
        batcher: Takes rows to the model server.
        target: What is asked of whom.
        inputs: The inputs of every row.
        call: How urgent the call is that the rows are of.
        stopwatch: Notes the time that the rows take.
        is_admitted: Whether the rows finish a call that was admitted before.

    Raises:
        RateLimitedError: The caller has no tokens left for now; nothing was done.
        QueueFullError: There is no room; nothing was done.
        DeadlineOutOfReachError: There is not enough time; nothing was done.
        DeadlinePassedError: The deadline came first.
        ServiceError: A row failed.
    """
    caller = current_caller()
    if not is_admitted:
        caller.take_tokens(sum(map(_length, inputs)))
    priority = caller.priority(call.priority)
    loop = asyncio.get_running_loop()
    rows = [
        QueuedRow(
            target,
            row,
            _length(row) * target.beam_width,
            call.deadline,
            loop.create_future(),
            priority,
        )
        for row in inputs
    ]
    batcher.submit(rows, is_admitted=is_admitted)
    try:
        async with asyncio.timeout_at(call.deadline):
            answers = await _all_answers(rows)
    except TimeoutError as error:
        late = min(rows, key=lambda row: row.started is not None)
        raise DeadlinePassedError(late.stage, stopwatch.metadata()) from error
    finally:
        for row in rows:
            row.answer.cancel()
    last = max(answers, key=lambda answer: answer.queue_s + answer.model_s)
    stopwatch.note(queue_s=last.queue_s, model_s=last.model_s)
    return answers


async def _all_answers(rows: Sequence[QueuedRow]) -> Sequence[RowAnswer]:
    """The answers of rows; the first failure at once."""
    if len(rows) == 1:
        return [await rows[0].answer]
    return await asyncio.gather(*(row.answer for row in rows))


def _length(inputs: dict[str, InputArray]) -> int:
    """Tokens, or columns of pixels, of the longest input."""
    return max(len(value) if value.ndim else 1 for value in inputs.values())
