"""Outputs in growing parts, from a model that has one thing to say and keeps to the contract."""

from __future__ import annotations

import functools
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
import sentencepiece
from hypothesis import given
from hypothesis import strategies as st

from heed.contract import SPECIAL_IDS, Signature
from heed.text import Tokenizer
from service.batching.batcher import RowAnswer
from service.domain.models import VersionKey
from service.domain.requests import GenerateOptions
from service.domain.signatures import PredictTarget
from service.errors import ModelAnswerError, QueueFullError
from service.pipeline.growing import GrowingDecoding, complete_characters, read_partial
from service.pipeline.row_outputs import RowHypothesis
from service.pipeline.rows import decoding_inputs

GREEDY = PredictTarget(VersionKey("m", 1), Signature.GREEDY, ())
LONGEST = 100


@dataclass
class Speaker:
    """Says its script, the end included; after a prefix it goes on where the prefix stands."""

    script: Sequence[int]
    steps: int = 0
    calls: list[bool] = field(default_factory=list)
    refusals: int = 0

    async def run(
        self, target: PredictTarget, inputs: Sequence[dict[str, Any]], *, is_admitted: bool = False
    ) -> Sequence[RowAnswer]:
        self.calls.append(is_admitted)
        if self.refusals:
            self.refusals -= 1
            raise QueueFullError(waiting_tokens=1, max_queue_tokens=1, retry_after_s=0.001)
        (row,) = inputs
        maximum, minimum = int(row["max_lengths"]), int(row["min_lengths"])
        assert 0 <= minimum <= maximum
        said = row["prefix_tokens"][: row["prefix_lengths"]].tolist()
        while len(said) < maximum and (not said or said[-1] != SPECIAL_IDS.end):
            said.append(self.script[len(said)])
        self.steps += len(said)
        outputs = {
            "tokens": np.array([said], np.int32),
            "lengths": np.array([len(said)], np.int32),
            "scores": np.array([-len(said)], np.float32),
            "token_scores": -np.ones((1, len(said)), np.float32),
        }
        return [RowAnswer(outputs, 0.0, 0.0)]


def inputs_of(prefix: Sequence[int] = (), **options: Any) -> dict[str, Any]:
    return decoding_inputs([5, 6], prefix, options=GenerateOptions(**options), longest=LONGEST)


async def grow(
    speaker: Speaker, row: dict[str, Any], *, chunk: int, waits: bool = False
) -> tuple[list[int], list[tuple[int, ...]]]:
    """What is said in the end, and what was said before."""
    parts: list[RowHypothesis] = []
    decode = GrowingDecoding(chunk, parts.append, deadline=None, waits_for_room=waits)
    (answer,) = await decode(speaker.run, GREEDY, [row])
    return answer.outputs["tokens"][0].tolist(), [part.token_ids for part in parts]


def script(length: int) -> list[int]:
    return [*range(10, 10 + length - 1), SPECIAL_IDS.end]


async def test_parts_double_until_the_model_ends() -> None:
    said, parts = await grow(Speaker(script(30)), inputs_of(), chunk=4)
    assert said == script(30)
    assert parts == [tuple(said[:length]) for length in (4, 8, 16)]


async def test_the_first_part_stands_behind_the_prefix() -> None:
    said, parts = await grow(Speaker(script(20)), inputs_of([10, 11, 12]), chunk=2)
    assert said == script(20)
    assert [len(part) for part in parts] == [5, 10]


async def test_the_longest_output_is_the_limit_of_every_part() -> None:
    said, parts = await grow(Speaker(script(99)), inputs_of(max_length=10), chunk=4)
    assert said == script(99)[:10]
    assert [len(part) for part in parts] == [4, 8]


async def test_an_output_that_ends_in_the_first_part_has_no_other() -> None:
    speaker = Speaker(script(5))
    assert await grow(speaker, inputs_of(), chunk=8) == (script(5), [])
    assert speaker.steps == 5


