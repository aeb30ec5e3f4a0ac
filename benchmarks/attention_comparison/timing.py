"""What an update and an answer cost, by mechanisms that take turns.

Processor time of all threads of the process is counted: on a machine with other work it says more
than the clock. Each mechanism's figure is the median over the rounds.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import tensorflow as tf

from benchmarks.attention_comparison.results import Times, read_value, write_value
from benchmarks.attention_comparison.training import Plan
from heed.contract import Precision, Signature
from model_export.config import Recipe
from model_export.config.classifier import ClassifierSettings
from model_export.data.examples import Example, take_evenly
from model_export.data.labelled_rows import encode_text, model_inputs
from model_export.evaluation.padding import padded
from model_export.export.exportable import exportable_from_run
from model_export.export.graph_session import GraphSession
from model_export.export.saved_model import write_saved_model
from model_export.quiet import spend_session_notice
from model_export.runs.training_run import TrainingRun
from model_export.training.classifier_learner import ClassifierLearner, prepare_labelled_data
from model_export.training.learner import Learner
from model_export.training.optimizer import build_optimizer
from model_export.training.prepare import prepare_data
from model_export.training.seq2seq_learner import Seq2SeqLearner

ROWS: Final = 32
"""Sources that are answered at once."""
_BATCHES: Final = 4
_TIMES_FILE: Final = "comparison-times.json"
_UPDATES: Final = 10
"""Updates of one mechanism before the next has its turn."""
_UPDATE_ROUNDS: Final = 5
_ANSWER_ROUNDS: Final = 25

Inputs = Mapping[str, np.ndarray[Any, Any]]


def times_of(plan: Plan, dev: Sequence[Example], *, again: bool = False) -> dict[str, Times]:
    """Times of every mechanism of a plan, with its first seed; kept with the run.

    Args:
        plan: Whose trainings are finished.
        dev: Where what is answered is taken from.
        again: Whether to measure also where all times are known.

    Raises:
        RunError: A training is not finished or damaged, or a file cannot be read or written.
        ExportError: TensorFlow cannot load what was exported.
    """
    paths = {
        item.key: plan.run_folder(item, plan.seeds[0]) / _TIMES_FILE for item in plan.mechanisms
    }
    known = {key: read_value(path, Times) for key, path in paths.items()}
    times = {key: value for key, value in known.items() if value is not None}
    if len(times) == len(paths) and not again:
        return times
    updates = _seconds_in_turns(_update_functions(plan), rounds=_UPDATE_ROUNDS)
    with ExitStack() as sessions:
        functions = _answer_functions(plan, dev, sessions)
        answers = _seconds_in_turns(functions, rounds=_ANSWER_ROUNDS)
    times = {
        key: Times(update_s=updates[key] / _UPDATES, answer_s=answers[key] / _BATCHES)
        for key in paths
    }
    for key, path in paths.items():
        write_value(path, times[key])
    return times


def _seconds_in_turns(
    functions: Mapping[str, Callable[[], None]], *, rounds: int
) -> dict[str, float]:
    """The median processor time of each function, in seconds; a first turn prepares."""
    seconds: dict[str, list[float]] = {name: [] for name in functions}
    for number in range(rounds + 1):
        for name, function in functions.items():
            began = time.process_time()
            function()
            if number:
                seconds[name].append(time.process_time() - began)
    return {name: median(values) for name, values in seconds.items()}


def _update_functions(plan: Plan) -> dict[str, Callable[[], None]]:
    """Several updates of each model, by the same batch of the most frequent shape."""
    seed = plan.seeds[0]
    recipes = {item.key: plan.recipe(item, seed) for item in plan.mechanisms}
    build = _learner_builder(plan, next(iter(recipes.values())))
    return {key: _updates(build(recipe), recipe) for key, recipe in recipes.items()}


def _learner_builder(plan: Plan, recipe: Recipe) -> Callable[[Recipe], Learner]:
    """Makes learners of recipes with the same data, which is prepared once."""
    folder, data_dir = plan.run_folder(plan.mechanisms[0], plan.seeds[0]), plan.data_dir
    if not isinstance(recipe.model, ClassifierSettings):
        pairs = prepare_data(recipe, folder=folder, data_dir=data_dir)
        return lambda other: Seq2SeqLearner(other, pairs)

    def classifier(other: Recipe) -> Learner:
        # Prepared for each: sentences are part of the rows.
        return ClassifierLearner(
            other, prepare_labelled_data(other, folder=folder, data_dir=data_dir)
        )

    return classifier


def _updates(learner: Learner, recipe: Recipe) -> Callable[[], None]:
    plan = learner.plan(0)
    ((frequent, _),) = Counter(planned.bucket_index for planned in plan).most_common(1)
    planned = next(item for item in plan if item.bucket_index == frequent)
    batch = next(iter(learner.batches([planned])))
    optimizer = build_optimizer(recipe.training, step_count=1_000_000)
    step = learner.training_step(optimizer)

    def update() -> None:
        for _ in range(_UPDATES):
            loss, _ = step(batch)
            float(loss)

    return update


def _answer_functions(
    plan: Plan, dev: Sequence[Example], sessions: ExitStack
) -> dict[str, Callable[[], None]]:
    """The answers of each exported model to the same sources, and to as many steps."""
    spend_session_notice()
    tf.get_logger().setLevel("ERROR")  # the loader of sessions calls itself deprecated
    functions = {}
    models = Path(sessions.enter_context(tempfile.TemporaryDirectory(prefix="heed-comparison-")))
    for mechanism in plan.mechanisms:
        run = TrainingRun.load(plan.run_folder(mechanism, plan.seeds[0]))
        version = _exported(run, models / mechanism.key)
        session = sessions.enter_context(GraphSession(version))
        batches = list(_label_batches(run, dev) if run.labels else _batches(run, dev))
        functions[mechanism.key] = _answers(session, batches, is_classifier=bool(run.labels))
    return functions


def _answers(
    session: GraphSession, batches: Sequence[Inputs], *, is_classifier: bool
) -> Callable[[], None]:
    signature = Signature.CLASSIFY if is_classifier else Signature.GREEDY
    outputs = {"probabilities"} if is_classifier else {"tokens", "lengths", "scores"}

    def answer() -> None:
        for batch in batches:
            session.run(signature, batch, outputs)

    return answer


def _exported(run: TrainingRun, version: Path) -> Path:
    """A version with the one signature that is timed."""
    exportable = exportable_from_run(run, model_name=version.name, precision=Precision.FLOAT32)
    signature = Signature.CLASSIFY if run.labels else Signature.GREEDY
    contract = exportable.contract.model_copy(update={"signatures": (signature,)})
    write_saved_model(replace(exportable, contract=contract), version)
    return version


def _taken(dev: Sequence[Example], length: Callable[[Example], int]) -> list[list[Example]]:
    """Examples spread over all of them, in batches of similar length."""
    examples = sorted(take_evenly(dev, ROWS * _BATCHES), key=length)
    # A small set is used again, so that every batch is full.
    full = [examples[place % len(examples)] for place in range(ROWS * _BATCHES)]
    return [full[start : start + ROWS] for start in range(0, len(full), ROWS)]


def _batches(run: TrainingRun, dev: Sequence[Example]) -> list[Inputs]:
    """Inputs of greedy search that make as many steps as the longest right output needs."""

    def steps(example: Example) -> int:
        return 1 + len(run.target_tokenizer.encode_ids(example.references[0]))

    batches: list[Inputs] = []
    for examples in _taken(dev, steps):
        sources = [run.source_tokenizer.encode_ids(example.source) for example in examples]
        most = np.full(ROWS, max(map(steps, examples)), np.int32)
        batches.append(
            {
                "tokens": padded(sources),
                "lengths": np.array(list(map(len, sources)), np.int32),
                "max_lengths": most,
                "min_lengths": most,
                "prefix_tokens": np.zeros((ROWS, 0), np.int32),
                "prefix_lengths": np.zeros(ROWS, np.int32),
            }
        )
    return batches


def _label_batches(run: TrainingRun, dev: Sequence[Example]) -> list[Inputs]:
    sentences = run.recipe.classifier_model.sentences
    limits = None if sentences is None else sentences.limits
    longest = run.recipe.classifier_model.max_source_tokens

    def inputs(examples: Sequence[Example]) -> Inputs:
        texts = [
            encode_text(
                example.source, run.source_tokenizer.encode(example.source)[:longest], limits
            )
            for example in examples
        ]
        return model_inputs(texts)

    return [inputs(examples) for examples in _taken(dev, lambda example: len(example.source))]
