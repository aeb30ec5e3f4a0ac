"""What a table shows, in sentences that come from its figures alone."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Final

from benchmarks.attention_comparison.results import Row, StudyResults, Times
from benchmarks.attention_comparison.studies import Measure, Study
from benchmarks.attention_comparison.tables import best_first, shown_value

_ERRORS_APART: Final = 2.0
"""Standard errors of a difference below which two figures are not told apart."""
_MOST_NAMES: Final = 3


def observations(study: Study, results: StudyResults) -> list[str]:
    """Sentences in Markdown about a study, one row or more."""
    sentences = [_quality(study, results)]
    for measure in study.measures[1:]:
        if measure.name.endswith("alignment_error_rate"):
            sentences.append(_alignment(measure, results))
        elif measure.name.endswith("attention_on_marks"):
            sentences.append(_marks(measure, results))
    timed = [(row, row.times) for row in results.rows if row.times is not None]
    if len(timed) > 1:
        sentences.append(_costs(timed))
    return [sentence for sentence in sentences if sentence]


def standard_error(share: float, count: int) -> float:
    """The standard error of a share of so many independent examples, sqrt(p (1 - p) / n)."""
    return math.sqrt(share * (1 - share) / count)


def _quality(study: Study, results: StudyResults) -> str:
    measure = study.measures[0]
    ranked = best_first(results.rows, measure)
    if not ranked:
        return ""
    (best, first), (worst, last) = ranked[0], ranked[-1]
    unit = " %" if measure.is_share else ""
    text = f"Best by {measure.title}: {_equals(ranked)} ({shown_value(best, measure)}{unit})"
    if first is not last:
        text += f"; last: {last.shown} ({shown_value(worst, measure)}{unit})"
    text += "."
    if measure.is_share:
        text += _not_told_apart(study, results, ranked)
    return text


def _not_told_apart(
    study: Study, results: StudyResults, ranked: Sequence[tuple[float, Row]]
) -> str:
    """Which rows lie so close to the best that this many examples do not tell them apart."""
    best, count = ranked[0][0], results.conditions.dev_count
    error = standard_error(best, count)
    if not error:  # nothing, or everything, is right: the sample says no more
        return f" {count:,} {study.counted} judge."
    margin = _ERRORS_APART * math.sqrt(2) * error
    near = [row.shown for mean, row in ranked[1:] if abs(mean - best) <= margin]
    text = (
        f" {count:,} {study.counted} judge: the standard error of the best figure is "
        f"{100 * error:.1f} points, and within {100 * margin:.1f} points of it "
    )
    if not near:
        return text + "there is no other."
    verb = "lies" if len(near) == 1 else "lie"
    return text + f"{verb} {_joined(near)}."


def _alignment(measure: Measure, results: StudyResults) -> str:
    ranked = best_first(results.rows, measure)
    if not ranked:
        return ""
    (least, first), (most, last) = ranked[0], ranked[-1]
    text = (
        f"Attention is at the right place most often with {_equals(ranked)} "
        f"({shown_value(least, measure)} % alignment error)"
    )
    if first is not last:
        text += f", least often with {last.shown} ({shown_value(most, measure)} %)"
    text += "."
    straight = results.conditions.straight_line_error
    if straight is not None:
        worse = [row.shown for mean, row in ranked if mean > straight]
        text += f" A straight line from the first to the last token errs in {100 * straight:.1f} %"
        text += f"; further off than that: {_joined(worse)}." if worse else "; none is further off."
    return text


def _marks(measure: Measure, results: StudyResults) -> str:
    ranked = best_first(results.rows, measure)
    even = results.rows[0].mean("dev.marked_share")
    if not ranked or even is None:
        return ""
    (most, first), (least, last) = ranked[0], ranked[-1]
    return (
        f"Slots get {100 * least:.0f} % ({last.shown}) to {100 * most:.0f} % ({first.shown}) of "
        f"the attention; even attention would give them {100 * even:.0f} %."
    )


def _costs(timed: Sequence[tuple[Row, Times]]) -> str:
    _, reference = timed[0]
    update = _spread(timed, lambda times: times.update_s / reference.update_s)
    answer = _spread(timed, lambda times: times.answer_s / reference.answer_s)
    return f"An update takes {update} times that of {timed[0][0].shown}, an answer {answer}."


def _spread(timed: Sequence[tuple[Row, Times]], ratio: Callable[[Times], float]) -> str:
    ranked = sorted((ratio(times), row.shown) for row, times in timed)
    (least, quickest), (most, slowest) = ranked[0], ranked[-1]
    return f"{least:.2f} ({quickest}) to {most:.2f} ({slowest})"


def _equals(ranked: Sequence[tuple[float, Row]]) -> str:
    """The row at the head, with those that have the same figure; their number if they are many."""
    names = [row.shown for value, row in ranked if value == ranked[0][0]]
    return _joined(names) if len(names) <= _MOST_NAMES else f"{len(names)} of {len(ranked)} rows"


def _joined(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{'; '.join(names[:-1])} and {names[-1]}"