async def test_a_shortest_output_beyond_a_part_holds_within_it() -> None:
    said, _ = await grow(Speaker(script(40)), inputs_of(min_length=30), chunk=4)
    assert len(said) == 40


@given(length=st.integers(1, LONGEST), chunk=st.integers(1, 30), prefix=st.integers(0, 20))
async def test_growing_costs_less_than_three_times_the_steps(
    length: int, chunk: int, prefix: int
) -> None:
    prefix = min(prefix, length - 1)
    speaker = Speaker(script(length))
    said, _ = await grow(speaker, inputs_of(script(length)[:prefix]), chunk=chunk)
    assert said == script(length)
    assert speaker.steps < 3 * length


async def test_a_row_is_refused_at_its_first_part_alone() -> None:
    speaker = Speaker(script(20), refusals=1)
    with pytest.raises(QueueFullError):
        await grow(speaker, inputs_of(), chunk=4)
    said, _ = await grow(Speaker(script(20), refusals=3), inputs_of(), chunk=4, waits=True)
    assert said == script(20)
    speaker = Speaker(script(20))
    await grow(speaker, inputs_of(), chunk=4)
    assert speaker.calls == [False, True, True, True]


async def test_several_samples_are_drawn_as_a_whole() -> None:
    asked: list[int] = []

    async def run(
        target: PredictTarget, inputs: Sequence[dict[str, Any]], *, is_admitted: bool = False
    ) -> Sequence[RowAnswer]:
        asked.append(len(inputs))
        return [RowAnswer({}, 0.0, 0.0)] * len(inputs)

    parts: list[RowHypothesis] = []
    decode = GrowingDecoding(2, parts.append, deadline=None, waits_for_room=False)
    assert len(await decode(run, GREEDY, [inputs_of()] * 3)) == 3
    assert (asked, parts) == ([3], [])


async def test_a_model_that_forgets_what_it_said_breaks_its_contract() -> None:
    class Forgetful(Speaker):
        async def run(self, *arguments: Any, **names: Any) -> Sequence[RowAnswer]:
            answers = await super().run(*arguments, **names)
            answers[0].outputs["tokens"][0, 0] = 50 + len(self.calls)
            return answers

    with pytest.raises(ModelAnswerError, match="does not begin with the prefix"):
        await grow(Forgetful(script(20)), inputs_of(), chunk=4)


@functools.cache
def bytes_tokenizer() -> Tokenizer:
    """A tokenizer that writes characters which it does not know as bytes."""
    model = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(["abc abd", "bcd"] * 20),
        model_writer=model,
        vocab_size=300,
        hard_vocab_limit=False,
        byte_fallback=True,
        pad_id=SPECIAL_IDS.pad,
        unk_id=SPECIAL_IDS.unknown,
        bos_id=SPECIAL_IDS.begin,
        eos_id=SPECIAL_IDS.end,
        minloglevel=2,
    )
    return Tokenizer(model.getvalue())


@given(st.text(alphabet="abä本🙂 ", min_size=1))
def test_no_part_ends_within_a_character(text: str) -> None:
    tokenizer = bytes_tokenizer()
    ids = tokenizer.encode_ids(text)
    whole = tokenizer.decode(ids).text
    before = ""
    for length in range(1, len(ids) + 1):
        scores = np.zeros(length, np.float32)
        partial = read_partial(RowHypothesis(tuple(ids[:length]), 0.0, scores, None), tokenizer)
        assert whole.startswith(partial.text)
        assert partial.text.startswith(before)
        assert partial.stable_end == len(partial.text)
        assert all(partial.text[t.begin : t.end] == t.text for t in partial.tokens)
        before = partial.text
    assert before == whole


def test_bytes_that_never_make_a_character_are_kept() -> None:
    tokenizer = bytes_tokenizer()
    first, second, third = tokenizer.encode_ids("本")[-3:]
    a = tokenizer.encode_ids("a")[-1]
    assert complete_characters([first, second, third], tokenizer) == [first, second, third]
    assert complete_characters([a, first, second], tokenizer) == [a]
    assert complete_characters([first, a], tokenizer) == [first, a]
