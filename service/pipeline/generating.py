"""Generating outputs for the texts of one call, on one version of the model."""

from __future__ import annotations

import dataclasses
import functools
from collections.abc import Sequence

from heed.text import TextToken, Tokenizer, TokenizerError
from service.batching.batcher import Batcher, RowAnswer
from service.domain.answers import Attention, FinishReason, Hypothesis, TextResult, Token
from service.domain.models import LoadedVersion
from service.domain.requests import BeamOptions, GenerateCall, GenerateOptions
from service.domain.signatures import AttentionLevel
from service.errors import ModelAnswerError
from service.pipeline.answer_form import in_form, level_of_model
from service.pipeline.decoding_runs import Decoding, decode_at_once
from service.pipeline.limits import Violations, check_options, check_prefix, check_source
from service.pipeline.row_outputs import RowHypothesis, read_hypotheses, read_score
from service.pipeline.rows import (
    decoding_inputs,
    decoding_target,
    run_rows,
    score_inputs,
    score_target,
)
from service.pipeline.samples import by_text, sample_rows
from service.pipeline.search_limits import check_search
from service.pipeline.stopwatch import Stopwatch
from service.pipeline.tokens import encode, is_ended, source_tokens, target_tokens
from service.pipeline.turns import in_turns
from service.pipeline.unknown_words import UnknownWords


async def generate_on(
    version: LoadedVersion,
    call: GenerateCall,
    *,
    batcher: Batcher,
    stopwatch: Stopwatch,
    decode: Decoding = decode_at_once,
) -> tuple[TextResult, ...]:
    """Answers every text of a call with one version.

    Raises:
        ServiceError: The call breaks a limit of this version, or could not be answered.
    """
    with stopwatch.tokenizing():
        sources = encode_sources(call.texts, version)
        prefix_ids = encode_prefix(call.options, version)
    longest = version.contract.max_target_tokens
    search = call.options.search
    rows = [
        decoding_inputs(
            [token.id for token in source], prefix_ids, options=call.options, longest=longest
        )
        for source in sources
    ]
    answers = await decode(
        functools.partial(run_rows, batcher, call=call, stopwatch=stopwatch),
        decoding_target(version, call.options),
        sample_rows(rows, search),
    )
    with stopwatch.detokenizing():
        read = functools.partial(_read_result, version=version, options=call.options)
        results = await in_turns(read, call.texts, sources, by_text(answers, search))
    if call.options.attention is AttentionLevel.HEADS:
        with stopwatch.adding_heads():
            results = await _add_heads(
                results, version, call=call, batcher=batcher, stopwatch=stopwatch
            )
    with stopwatch.shaping_attention():
        shape = functools.partial(in_form, level=call.options.attention, form=call.options.form)
        return tuple(await in_turns(shape, results, call.texts))


def encode_sources(texts: Sequence[str], version: LoadedVersion) -> list[tuple[TextToken, ...]]:
    """The tokens of every text.

    Raises:
        InvalidRequestError: A text has no token or too many.
    """
    violations = Violations()
    sources = []
    for index, text in enumerate(texts):
        tokens, count = encode(
            version.source_tokenizer, text, most=version.contract.max_source_tokens
        )
        check_source(violations, f"texts[{index}]", token_count=count, contract=version.contract)
        sources.append(tokens)
        if violations.is_full:
            break
    violations.check()
    return sources


def encode_prefix(options: GenerateOptions, version: LoadedVersion) -> list[int]:
    """The tokens that every output begins with.

    Raises:
        InvalidRequestError: They, or another option, break a limit of this version.
    """
    longest = version.contract.max_target_tokens
    prefix, count = encode(version.target_tokenizer, options.prefix, most=longest)
    check_options(options, count, version.contract)
    check_prefix(prefix)
    check_search(options.search, version.contract)
    return [token.id for token in prefix]


