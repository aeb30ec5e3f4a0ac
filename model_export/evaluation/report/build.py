"""The report as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from pathlib import Path
from typing import Final

import numpy as np

from heed.figures.markup import element, escaped
from model_export.data.examples import take_evenly
from model_export.data.pictures import Picture
from model_export.evaluation.alignment import alignment_counts
from model_export.evaluation.classification import ClassificationMetrics
from model_export.evaluation.evaluate import Judgement, aligner_of, label_decoder_of
from model_export.evaluation.report import page
from model_export.evaluation.report.attention import (
    HeadWords,
    alignment_note,
    attention_section,
    heads_of_example,
)
from model_export.evaluation.report.confusions import calibration_section, confusion_section
from model_export.evaluation.report.examples import (
    attention_map,
    best_and_worst,
    examples_section,
    painted_source,
)
from model_export.evaluation.report.head_statistics import head_statistics
from model_export.evaluation.report.lengths import source_lengths
from model_export.evaluation.report.measures import FloatArray, Measure
from model_export.evaluation.report.picture_examples import heads_of_picture, picture_maps
from model_export.evaluation.report.picture_reading import PictureReader, PictureReading
from model_export.evaluation.report.quality import (
    lengths_section,
    quality_section,
    training_section,
)
from model_export.evaluation.report.reading import Reader, Reading
from model_export.evaluation.report.task_measures import TaskMeasures, task_measures
from model_export.runs.training_run import TrainingRun, write_atomically

ATTENTION_EXAMPLES: Final = 300
"""So many examples, at most, are looked at for the statistics of heads."""
_FOOTER: Final = (
    "Written by heed evaluate --report. The page needs no network, holds no scripts, and follows "
    "the light or dark setting of the reader."
)

Sections = list[tuple[str, str]]


def write_report(judgement: Judgement, path: Path) -> None:
    """Writes a page about a model.

    Args:
        judgement: What the model said, and how good that is.
        path: The page; its folder exists.

    Raises:
        RunError: The page cannot be written.
    """
    write_atomically(path, report(judgement).encode())


def report(judgement: Judgement) -> str:
    """A page about a model; the same judgement always makes the same page."""
    quality = task_measures(judgement)
    alignment = _alignment_measure(judgement)
    chosen = best_and_worst(quality.qualities, source_lengths(judgement))
    first = quality_section(judgement, quality, alignment)
    if alignment is not None:
        first += alignment_note(alignment.name)
    sections: Sections = [("Quality", first), ("Length", lengths_section(judgement, quality))]
    sections += _sections_of_kind(judgement, quality, chosen)
    training = training_section(judgement.run)
    if training:
        sections.append(("Training", training))
    recipe = judgement.run.recipe
    title = f"{recipe.name}, on {judgement.split}"
    return page.document(title, _heading(judgement), sections, escaped(_FOOTER))


def _sections_of_kind(
    judgement: Judgement, quality: TaskMeasures, chosen: tuple[Sequence[int], Sequence[int]]
) -> Sections:
    if judgement.label_outputs:
        return _label_sections(judgement, quality, chosen)
    if any(example.picture is not None for example in judgement.examples):
        return _picture_sections(judgement, quality, chosen)
    return _text_sections(judgement, quality, chosen)


def _text_sections(
    judgement: Judgement, quality: TaskMeasures, chosen: tuple[Sequence[int], Sequence[int]]
) -> Sections:
    reader = Reader(judgement.run)
    sample = take_evenly(range(len(judgement.outputs)), ATTENTION_EXAMPLES)
    taken = [reading for reading in _read(reader, judgement, sample) if reading is not None]
    indices = [index for group in chosen for index in group]
    readings = dict(zip(indices, _read(reader, judgement, indices), strict=True))

    def attention(index: int) -> str:
        return attention_map(readings[index])

    shown = examples_section(judgement, quality, chosen=chosen, attention=attention)
    sections: Sections = [("Examples", shown)]
    if taken:
        layers = judgement.run.recipe.seq2seq_model.attention_layers
        content = attention_section(
            head_statistics(reading.heads_of_text for reading in taken),
            layers,
            words=HeadWords(),
            example=heads_of_example(_middle(taken), layers),
        )
        sections.append(("Attention, head by head", content))
    return sections


def _picture_sections(
    judgement: Judgement, quality: TaskMeasures, chosen: tuple[Sequence[int], Sequence[int]]
) -> Sections:
    run, pictures = judgement.run, _pictures(judgement)
    model = run.recipe.picture_model
    reader = PictureReader(run)
    sample = take_evenly(range(len(pictures)), ATTENTION_EXAMPLES)
    indices = [*sample, *(index for group in chosen for index in group)]
    pairs = [(pictures[index], judgement.outputs[index]) for index in indices]
    readings = dict(zip(indices, reader.read(pairs), strict=True))

    def shown(index: int) -> str:
        return picture_maps(pictures[index], readings[index], model.image)

    content = examples_section(judgement, quality, chosen=chosen, attention=shown)
    sections: Sections = [("Examples", content)]
    taken = {index: reading for index in sample if (reading := readings[index]) is not None}
    if taken:
        middle = _middle_index(taken)
        content = attention_section(
            head_statistics((one.heads_of_text for one in taken.values()), is_diagonal=False),
            model.attention_layers,
            words=HeadWords(place="place", whole="picture"),
            example=heads_of_picture(
                pictures[middle], taken[middle], image=model.image, layers=model.attention_layers
            ),
        )
        sections.append(("Attention, head by head", content))
    return sections


def _pictures(judgement: Judgement) -> list[Picture]:
    return [each.picture for each in judgement.examples if each.picture is not None]


def _middle_index(readings: dict[int, PictureReading]) -> int:
    """One of middling length."""
    order = sorted(readings, key=lambda index: len(readings[index].rows))
    return order[len(order) // 2]


def _label_sections(
    judgement: Judgement, quality: TaskMeasures, chosen: tuple[Sequence[int], Sequence[int]]
) -> Sections:
    right = [example.references[0] for example in judgement.examples]
    sections: Sections = []
    if isinstance(judgement.metrics, ClassificationMetrics):
        sections.append(("Labels", confusion_section(judgement.metrics)))
    sections.append(("Certainty", calibration_section(judgement.label_outputs, right)))

    def attention(index: int) -> str:
        return painted_source(judgement, index)

    shown = examples_section(judgement, quality, chosen=chosen, attention=attention)
    sections.append(("Examples", shown))
    sample = take_evenly([example.source for example in judgement.examples], ATTENTION_EXAMPLES)
    heads = label_decoder_of(judgement.run).heads(sample)
    # One row for each hop: [N, S] to [L, N, T, S].
    statistics = head_statistics(
        (hops[np.newaxis, :, np.newaxis, :] for hops in heads), is_diagonal=False
    )
    layers = judgement.run.recipe.classifier_model.attention_layers[:1]
    words = HeadWords(column="hop", whole="text", writes=False)
    content = attention_section(statistics, layers, words=words, example="")
    sections.append(("Attention, hop by hop", content))
    return sections


def _read(reader: Reader, judgement: Judgement, indices: Sequence[int]) -> list[Reading | None]:
    pairs = [(judgement.examples[index].source, judgement.outputs[index]) for index in indices]
    return list(reader.read(pairs))


def _middle(readings: Sequence[Reading]) -> Reading:
    """One of middling length."""
    order = sorted(range(len(readings)), key=lambda place: len(readings[place].rows))
    return readings[order[len(order) // 2]]


def _alignment_measure(judgement: Judgement) -> Measure | None:
    """The alignment error, where links are known."""
    links = judgement.run.recipe.data.links
    if links is None:
        return None
    found, truth = aligner_of(judgement.run, links.unit).alignments(judgement.examples)
    if not found:
        return None
    statistics = np.array(alignment_counts(found, truth), np.float64)
    return Measure("alignment error rate", statistics, _error, higher_is_better=False)


def _error(sums: FloatArray) -> float:
    return float(1 - sums[0] / sums[1]) if sums[1] else 0.0


def _heading(judgement: Judgement) -> str:
    run = judgement.run
    recipe = run.recipe
    description = recipe.card.description
    shown = element("p", escaped(description)) if description else ""
    return shown + page.facts(
        [
            ("task", escaped(str(recipe.task))),
            ("model", escaped(f"{recipe.model.kind}, {run.model.count_params():,} parameters")),
            ("search", escaped(_search(judgement))),
            ("training", escaped(_training(run))),
            ("data", escaped(recipe.card.training_data)),
            ("licence of the data", escaped(recipe.card.training_data_license)),
            ("Heed", escaped(metadata.version("heed"))),
        ]
    )


def _search(judgement: Judgement) -> str:
    beam = judgement.beam
    if judgement.label_outputs:
        return ""
    if beam is None:
        return "greedy"
    penalty = f", length penalty {beam.length_penalty:g}" if beam.length_penalty else ""
    return f"beam of {beam.width}{penalty}"


def _training(run: TrainingRun) -> str:
    steps = run.metrics.get("training.steps")
    if steps is None:
        return ""
    best = run.metrics.get("training.best_step")
    return f"{steps:,.0f} steps" + ("" if best is None else f", the best at {best:,.0f}")
