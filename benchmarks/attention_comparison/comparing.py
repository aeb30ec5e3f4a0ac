"""A study from the first training to its place on the page."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.attention_comparison.measuring import dev_examples, facts_of, straight_line_error
from benchmarks.attention_comparison.page import FIGURES, write_page
from benchmarks.attention_comparison.results import (
    Comparison,
    Conditions,
    Row,
    RunFacts,
    StudyResults,
    Times,
    read_value,
)
from benchmarks.attention_comparison.studies import Mechanism, Study, TimesWanted
from benchmarks.attention_comparison.timing import times_of
from benchmarks.attention_comparison.training import Plan, prepare_study, train_all
from loadtest.machine import this_machine
from model_export.data.examples import Example
from model_export.errors import RunError
from model_export.training.stop import StopRequest


def plan_of(
    study: Study,
    mechanisms: tuple[Mechanism, ...],
    *,
    seeds: tuple[int, ...],
    out: Path,
    data_dir: Path | None,
    overrides: Sequence[str],
) -> Plan:
    """What a study trains, below the folder `out`; its data is made if it is made here.

    Raises:
        RunError: The data cannot be written.
    """
    folder = out / study.name
    data_dir = prepare_study(study, folder, data_dir)
    return Plan(study, mechanisms, seeds, folder, data_dir=data_dir, overrides=tuple(overrides))


def compare(
    plan: Plan,
    docs: Path,
    *,
    command: Callable[[Sequence[str]], str],
    times: TimesWanted = TimesWanted.ONCE,
) -> int | None:
    """Trains, measures, and puts the results on the page, beside those of other studies.

    Rows of the study that are on the page and were not asked for stay there.

    Args:
        plan: What to compare.
        docs: The folder of the documentation.
        command: What repeats a table of such rows, for the page.
        times: Whether to measure what updates and answers cost.

    Returns:
        None when it is done; 128 + signal when it was asked to stop while it trained.

    Raises:
        RecipeError: A change of a recipe is wrong.
        RunError: The page's rows of the study were made under another budget, or a file is not as
            it should be.
        ModelExportError: Data or a folder is not as it should be.
    """
    before = _results_there(plan, docs)  # what cannot be read or joined comes to light at once
    known = {"command": command(_keys(before)), "machine": _machine()} if before else {}
    rows_beside(plan, before, known)
    with StopRequest() as stop:
        if not train_all(plan, stop):
            return stop.exit_status or 1
    dev = dev_examples(plan)
    facts = facts_of(plan, dev)
    measured: dict[str, Times] = {}
    if times is not TimesWanted.NONE:
        measured = times_of(plan, dev, again=times is TimesWanted.AGAIN)
    rows = tuple(_row(plan, mechanism, facts, measured) for mechanism in plan.mechanisms)
    conditions = _conditions(plan, rows, dev)
    before = _results_there(plan, docs)
    same = conditions.model_dump(exclude={"date", "command"})
    kept = rows_beside(plan, before, same)
    by_key = {row.key: row for row in (*kept, *rows)}
    rows = tuple(by_key[item.key] for item in plan.study.mechanisms if item.key in by_key)
    conditions = conditions.model_copy(update={"command": command(tuple(by_key))})
    results = StudyResults(conditions=conditions, rows=rows)
    others = read_value(docs / FIGURES, Comparison) or Comparison()
    write_page(Comparison(studies={**others.studies, plan.study.name: results}), docs)
    return None


def rows_beside(
    plan: Plan, before: StudyResults | None, conditions: Mapping[str, object]
) -> tuple[Row, ...]:
    """The rows of a table that stay when a plan's rows join it; none where the plan has all.

    Args:
        plan: What is compared now.
        before: The table there; None if there is none.
        conditions: What is known of the plan's, by field of `Conditions`.

    Raises:
        RunError: The table was made under other conditions.
    """
    if before is None:
        return ()
    new = {item.key for item in plan.mechanisms}
    staying = {item.key for item in plan.study.mechanisms} - new
    kept = tuple(row for row in before.rows if row.key in staying)
    for name, now in conditions.items():
        there = getattr(before.conditions, name)
        if kept and there != now:
            raise RunError(
                f"the page's table of {plan.study.name} was made under other conditions ({name}: "
                f"{there!r} there, {now!r} now): choose another --docs, or leave --mechanisms out"
            )
    return kept


def _results_there(plan: Plan, docs: Path) -> StudyResults | None:
    comparison = read_value(docs / FIGURES, Comparison) or Comparison()
    return comparison.studies.get(plan.study.name)


def _keys(results: StudyResults) -> tuple[str, ...]:
    return tuple(row.key for row in results.rows)


def _conditions(plan: Plan, rows: Sequence[Row], dev: Sequence[Example]) -> Conditions:
    """Under what these rows were made; what repeats them is still left open."""
    first = rows[0].runs[0].figures
    return Conditions(
        date=datetime.now(UTC).date().isoformat(),
        command="",
        machine=_machine(),
        updates=round(first["training.steps"]),
        batch=plan.recipe(plan.mechanisms[0], plan.seeds[0]).training.batch_size,
        train_count=round(first["training.pairs"]),
        dev_count=len(dev),
        straight_line_error=straight_line_error(plan.study, dev),
    )


def _row(
    plan: Plan,
    mechanism: Mechanism,
    facts: dict[tuple[str, int], RunFacts],
    times: dict[str, Times],
) -> Row:
    return Row(
        key=mechanism.key,
        title=mechanism.title,
        changes=mechanism.changes,
        runs=tuple(facts[mechanism.key, seed] for seed in plan.seeds),
        times=times.get(mechanism.key),
    )


def _machine() -> str:
    machine = this_machine()
    threads = os.environ.get("TF_NUM_INTRAOP_THREADS")
    limit = f", {threads} for an operation" if threads else ""
    return f"{machine.processor}, {machine.processor_count} threads{limit}"