def _read_result(
    text: str,
    source: Sequence[TextToken],
    answers: Sequence[RowAnswer],
    *,
    version: LoadedVersion,
    options: GenerateOptions,
) -> TextResult:
    tokens = source_tokens(source)
    most = hypotheses_per_row(options)
    hypotheses = [
        describe(each, tokens, version.target_tokenizer)
        for answer in answers
        for each in read_hypotheses(answer.outputs, len(source), most=most)
    ]
    if options.replace_unknown:
        words = UnknownWords.of(version, text, tokens)
        hypotheses = [_with_words(each, words, options) for each in hypotheses]
    return TextResult(tokens, tuple(hypotheses))


def hypotheses_per_row(options: GenerateOptions) -> int:
    """The most hypotheses wanted of a row."""
    search = options.search
    return search.num_hypotheses if isinstance(search, BeamOptions) else 1


def _with_words(
    hypothesis: Hypothesis, words: UnknownWords, options: GenerateOptions
) -> Hypothesis:
    """The output without unknown words, and without attention that served only for that."""
    replaced = words.replaced(hypothesis)
    if level_of_model(options.attention, options.form) is AttentionLevel.NONE:
        return dataclasses.replace(replaced, attention=None)
    return replaced


def describe(
    hypothesis: RowHypothesis, source: tuple[Token, ...], tokenizer: Tokenizer
) -> Hypothesis:
    """A row's output as callers get it.

    Args:
        hypothesis: What the model said.
        source: The tokens that the attention is over; none of a picture.
        tokenizer: Joins the output's tokens.

    Raises:
        ModelAnswerError: The tokens do not make a text.
    """
    try:
        text, tokens = target_tokens(
            tokenizer, hypothesis.token_ids, hypothesis.token_scores.tolist()
        )
    except TokenizerError as error:
        raise ModelAnswerError(f"the model answered with an unknown token: {error}") from error
    if len(tokens) != len(hypothesis.token_ids):
        raise ModelAnswerError("the model's tokens do not make a text")
    attention = None
    if hypothesis.attention is not None:
        attention = Attention(tokens, source, hypothesis.attention)
    ended = is_ended(hypothesis.token_ids)
    return Hypothesis(
        text=text,
        score=hypothesis.score,
        tokens=tokens,
        finish_reason=FinishReason.END if ended else FinishReason.LENGTH,
        attention=attention,
        rank_score=hypothesis.rank,
    )


async def _add_heads(
    results: Sequence[TextResult],
    version: LoadedVersion,
    *,
    call: GenerateCall,
    batcher: Batcher,
    stopwatch: Stopwatch,
) -> list[TextResult]:
    """One more pass: scores the outputs just made, which shows every head at once."""
    pairs = [(result, hypothesis) for result in results for hypothesis in result.hypotheses]
    answers = await run_rows(
        batcher,
        score_target(version, AttentionLevel.HEADS),
        [score_inputs(_ids(result.source_tokens), _ids(h.tokens)) for result, h in pairs],
        call=call,
        stopwatch=stopwatch,
        is_admitted=True,
    )
    with_heads = iter(
        [
            _with_heads(hypothesis, answer, version)
            for (_, hypothesis), answer in zip(pairs, answers, strict=True)
        ]
    )
    return [
        dataclasses.replace(result, hypotheses=tuple(next(with_heads) for _ in result.hypotheses))
        for result in results
    ]


def _with_heads(hypothesis: Hypothesis, answer: RowAnswer, version: LoadedVersion) -> Hypothesis:
    attention = hypothesis.attention
    if attention is None:
        return hypothesis
    score = read_score(
        answer.outputs,
        target_length=len(hypothesis.tokens),
        source_length=len(attention.source_tokens),
        contract=version.contract,
    )
    return dataclasses.replace(
        hypothesis, attention=dataclasses.replace(attention, heads=score.heads)
    )


def _ids(tokens: Sequence[Token]) -> list[int]:
    return [token.id for token in tokens]
