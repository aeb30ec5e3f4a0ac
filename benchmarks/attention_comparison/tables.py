"""The tables of a comparison, in Markdown."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.attention_comparison.results import Row, StudyResults, Times
from benchmarks.attention_comparison.studies import Measure, Study

NOT_MEASURED = "–"


def results_table(study: Study, results: StudyResults) -> str:
    """A row for each mechanism: how large it is, how good, and what it costs.

    Of several seeds the mean, and in brackets the least and the most. Times are relative to those
    of the first row; without any there are no such columns.
    """
    first = results.rows[0].times
    times = ["update, time", "answer, time"] if first is not None else []
    titles = [
        "attention",
        "parameters",
        *(f"{measure.title}{', %' if measure.is_share else ''}" for measure in study.measures),
        *times,
    ]
    lines = [_line(titles), _line(["---", *["---:"] * (len(titles) - 1)])]
    for row in results.rows:
        figures = [shown_values(row.values(measure.name), measure) for measure in study.measures]
        lines.append(
            _line([row.shown, f"{row.runs[0].parameters:,}", *figures, *_ratios(row.times, first)])
        )
    return "\n".join(lines) + "\n"


def changes_table(results: StudyResults) -> str:
    """What each row changes of the recipe."""
    rows = (
        _line([row.shown, ", ".join(f"`{change}`" for change in row.changes)])
        for row in results.rows
    )
    return (
        "\n".join([_line(["attention", "changes of the recipe"]), _line(["---"] * 2), *rows]) + "\n"
    )


def shown_values(values: Sequence[float], measure: Measure) -> str:
    """The mean of some seeds, with the least and the most if there are several."""
    if not values:
        return NOT_MEASURED
    mean = shown_value(sum(values) / len(values), measure)
    if len(values) == 1:
        return mean
    return f"{mean} ({shown_value(min(values), measure)} to {shown_value(max(values), measure)})"


def shown_value(value: float, measure: Measure) -> str:
    """One value with a digit behind the point; shares in percent, without the sign."""
    return f"{100 * value if measure.is_share else value:.1f}"


def _ratios(times: Times | None, first: Times | None) -> list[str]:
    if first is None:
        return []
    if times is None:
        return [NOT_MEASURED] * 2
    return [f"{times.update_s / first.update_s:.2f}", f"{times.answer_s / first.answer_s:.2f}"]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def best_first(rows: Sequence[Row], measure: Measure) -> list[tuple[float, Row]]:
    """The rows that have a measure with its mean, the best first."""
    known = [(mean, row) for row in rows if (mean := row.mean(measure.name)) is not None]
    return sorted(known, key=lambda item: item[0], reverse=not measure.lower_is_better)
