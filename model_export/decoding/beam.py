"""Beam search: the best of many hypotheses that are followed at once."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import tensorflow as tf

from heed.contract import SPECIAL_IDS
from model_export.decoding.bounded import beam_bound, step_bound
from model_export.decoding.candidates import Candidates, best_candidates, choosable_logits
from model_export.decoding.finished import Finished, best_of, none_finished
from model_export.decoding.hypotheses import RankedHypotheses
from model_export.decoding.nests import shape_invariants
from model_export.decoding.options import BeamOptions, DecodingOptions
from model_export.decoding.penalties import coverage_penalties, length_penalties
from model_export.decoding.picking import limited_steps
from model_export.decoding.repeated_ngrams import NgramHistory, new_history, with_tokens
from model_export.decoding.step_model import StepModel, average_attention
from model_export.decoding.stepping import encode_for_beams, reordered, room_of, run_steps
from model_export.decoding.trace import Trace, new_trace, trace_back


class _Open(NamedTuple):
    """The K hypotheses of each row that go on.

    Attributes:
        scores: Sum of their tokens' log-probabilities, float32 [B, K], descending; -inf = none.
        last_tokens: int32 [B, K].
        state: The model's, with B * K rows.
        coverage: Attention so far, float32 [B, K, S]; S is 0 in a batch without its penalty.
        history: For rows that must not repeat themselves.
    """

    scores: tf.Tensor
    last_tokens: tf.Tensor
    state: Any
    coverage: tf.Tensor
    history: NgramHistory


class _Loop(NamedTuple):
    """What the loop carries."""

    step: tf.Tensor
    is_done: tf.Tensor
    open: _Open
    finished: Finished
    trace: Trace


class _Rows(NamedTuple):
    """What stays the same.

    Attributes:
        limits: Lengths and forced tokens.
        beam: The options of each row's beam.
        source_mask: Real source tokens, bool [B, S].
        is_place: The places that a row's own width gives it, bool [B, K]; the others stay empty.
        limited: From which step on no row has a prefix or is too short to end, int32 scalar.
    """

    limits: DecodingOptions
    beam: BeamOptions
    source_mask: tf.Tensor
    is_place: tf.Tensor
    limited: tf.Tensor


def beam_search(
    model: StepModel,
    tokens: tf.Tensor,
    *,
    lengths: tf.Tensor,
    options: tuple[DecodingOptions, BeamOptions],
    attention_layers: Sequence[int],
) -> RankedHypotheses:
    """Decodes a batch, in the graph or eagerly, until no row can find anything better.

        rank(Y) = log p(Y | x) / lp(Y) + cp(x; Y)      Wu et al. 2016, equation 14

    Open hypotheses are ordered by log p. Of their continuations, the K best that do not end go
    on; an end token among the K best of all finishes a hypothesis, and so does the longest
    length. The K finished ones of highest rank are kept. A row is done when no open hypothesis
    can outrank the last of them: log p only falls, cp is at most 0, and lp is largest at the
    longest length. With K = 1 and no penalty that is greedy search.

    A batch has as many places for hypotheses as its widest row; each row fills its own K of them.

    Args:
        model: Scores the next token.
        tokens: Source ids, int32 [B, S]. B may be 0; S is 1 or more.
        lengths: Real tokens of each source, int32 [B], 1 to S.
        options: Limits and forced tokens of each row, and the options of its beam.
        attention_layers: Layers that the attention averages, indices into L.

    Returns:
        RankedHypotheses; behind a row's own K the places are empty. A row does not depend on the
        others.
    """
    limits, beam = options
    bound = step_bound(model)
    width = beam_bound(model) or tf.reduce_max(tf.concat([beam.beam_width, [1]], axis=0))
    is_place = tf.range(width) < beam.beam_width[:, tf.newaxis]
    mask = model.source_mask(tokens, lengths)
    rows = _Rows(limits, beam, mask, is_place, limited_steps(limits))
    first_state, memory = encode_for_beams(model, tokens, lengths, width)

    def body(loop: _Loop) -> _Loop:
        last_tokens = tf.reshape(loop.open.last_tokens, [-1])
        output = model.decode_step(last_tokens, loop.open.state, memory)
        attention = _by_row(average_attention(output.attention_heads, attention_layers), width)
        advanced, parents = _advance(loop, _by_row(output.logits, width), attention, rows)
        return _with_state(advanced, reordered(model, output.state, parents))

    start = _start(rows, first_state, width, bound)
    loop = run_steps(
        start,
        is_going=lambda loop: (loop.step == 0) | ~tf.reduce_all(loop.is_done),
        body=body,
        invariants=_invariants(start),
        room=room_of(model, memory, state_of=lambda loop: loop.open.state, with_state=_with_state),
    )
    return trace_back(loop.trace, loop.finished, bound)


def _with_state(loop: _Loop, state: Any) -> _Loop:
    return loop._replace(open=loop.open._replace(state=state))


def _by_row(tensor: tf.Tensor, width: tf.Tensor) -> tf.Tensor:
    """[B * K, X] to [B, K, X]."""
    shape = tf.shape(tensor)
    size = shape[1] if tensor.shape[1] is None else tensor.shape[1]
    return tf.reshape(tensor, tf.stack([shape[0] // width, width, size]))


def _start(rows: _Rows, state: Any, width: tf.Tensor | int, bound: int | None) -> _Loop:
    """One open hypothesis per row, the empty one, in the first of K places."""
    row_count, source_width = tf.unstack(tf.shape(rows.source_mask))
    shape = tf.stack([row_count, width])
    covered, remembered = source_width, bound
    if bound is None:
        covered = tf.where(tf.reduce_any(rows.beam.coverage_penalty > 0), source_width, 0)
        most = tf.reduce_max(tf.concat([rows.limits.max_lengths, [1]], axis=0))
        remembered = tf.where(tf.reduce_any(rows.beam.no_repeat_ngram > 0), most, 0)
    first = tf.where(tf.range(width) == 0, 0.0, -math.inf)
    return _Loop(
        step=tf.constant(0),
        is_done=tf.zeros([row_count], tf.bool),
        open=_Open(
            scores=tf.broadcast_to(first, shape),
            last_tokens=tf.fill(shape, SPECIAL_IDS.begin),
            state=state,
            coverage=tf.zeros(tf.stack([row_count, width, covered])),
            history=new_history(shape, remembered),
        ),
        finished=none_finished(shape),
        trace=new_trace(bound),
    )


def _invariants(start: _Loop) -> _Loop:
    per_row, pairs, triples = (tf.TensorShape([None] * rank) for rank in (1, 2, 3))
    array = tf.TensorShape(None)
    return _Loop(
        step=tf.TensorShape([]),
        is_done=per_row,
        open=_Open(
            scores=pairs,
            last_tokens=pairs,
            state=shape_invariants(start.open.state),
            coverage=triples,
            history=NgramHistory(triples, triples),
        ),
        finished=Finished(pairs, pairs, pairs, pairs, pairs),
        trace=Trace(array, array, array, array),
    )


def _advance(
    loop: _Loop, logits: tf.Tensor, attention: tf.Tensor, rows: _Rows
) -> tuple[_Loop, tf.Tensor]:
    """One step: logits float32 [B, K, V] and attention float32 [B, K, S] of what is open.

    Returns:
        What the loop carries on, but for the model's state, and whom each hypothesis continues
        there, int32 [B * K].
    """
    width = tf.shape(logits)[1]
    choosable = choosable_logits(
        logits,
        loop.step,
        rows.limits,
        history=loop.open.history,
        no_repeat_ngram=rows.beam.no_repeat_ngram,
        limited=rows.limited,
    )
    candidates = best_candidates(logits, loop.open.scores, choosable)
    coverage = loop.open.coverage + attention[:, :, : tf.shape(loop.open.coverage)[2]]
    best = Candidates(*(field[:, :width] for field in candidates))
    generated = loop.step + 1
    is_longest = (generated >= rows.limits.max_lengths)[:, tf.newaxis]
    ends = rows.is_place & ((best.tokens == SPECIAL_IDS.end) | is_longest)
    ranks = tf.where(ends, _ranks(best, generated, coverage, rows), -math.inf)
    new = _as_finished(best, ranks, generated)
    finished = best_of(loop.finished, new, is_place=rows.is_place)
    going_on, places = _going_on(candidates, is_longest, rows.is_place)
    is_done = _is_done(going_on, finished, is_longest[:, 0], rows)
    open_scores = tf.where(is_done[:, tf.newaxis], -math.inf, going_on.scores)
    advanced = _Loop(
        step=generated,
        is_done=is_done,
        open=_Open(
            scores=open_scores,
            last_tokens=going_on.tokens,
            state=loop.open.state,
            coverage=tf.gather(coverage, going_on.parents, batch_dims=1),
            history=with_tokens(loop.open.history, going_on.parents, going_on.tokens, loop.step),
        ),
        finished=finished,
        trace=_noted(loop, going_on, attention),
    )
    return advanced, tf.reshape(going_on.parents + places, [-1])


def _ranks(best: Candidates, generated: tf.Tensor, coverage: tf.Tensor, rows: _Rows) -> tf.Tensor:
    """The penalised scores of candidates if they were finished, float32 [B, K]."""
    alpha = rows.beam.length_penalty[:, tf.newaxis]
    ranks = best.scores / length_penalties(generated, alpha)

    def with_coverage() -> tf.Tensor:
        penalties = coverage_penalties(coverage, rows.source_mask, rows.beam.coverage_penalty)
        return ranks + tf.gather(penalties, best.parents, batch_dims=1)

    return tf.cond(tf.shape(coverage)[2] > 0, with_coverage, lambda: ranks)


def _as_finished(best: Candidates, ranks: tf.Tensor, generated: tf.Tensor) -> Finished:
    return Finished(
        ranks=ranks,
        lengths=tf.fill(tf.shape(ranks), generated),
        parents=best.parents,
        tokens=best.tokens,
        token_scores=best.token_scores,
    )


def _going_on(
    candidates: Candidates, is_longest: tf.Tensor, is_place: tf.Tensor
) -> tuple[Candidates, tf.Tensor]:
    """The K best that do not end, and the first place of their row among B * K, int32 [B, 1]."""
    width = tf.shape(is_place)[1]
    ends = (candidates.tokens == SPECIAL_IDS.end) | is_longest
    scores, order = tf.math.top_k(tf.where(ends, -math.inf, candidates.scores), width)
    chosen = Candidates(*(tf.gather(field, order, batch_dims=1) for field in candidates))
    places = tf.range(tf.shape(scores)[0])[:, tf.newaxis] * width
    return chosen._replace(scores=tf.where(is_place, scores, -math.inf)), places


def _is_done(
    going_on: Candidates, finished: Finished, is_longest: tf.Tensor, rows: _Rows
) -> tf.Tensor:
    """Whether no open hypothesis can outrank the last of K finished ones, bool [B]."""
    largest = length_penalties(rows.limits.max_lengths, rows.beam.length_penalty)
    last = tf.gather(finished.ranks, rows.beam.beam_width - 1, batch_dims=1)
    return is_longest | (last >= going_on.scores[:, 0] / largest)


def _noted(loop: _Loop, going_on: Candidates, attention: tf.Tensor) -> Trace:
    trace, step = loop.trace, loop.step
    return Trace(
        tokens=trace.tokens.write(step, going_on.tokens),
        parents=trace.parents.write(step, going_on.parents),
        token_scores=trace.token_scores.write(step, going_on.token_scores),
        attention=trace.attention.write(step, attention),
    )
