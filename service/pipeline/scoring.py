"""Scoring the given targets of one call, on one version of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from heed.text import TextToken
from service.batching.batcher import Batcher, RowAnswer
from service.domain.answers import Attention, FinishReason, Hypothesis, TextResult
from service.domain.models import LoadedVersion
from service.domain.requests import ScoreCall, TextPair
from service.pipeline.answer_form import in_form, level_of_model
from service.pipeline.limits import Violations, check_source, check_target
from service.pipeline.row_outputs import read_score
from service.pipeline.rows import run_rows, score_inputs, score_target, with_end
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.tokens import encode, scored_tokens, source_tokens


@dataclass(frozen=True, slots=True)
class _EncodedPair:
    pair: TextPair
    source: tuple[TextToken, ...]
    target: tuple[TextToken, ...]

    def source_ids(self) -> list[int]:
        return [token.id for token in self.source]

    def target_ids(self) -> list[int]:
        return with_end(token.id for token in self.target)


async def score_on(
    version: LoadedVersion, call: ScoreCall, *, batcher: Batcher, stopwatch: Stopwatch
) -> tuple[TextResult, ...]:
    """Scores every pair of a call with one version.

    Raises:
        ServiceError: The call breaks a limit of this version, or could not be answered.
    """
    with stopwatch.tokenizing():
        pairs = _encode_pairs(call.pairs, version)
    answers = await run_rows(
        batcher,
        score_target(version, level_of_model(call.attention, call.form)),
        [score_inputs(pair.source_ids(), pair.target_ids()) for pair in pairs],
        call=call,
        stopwatch=stopwatch,
    )
    with stopwatch.detokenizing():
        results = [
            _read_result(pair, answer, version) for pair, answer in zip(pairs, answers, strict=True)
        ]
    with stopwatch.shaping_attention():
        return tuple(
            in_form(result, pair.source_text, level=call.attention, form=call.form)
            for pair, result in zip(call.pairs, results, strict=True)
        )


def _encode_pairs(pairs: Sequence[TextPair], version: LoadedVersion) -> list[_EncodedPair]:
    violations, contract = Violations(), version.contract
    encoded = []
    for index, pair in enumerate(pairs):
        source, source_count = encode(
            version.source_tokenizer, pair.source_text, most=contract.max_source_tokens
        )
        target, target_count = encode(
            version.target_tokenizer, pair.target_text, most=contract.max_target_tokens
        )
        path = f"pairs[{index}]"
        check_source(violations, f"{path}.source_text", token_count=source_count, contract=contract)
        check_target(violations, f"{path}.target_text", token_count=target_count, contract=contract)
        encoded.append(_EncodedPair(pair, source, target))
        if violations.is_full:
            break
    violations.check()
    return encoded


def _read_result(pair: _EncodedPair, answer: RowAnswer, version: LoadedVersion) -> TextResult:
    score = read_score(
        answer.outputs,
        target_length=len(pair.target) + 1,
        source_length=len(pair.source),
        contract=version.contract,
    )
    source = source_tokens(pair.source)
    target = scored_tokens(pair.pair.target_text, pair.target, score.token_scores.tolist())
    attention = None
    if score.attention is not None:
        attention = Attention(target, source, score.attention, score.heads)
    hypothesis = Hypothesis(
        text=pair.pair.target_text,
        score=score.score,
        tokens=target,
        finish_reason=FinishReason.END,
        attention=attention,
    )
    return TextResult(source, (hypothesis,))
