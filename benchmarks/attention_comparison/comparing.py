"""A study from the first training to its place on the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
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
    plan: Plan, docs: Path, *, command: str, times: TimesWanted = TimesWanted.ONCE
) -> int | None:
    """Trains, measures, and puts the results on the page, beside those of other studies.

    Args:
        plan: What to compare.
        docs: The folder of the documentation.
        command: What repeats it, for the page.
        times: Whether to measure what updates and answers cost.

    Returns:
        None when it is done; 128 + signal when it was asked to stop while it trained.

    Raises:
        RecipeError: A change of a recipe is wrong.
        ModelExportError: Data or a folder is not as it should be.
    """
    read_value(docs / FIGURES, Comparison)  # a file that cannot be read comes to light at once
    with StopRequest() as stop:
        if not train_all(plan, stop):
            return stop.exit_status or 1
    dev = dev_examples(plan)
    facts = facts_of(plan, dev)
    measured: dict[str, Times] = {}
    if times is not TimesWanted.NONE:
        measured = times_of(plan, dev, again=times is TimesWanted.AGAIN)
    rows = tuple(_row(plan, mechanism, facts, measured) for mechanism in plan.mechanisms)
    first = rows[0].runs[0].figures
    conditions = Conditions(
        date=datetime.now(UTC).date().isoformat(),
        command=command,
        machine=_machine(),
        updates=round(first["training.steps"]),
        batch=plan.recipe(plan.mechanisms[0], plan.seeds[0]).training.batch_size,
        train_count=round(first["training.pairs"]),
        dev_count=len(dev),
        straight_line_error=straight_line_error(plan.study, dev),
    )
    results = StudyResults(conditions=conditions, rows=rows)
    before = read_value(docs / FIGURES, Comparison) or Comparison()
    write_page(Comparison(studies={**before.studies, plan.study.name: results}), docs)
    return None


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
