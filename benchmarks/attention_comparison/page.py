"""The page about a comparison, which is made of its figures alone."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from benchmarks.attention_comparison.observations import observations
from benchmarks.attention_comparison.results import Comparison, Conditions, StudyResults
from benchmarks.attention_comparison.studies import STUDIES, Study
from benchmarks.attention_comparison.tables import changes_table, results_table

PAGE: Final = "attention-compared.md"
IMAGES: Final = "images/attention-compared"
FIGURES: Final = f"{IMAGES}/figures.json"

_HEAD: Final = f"""\
# Attention compared

Heed's [attention mechanisms](attention.md), each trained under the same small budget: the same
number of updates, on the same batches in the same order, with widths alike.
`benchmarks/attention_comparison` trained, measured, and wrote this page; its sentences are made
from [its figures]({FIGURES}).

A small budget tells how quickly a mechanism learns and what it costs. It does not tell where it
would end: rates, widths and dropout were tuned for none of them, and hours of training may
change every order below.
"""
_HOW: Final = """\
## How it is measured

* **The budget** is updates, batches and widths; parameters and time then differ, as the tables
  say. The recurrent models have one layer a side, the Transformer two, and a learning rate of
  its own; rows say all that they change.
* **Quality** on the whole of dev, by greedy search, with the last weights.
* **Alignment error** is that of [training](training.md#guided-alignment): the right output is
  given, each of its tokens is linked with the source token of the most attention, and only
  tokens whose link is known count. A recurrent encoder's vectors know their neighbours, so a
  model may look beside the right place and still read what it needs: this measures whether
  attention can be read as an alignment, and not whether the model is good. Of the Transformer it
  is the mean over the heads of the layer that [answers show](transformer.md).
* **Pictures** show the weights of the first seed. Those of the local kinds need not sum to
  1 ([what weights mean](attention.md#what-the-weights-mean)).
* **Update** is the processor time of one change of the weights, by a batch of the most frequent
  shape; **answer** that of greedy search on the exported graph for batches of 32, where every
  model makes as many steps. Mechanisms take turns, and the median counts. Both are given as
  multiples of the first row; where the machine had other work, a tenth more or less is noise.
* **Several seeds**: the mean, and in brackets the least and the most.
"""
_AGAIN: Final = """\
## Repeat it

```bash
make compare-attention
```

takes what has been trained already as it is. `python -m benchmarks.attention_comparison --help`
tells how to choose mechanisms, seeds and data; data that does not come with Heed has to be
named.
"""


def page(comparison: Comparison) -> str:
    """The page in Markdown."""
    sections = [_section(study, results) for study, results in _in_order(comparison)]
    settings = [_settings(study, results) for study, results in _in_order(comparison)]
    return "\n".join([_HEAD, *sections, _HOW, *settings, _AGAIN])


def picture_path(study: Study) -> str:
    """Where a study's picture lies, from the page."""
    return f"{IMAGES}/{study.name}.png"


def write_page(comparison: Comparison, docs: Path) -> None:
    """Writes the page, its figures and its pictures.

    Args:
        comparison: What was measured.
        docs: The folder of the documentation.

    Raises:
        RunError: A file cannot be written.
        PlotError: A picture cannot be written.
    """
    from benchmarks.attention_comparison.pictures import attention_grid, attention_strips
    from benchmarks.attention_comparison.results import write_value
    from heed.views.picture import save_picture
    from model_export.runs.training_run import write_atomically

    write_value(docs / FIGURES, comparison)
    for study, results in _in_order(comparison):
        draw = attention_grid if study.output else attention_strips
        save_picture(draw(results.rows, study.title), docs / picture_path(study))
    write_atomically(docs / PAGE, page(comparison).encode())


def _in_order(comparison: Comparison) -> list[tuple[Study, StudyResults]]:
    return [
        (study, comparison.studies[name])
        for name, study in STUDIES.items()
        if name in comparison.studies
    ]


def _section(study: Study, results: StudyResults) -> str:
    return "\n".join(
        [
            f"## {study.title}\n",
            f"{study.about}\n",
            f"{_conditions(results.conditions, results.rows[0].runs)}\n",
            results_table(study, results),
            *(f"* {sentence}" for sentence in observations(study, results)),
            "",
            f"![{_described(study)}]({picture_path(study)})\n",
            f"{_caption(study)}\n",
        ]
    )


def _conditions(conditions: Conditions, runs: Sequence[object]) -> str:
    seeds = "one seed" if len(runs) == 1 else f"{len(runs)} seeds"
    return (
        f"{conditions.updates:,} updates by batches of {conditions.batch}, "
        f"{conditions.train_count:,} training examples, {conditions.dev_count:,} of dev, {seeds}; "
        f"{conditions.date}, {conditions.machine}: `{conditions.command}`."
    )


def _described(study: Study) -> str:
    what = "A map of attention" if study.output else "A line of attention weights"
    return f"{what} for each row of the table"


def _caption(study: Study) -> str:
    if not study.output:
        return f'What each looks at in "{study.text}".'
    framed = " Framed: what is known to belong together." if study.has_truth else ""
    return (
        f'Where each looks in "{study.text}" (across) while it is given "{study.output}" (down).'
        f"{framed}"
    )


def _settings(study: Study, results: StudyResults) -> str:
    common = ", ".join(f"`{change}`" for change in study.changes)
    recipe = study.recipe if not study.recipe.endswith(".yaml") else Path(study.recipe).name
    return (
        f"### {study.title}: settings\n\n"
        f"Recipe `{recipe}` with {common}, and:\n\n"
        f"{changes_table(results)}"
    )
