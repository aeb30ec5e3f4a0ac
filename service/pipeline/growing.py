"""Outputs that are shown while they grow.

The model is run to a few tokens, then to twice as many, and so on; each time with what it wrote
before as a forced prefix. A pass over n tokens costs n steps of the decoder, also over a forced
prefix. The passes before the last one have c, 2c, 4c ... tokens and together less than twice those
of the last one, so a streamed output costs less than three times the steps of the same output at
once.
"""

from __future__ import annotations

import codecs
import functools
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np

from heed.contract import Signature
from heed.text import Tokenizer, TokenizerError
from service.batching.batcher import RowAnswer
from service.domain.signatures import InputArray, PredictTarget
from service.domain.streams import PartialHypothesis
from service.errors import ModelAnswerError
from service.pipeline.decoding_runs import RunRows
from service.pipeline.patience import patiently
from service.pipeline.row_outputs import RowHypothesis, read_hypotheses
from service.pipeline.tokens import is_ended, target_tokens
from service.pipeline.unknown_words import UnknownWords

Row: TypeAlias = dict[str, InputArray]

_BYTE_PIECE: Final = re.compile(r"<0x([0-9A-Fa-f]{2})>")


@dataclass(frozen=True, slots=True)
class PatientDecoding:
    """Decodes rows at once, and waits where there is no room for them.

    Attributes:
        deadline: When the answers are of no use any more, on the loop's clock.
    """

    deadline: float | None

    async def __call__(
        self, run: RunRows, target: PredictTarget, inputs: Sequence[Row]
    ) -> Sequence[RowAnswer]:
        """The answers of the rows."""
        return await patiently(lambda: run(target, inputs), deadline=self.deadline)


@dataclass(frozen=True, slots=True)
class GrowingDecoding:
    """Decodes one row in growing parts; its final answer is the one that it would get at once.

    Greedy search and sampling take the same token at a step whatever the steps before were:
    chosen, or forced. A beam's best hypothesis can change to the end, so it is decoded at once;
    and so are several samples, which do not grow as one text.
    Once there was room for the row, it is not refused any more.

    Attributes:
        chunk_tokens: How many tokens beyond the prefix the first part has, 1 or more.
        on_growth: Is told of every part but the last.
        deadline: When the answer is of no use any more, on the loop's clock.
        waits_for_room: Whether the first part waits where there is no room for it.
    """

    chunk_tokens: int
    on_growth: Callable[[RowHypothesis], None]
    deadline: float | None
    waits_for_room: bool

    async def __call__(
        self, run: RunRows, target: PredictTarget, inputs: Sequence[Row]
    ) -> Sequence[RowAnswer]:
        """The answer of the row.

        Raises:
            ModelAnswerError: The model did not keep to what it was forced to.
        """
        first_run = functools.partial(self._patiently, run) if self.waits_for_room else run
        if target.signature is Signature.BEAM or len(inputs) > 1:
            return await first_run(target, inputs)
        (row,) = inputs
        limit, prefix_length = int(row["max_lengths"]), int(row["prefix_lengths"])
        ids = tuple(row["prefix_tokens"][:prefix_length].tolist())
        length = min(prefix_length + self.chunk_tokens, limit)
        answers = await first_run(target, [_part(row, ids, length)])
        while True:
            hypothesis = read_hypotheses(answers[0].outputs, int(row["lengths"]), most=1)[0]
            if hypothesis.token_ids[: len(ids)] != ids:
                raise ModelAnswerError("the model's output does not begin with the prefix given")
            ids = hypothesis.token_ids
            if length == limit or is_ended(ids):
                return answers
            self.on_growth(hypothesis)
            length = min(2 * length, limit)
            part = _part(row, ids, length)
            answers = await self._patiently(run, target, [part], is_admitted=True)

    async def _patiently(
        self,
        run: RunRows,
        target: PredictTarget,
        inputs: Sequence[Row],
        *,
        is_admitted: bool = False,
    ) -> Sequence[RowAnswer]:
        return await patiently(
            lambda: run(target, inputs, is_admitted=is_admitted), deadline=self.deadline
        )


def _part(row: Row, ids: Sequence[int], length: int) -> Row:
    """The row, with the tokens written so far as prefix, up to a length."""
    part = {
        **row,
        "max_lengths": np.array(length, np.int32),
        "min_lengths": np.minimum(row["min_lengths"], np.int32(length)),
        "prefix_lengths": np.array(len(ids), np.int32),
    }
    if ids:
        part["prefix_tokens"] = np.array(ids, np.int32)
    return part


def read_partial(
    hypothesis: RowHypothesis, tokenizer: Tokenizer, words: UnknownWords | None = None
) -> PartialHypothesis:
    """The beginning of an output as text, without the tokens of a character that is half there.

    Args:
        hypothesis: The tokens so far.
        tokenizer: Joins them.
        words: Stand for unknown tokens; None: nothing does.

    Raises:
        ModelAnswerError: A token lies outside the vocabulary.
    """
    try:
        ids = complete_characters(hypothesis.token_ids, tokenizer)
        text, tokens = target_tokens(tokenizer, ids, hypothesis.token_scores[: len(ids)].tolist())
    except TokenizerError as error:
        raise ModelAnswerError(f"the model answered with an unknown token: {error}") from error
    if words is not None and hypothesis.attention is not None:
        text, tokens = words.replaced_in(text, tokens, hypothesis.attention)
    return PartialHypothesis(text, tokens, len(text))


def complete_characters(token_ids: Sequence[int], tokenizer: Tokenizer) -> Sequence[int]:
    """The tokens without those at the end that hold some bytes of a character, but not all."""
    tail = b""
    for token_id in reversed(token_ids):
        byte = _BYTE_PIECE.fullmatch(tokenizer.piece(token_id))
        if byte is None:
            break
        tail = bytes.fromhex(byte[1]) + tail
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    decoder.decode(tail)
    missing = len(decoder.getstate()[0])
    return token_ids[: len(token_ids) - missing]
