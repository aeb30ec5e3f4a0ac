"""The evaluation of a finished run."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from model_export.config import LinkUnit
from model_export.data.examples import Example, Split
from model_export.data.load import load_examples
from model_export.errors import DataError, RunError
from model_export.evaluation.alignment import Aligner
from model_export.evaluation.classification import ClassificationMetrics
from model_export.evaluation.label_outputs import LabelDecoder, LabelOutput, label_metrics
from model_export.evaluation.metrics import Metrics, task_metrics, with_alignment
from model_export.evaluation.text_outputs import Beam, TextDecoder
from model_export.progress import progress_display
from model_export.runs.training_run import TrainingRun, write_atomically


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a model said of the examples of a split, and how good that is.

    Attributes:
        run: The run that the model is of.
        split: What the examples are for.
        beam: How outputs were searched for; None = greedy search.
        examples: The examples, one or more.
        outputs: What the model wrote, one for each example; empty of classifiers.
        label_outputs: What a classifier said of each example; empty of other models.
        metrics: How good that is.
    """

    run: TrainingRun
    split: Split
    beam: Beam | None
    examples: Sequence[Example]
    outputs: Sequence[str]
    label_outputs: Sequence[LabelOutput]
    metrics: Metrics


def evaluate_run(
    path: Path, *, split: Split, data_dir: Path | None = None, beam: Beam | None = None
) -> Metrics:
    """Measures a run's best weights.

    Args:
        path: The run's folder.
        split: What to evaluate on.
        data_dir: Where the data lies; none = the copy in Heed.
        beam: How to search; None = greedy search.

    Raises:
        RunError: The folder holds no finished run, or a classifier and a beam is asked for.
        DataError: The data is missing or unreadable, or the split is empty.
    """
    return measure(TrainingRun.load(path), split=split, data_dir=data_dir, beam=beam)


def measure(
    run: TrainingRun, *, split: Split, data_dir: Path | None = None, beam: Beam | None = None
) -> Metrics:
    """As `evaluate_run`, of a run that is loaded already."""
    return judge(run, split=split, data_dir=data_dir, beam=beam).metrics


def judge(
    run: TrainingRun, *, split: Split, data_dir: Path | None = None, beam: Beam | None = None
) -> Judgement:
    """As `measure`, with everything that was judged."""
    examples = load_examples(run.recipe.data, data_dir, image=run.recipe.image).split(split)
    if not examples:
        raise DataError(f"the data has no {split} examples")
    if run.labels and beam is not None:
        raise RunError(f"{run.path} holds a classifier, which searches for nothing")
    outputs: list[str] = []
    label_outputs: list[LabelOutput] = []
    sources = [example.source for example in examples]
    with progress_display(f"evaluating on {split}", len(examples)) as display:

        def on_progress(done: int) -> None:
            display.update(done, "")

        if run.labels:
            label_outputs = label_decoder_of(run).decode(sources, on_progress)
        else:
            outputs = _text_decoder(run, beam).decode_examples(examples, on_progress)
    metrics: Metrics
    if run.labels:
        metrics = label_metrics(examples, label_outputs)
    else:
        references = [example.references for example in examples]
        written = task_metrics(run.recipe, outputs, references)
        metrics = with_alignment(written, _alignment_error_rate(run, examples))
    return Judgement(run, split, beam, examples, outputs, label_outputs, metrics)


def _alignment_error_rate(run: TrainingRun, examples: Sequence[Example]) -> float | None:
    if run.recipe.data.links is None:
        return None
    return aligner_of(run, run.recipe.data.links.unit).error_rate(examples)


def aligner_of(run: TrainingRun, unit: LinkUnit) -> Aligner:
    """The aligner of a run's model."""
    return Aligner(
        run.model,
        run.recipe.seq2seq_model,
        source_tokenizer=run.source_tokenizer,
        target_tokenizer=run.target_tokenizer,
        unit=unit,
    )


def _text_decoder(run: TrainingRun, beam: Beam | None) -> TextDecoder:
    return TextDecoder(
        run.model,
        source_tokenizer=run.source_tokenizer_if_any,
        target_tokenizer=run.target_tokenizer,
        max_target_tokens=run.recipe.model.max_target_tokens,
        batch_size=run.recipe.evaluation.batch_size,
        beam=beam,
    )


def label_decoder_of(run: TrainingRun) -> LabelDecoder:
    """What labels texts with the model of a run."""
    return LabelDecoder(
        run.model,
        run.recipe.classifier_model,
        tokenizer=run.source_tokenizer,
        labels=run.labels,
        batch_size=run.recipe.evaluation.batch_size,
    )


def save_metrics(metrics: Metrics, path: Path, *, split: Split, beam: Beam | None = None) -> None:
    """Saves what `evaluate_run` measured as evaluation-SPLIT.json in the run.

    With a beam the file is evaluation-SPLIT-beam-K.json, with a length penalty
    evaluation-SPLIT-beam-K-penalty-ALPHA.json. What labels were taken for others goes
    into confusion-SPLIT.json.

    Raises:
        RunError: The folder cannot be written.
    """
    content = json.dumps(metrics.as_dict(), indent=2) + "\n"
    search = "" if beam is None else f"-beam-{beam.width}"
    if beam is not None and beam.length_penalty:
        search += f"-penalty-{beam.length_penalty:g}"
    write_atomically(path / f"evaluation-{split}{search}.json", content.encode())
    if isinstance(metrics, ClassificationMetrics):
        confusion = {"labels": metrics.labels, "counts": metrics.confusion}
        content = json.dumps(confusion, ensure_ascii=False) + "\n"
        write_atomically(path / f"confusion-{split}.json", content.encode())
