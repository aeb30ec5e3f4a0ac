"""The evaluation of a finished run."""

from __future__ import annotations

import json
from pathlib import Path

from model_export.data.examples import Split
from model_export.data.load import load_examples
from model_export.errors import DataError
from model_export.evaluation.metrics import Metrics, task_metrics
from model_export.evaluation.text_outputs import TextDecoder
from model_export.progress import progress_display
from model_export.runs.training_run import TrainingRun, write_atomically


def evaluate_run(
    path: Path, *, split: Split, data_dir: Path | None = None, beam_width: int | None = None
) -> Metrics:
    """Measures a run's best weights.

    Args:
        path: The run's folder.
        split: What to evaluate on.
        data_dir: Where the data lies; none = the copy in Heed.
        beam_width: Hypotheses that beam search follows, 1 or more; None = greedy search.

    Raises:
        RunError: The folder holds no finished run.
        DataError: The data is missing or unreadable, or the split is empty.
    """
    return measure(TrainingRun.load(path), split=split, data_dir=data_dir, beam_width=beam_width)


def measure(
    run: TrainingRun, *, split: Split, data_dir: Path | None = None, beam_width: int | None = None
) -> Metrics:
    """As `evaluate_run`, of a run that is loaded already."""
    examples = load_examples(run.recipe.data, data_dir).split(split)
    if not examples:
        raise DataError(f"the data has no {split} examples")
    decoder = TextDecoder(
        run.model,
        source_tokenizer=run.source_tokenizer,
        target_tokenizer=run.target_tokenizer,
        max_target_tokens=run.recipe.model.max_target_tokens,
        batch_size=run.recipe.evaluation.batch_size,
        beam_width=beam_width,
    )
    with progress_display(f"evaluating on {split}", len(examples)) as display:
        outputs = decoder.decode(
            [example.source for example in examples],
            on_progress=lambda done: display.update(done, ""),
        )
    references = [example.references for example in examples]
    return task_metrics(run.recipe, outputs, references)


def save_metrics(
    metrics: Metrics, path: Path, *, split: Split, beam_width: int | None = None
) -> None:
    """Saves what `evaluate_run` measured as evaluation-SPLIT.json in the run.

    With a beam the file is evaluation-SPLIT-beam-K.json.

    Raises:
        RunError: The folder cannot be written.
    """
    content = json.dumps(metrics.as_dict(), indent=2) + "\n"
    search = "" if beam_width is None else f"-beam-{beam_width}"
    write_atomically(path / f"evaluation-{split}{search}.json", content.encode())
