"""What a number format costs, and what a version that computes in less than float32 is held to."""

from __future__ import annotations

import itertools
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from heed.contract import Precision, Signature
from model_export.config import load_recipe
from model_export.data.examples import Example
from model_export.export.batching import Arrays
from model_export.export.checks import BOUNDS, Version
from model_export.export.errors import ExportError, VerificationError
from model_export.export.exportable import ExportableModel, decoding_model, exportable_from_run
from model_export.export.graph_session import GraphSession
from model_export.export.precision import check_precision, precisions_of
from model_export.export.precision_checks import (
    PRECISION_CHECKS,
    greedy_takes_the_most_probable,
    scores_as_training_side,
)
from model_export.export.precision_loss import PrecisionLoss, measure_loss, with_loss
from model_export.export.reference_cases import load_reference_cases
from model_export.export.signatures import ServedModel
from tests.support.exported_model import (
    MODEL_NAME,
    exported_models_dir,
    graph_session,
    random_exportable,
    random_run,
)
from tests.support.exported_shared_transformer import random_shared_transformer

__all__ = ["exported_models_dir", "graph_session"]

EXAMPLES = [Example(word, ("AH T EH N",)) for word in ("attention", "heed", "a", "", "words")]


def named(exportable: ExportableModel, precision: Precision) -> ExportableModel:
    """The same model, which only says that it computes in another format."""
    contract = exportable.contract.model_copy(update={"precision": precision})
    return replace(exportable, contract=contract)


@pytest.fixture(scope="module")
def no_loss() -> PrecisionLoss:
    """Of a model that only says that it computes in int8."""
    return measured(named(random_exportable(), Precision.INT8))


def measured(exportable: ExportableModel) -> PrecisionLoss:
    recipe = random_run().recipe
    return measure_loss(exportable, random_exportable(), EXAMPLES, recipe=recipe)


def test_the_same_weights_lose_nothing(no_loss: PrecisionLoss) -> None:
    assert no_loss.precision is Precision.INT8
    assert no_loss.example_count == 4  # one has no tokens
    assert no_loss.exact_match_rate == 1.0
    assert no_loss.measures == no_loss.float32_measures
    assert no_loss.largest_attention_difference < 1e-6
    assert no_loss.mean_score_difference < 1e-6


def test_other_weights_show_in_every_number() -> None:
    loss = measured(named(random_exportable(seed=2), Precision.INT8))
    assert loss.exact_match_rate < 1.0
    assert 1e-4 < loss.largest_attention_difference <= 1.0
    assert loss.mean_score_difference > 1e-3


def test_the_card_states_the_loss_beside_what_it_said(no_loss: PrecisionLoss) -> None:
    metrics = with_loss(random_exportable(), no_loss).contract.card.metrics
    assert metrics["dev.word_accuracy"] == 0.0
    assert metrics["int8.dev.exact_match_rate"] == 1.0
    assert metrics["int8.dev.example_count"] == 4
    for measure in ("word_accuracy", "word_error_rate", "phoneme_error_rate"):
        assert metrics[f"int8.dev.{measure}"] == metrics[f"float32.dev.{measure}"]


def test_what_is_measured_is_what_is_saved() -> None:
    run = random_shared_transformer("pre")
    exportable = exportable_from_run(run, model_name="words", precision=Precision.BFLOAT16)
    prepared = replace(exportable, prepared=decoding_model(exportable))
    assert prepared.prepared is not None
    first = prepared.prepared.weights[0]
    assert ServedModel(prepared).weights[0] is first
    assert ServedModel(exportable).weights[0] is not first


def test_nothing_is_measured_without_examples() -> None:
    exportable = random_exportable()
    with pytest.raises(ExportError, match="no dev examples"):
        measure_loss(exportable, exportable, [Example("", ("AH",))], recipe=random_run().recipe)


@pytest.fixture
def version(exported_models_dir: Path, graph_session: GraphSession) -> Version:
    """A version in float32 that calls itself int8, and so is held to the bounds of int8."""
    directory = exported_models_dir / MODEL_NAME / "1"
    contract = named(random_exportable(), Precision.INT8).contract
    return Version(directory, contract, graph_session, load_reference_cases(directory))


def test_a_version_that_keeps_its_bounds_passes_with_what_was_found(version: Version) -> None:
    results = [check(version) for check in PRECISION_CHECKS]
    assert [result.check for result in results] == [
        "given outputs score as in the training-side model",
        "a row scores alike alone and in any padded batch, in any order",
        "a hypothesis of any padded batch scores as it does alone",
        "where greedy outputs leave the training side's, by a token that is as probable",
    ]
    for result in results:
        assert result.bound == BOUNDS[Precision.INT8].log_probability
        assert result.largest_difference is not None
        assert result.largest_difference < 1e-4


@pytest.mark.parametrize(
    ("output", "change", "problem"),
    [
        ("token_scores", 2.0, "output token_scores: differs by 2"),
        ("token_scores", 0.5, r"differ by 0.5\d* in the mean, allowed 0\.2"),
        ("token_scores", float("nan"), "differs by nan"),
        ("attention", 0.5, "output attention: differs by 0.5"),
    ],
)
def test_scores_beyond_the_bounds_are_found_out(
    version: Version, output: str, change: float, problem: str
) -> None:
    cases = tuple(
        replace(case, outputs={**case.outputs, output: case.outputs[output] + change})
        for case in version.cases
    )
    with pytest.raises(VerificationError, match=problem):
        scores_as_training_side(replace(version, cases=cases))


def test_a_greedy_choice_that_is_less_probable_is_found_out(version: Version) -> None:
    """As if the version had chosen the least probable token in place of the training side's."""

    class Opposite:
        """A session whose greedy outputs are the other way round."""

        def run(self, signature: str, inputs: Arrays) -> Arrays:
            outputs = version.session.run(signature, inputs)
            if signature == Signature.GREEDY:
                outputs["tokens"] = outputs["tokens"] % 7 + 30
            return outputs

    bounds = replace(BOUNDS[Precision.INT8], log_probability=1e-3)
    session = cast(GraphSession, Opposite())
    with pytest.raises(VerificationError, match=r"signature greedy, row \d: the token chosen"):
        greedy_takes_the_most_probable(replace(version, session=session), bounds)


def test_bounds_grow_as_the_formats_shrink() -> None:
    order = (Precision.FLOAT16, Precision.BFLOAT16, Precision.INT8)
    for better, worse in itertools.pairwise(order):
        assert BOUNDS[better].log_probability < BOUNDS[worse].log_probability
        assert BOUNDS[better].mean_log_probability < BOUNDS[worse].mean_log_probability
        assert BOUNDS[better].attention < BOUNDS[worse].attention


@pytest.mark.parametrize("name", ["g2p-quick", "digit-strips", "snips"])
def test_models_that_have_float32_alone_say_so_by_the_flag(name: str) -> None:
    recipe = load_recipe(name)
    assert precisions_of(recipe) == (Precision.FLOAT32,)
    check_precision(recipe, Precision.FLOAT32)
    with pytest.raises(ExportError, match=rf"^--precision bfloat16: .* {recipe.model.kind} "):
        check_precision(recipe, Precision.BFLOAT16)
