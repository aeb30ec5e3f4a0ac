"""Measures with intervals."""

from __future__ import annotations

import numpy as np
import pytest
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF

from model_export.evaluation.report.measures import (
    Measure,
    bootstrapped_mean,
    corpus_measure,
    edit_share,
    resampled,
    share,
)
from model_export.evaluation.translation import reference_streams


def test_a_mean_has_the_interval_of_its_standard_error() -> None:
    values = np.random.default_rng(3).normal(0.5, 0.1, 400)
    estimate = bootstrapped_mean("mean", values.tolist()).estimate()
    assert estimate.value == pytest.approx(values.mean())
    reach = 1.96 * values.std() / 20
    assert estimate.value - estimate.low == pytest.approx(reach, rel=0.15)
    assert estimate.high - estimate.value == pytest.approx(reach, rel=0.15)


def test_the_same_examples_have_the_same_interval() -> None:
    measure = bootstrapped_mean("mean", [0.0, 1.0, 1.0])
    assert measure.estimate() == measure.estimate()


def test_some_examples_are_measured_as_if_they_were_all() -> None:
    measure = edit_share("error rate", [(1, 4), (0, 6), (5, 5)])
    assert measure.estimate().value == pytest.approx(6 / 15)
    assert measure.estimate(np.array([0, 1])).value == pytest.approx(1 / 10)


def test_equal_examples_leave_no_doubt() -> None:
    estimate = bootstrapped_mean("mean", [0.25, 0.25]).estimate()
    assert (estimate.low, estimate.high) == (0.25, 0.25)


def test_nothing_of_nothing_is_none() -> None:
    assert share(np.zeros(2)) == 0.0


HYPOTHESES = ["the cat sat", "a dog", "on the mat it sat", ""]
REFERENCES = [["the cat sat down"], ["a dog", "one dog"], ["it sat on the mat"], ["nothing"]]


@pytest.mark.parametrize("metric", [BLEU(force=True), CHRF()])
def test_a_corpus_is_measured_as_sacrebleu_measures_it(metric: BLEU | CHRF) -> None:
    streams = reference_streams(REFERENCES)
    measure = corpus_measure(metric, "measure", HYPOTHESES, streams)
    everything = metric.corpus_score(HYPOTHESES, streams).score
    assert measure.estimate().value == pytest.approx(everything)
    chosen = np.array([0, 2])
    some = metric.corpus_score(
        [HYPOTHESES[i] for i in chosen], [[s[i] for i in chosen] for s in streams]
    )
    assert measure.estimate(chosen).value == pytest.approx(some.score)


def test_samples_are_as_large_as_what_they_are_drawn_from() -> None:
    sums = resampled(np.ones((7, 1)), lambda sums: float(sums[0]))
    assert len(sums) == 1000
    assert set(sums) == {7.0}


def test_values_are_written_as_people_read_them() -> None:
    assert Measure("share", np.ones((1, 2)), share).written(0.1234) == "12.3%"
    assert Measure("BLEU", np.ones((1, 2)), share, is_share=False).written(37.29) == "37.3"
