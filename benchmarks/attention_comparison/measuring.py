"""What a finished training came to."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.attention_comparison.anchors import (
    anchor_links,
    linked_error,
    straight_line,
    with_anchors,
)
from benchmarks.attention_comparison.order_data import links_of
from benchmarks.attention_comparison.results import (
    Reading,
    RunFacts,
    read_value,
    rounded,
    write_value,
)
from benchmarks.attention_comparison.studies import Study
from benchmarks.attention_comparison.training import Plan
from heed.text import TextToken
from model_export.config import LinkUnit
from model_export.data.examples import Example
from model_export.data.load import load_examples
from model_export.errors import RunError
from model_export.evaluation.evaluate import aligner_of, label_decoder_of
from model_export.evaluation.report.reading import Reader, label
from model_export.runs.training_run import TrainingRun

ALIGNMENT_ERROR: Final = "dev.alignment_error_rate"
_FACTS_FILE: Final = "comparison-facts.json"


def facts_of(plan: Plan, dev: Sequence[Example]) -> dict[tuple[str, int], RunFacts]:
    """What every training of a plan came to, by mechanism and seed; kept with the run.

    Args:
        plan: Whose trainings are finished.
        dev: The examples that judge.

    Raises:
        RunError: A training is not finished or damaged, or a file cannot be read or written.
    """
    facts = {}
    for mechanism, seed in plan.trainings:
        path = plan.run_folder(mechanism, seed) / _FACTS_FILE
        known = read_value(path, RunFacts)
        if known is None:
            known = _measured(plan.study, plan.run_folder(mechanism, seed), seed=seed, dev=dev)
            write_value(path, known)
        facts[mechanism.key, seed] = known
    return facts


def dev_examples(plan: Plan) -> tuple[Example, ...]:
    """The examples that judge a plan's models.

    Raises:
        DataError: The data is missing or unreadable.
    """
    recipe = plan.recipe(plan.mechanisms[0], plan.seeds[0])
    return load_examples(recipe.data, plan.data_dir).dev


def straight_line_error(study: Study, dev: Sequence[Example]) -> float | None:
    """The alignment error of a straight line; None where no truth is known."""
    examples = _linked(study, dev)
    if not examples:
        return None
    lines = [straight_line(*_lengths(study, example)) for example in examples]
    return linked_error(lines, [example.links or () for example in examples])


def _linked(study: Study, dev: Sequence[Example]) -> list[Example]:
    if study.is_anchored:
        return with_anchors(dev)
    return [example for example in dev if example.links]


def _lengths(study: Study, example: Example) -> tuple[int, int]:
    source = example.source if study.is_anchored else example.source.split()
    return len(source), len(example.references[0].split())


def _measured(study: Study, folder: Path, *, seed: int, dev: Sequence[Example]) -> RunFacts:
    run = TrainingRun.load(folder)
    figures = {name: value for name, value in run.metrics.items() if math.isfinite(value)}
    if study.is_anchored:
        aligner = aligner_of(run, LinkUnit.PIECE)
        figures[ALIGNMENT_ERROR] = linked_error(*aligner.alignments(with_anchors(dev)))
    return RunFacts(
        seed=seed,
        parameters=run.model.count_params(),
        figures=figures,
        reading=_label_reading(run, study.text) if run.labels else _reading(run, study),
    )


def _reading(run: TrainingRun, study: Study) -> Reading:
    found = next(Reader(run).read([(study.text, study.output)]))
    if found is None:
        raise RunError(f"{run.path}: the model cannot hold {study.text!r}")
    links: Sequence[tuple[int, int]] = ()
    if study.is_anchored:
        links = [(link.source, link.target) for link in anchor_links(study.text, study.output)]
    elif study.is_made_here:
        links = links_of(study.text)
    return Reading(
        rows=found.rows,
        columns=found.columns,
        weights=rounded(found.weights.tolist()),
        links=tuple(links),
    )


def _label_reading(run: TrainingRun, text: str) -> Reading:
    """The weight of every token; of several hops the mean, and each."""
    decoder = label_decoder_of(run)
    (output,), (hops,) = decoder.decode([text]), decoder.heads([text])
    each = {f"hop {place}": hop for place, hop in enumerate(hops, start=1)}
    rows = {"mean": output.attention, **each} if len(hops) > 1 else {"": output.attention}
    return Reading(
        rows=tuple(rows),
        columns=tuple(_shown(token) for token in output.tokens),
        weights=rounded([row.tolist() for row in rows.values()]),
    )


def _shown(token: TextToken) -> str:
    return label(token).strip("␣") or "␣"
