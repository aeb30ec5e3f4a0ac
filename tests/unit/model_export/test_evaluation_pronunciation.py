from __future__ import annotations

import pytest

from model_export.evaluation.pronunciation import edit_distance, pronunciation_metrics


@pytest.mark.parametrize(
    ("left", "right", "distance"),
    [
        ("", "", 0),
        ("a b", "a b", 0),
        ("", "a b", 2),
        ("a b c", "", 3),
        ("k i t t e n", "s i t t i n g", 3),
        ("a b c", "a c", 1),
        ("a c", "a b c", 1),
        ("a b", "b a", 2),
    ],
)
def test_the_edit_distance_can_be_checked_by_hand(left: str, right: str, distance: int) -> None:
    assert edit_distance(left.split(), right.split()) == distance


def test_a_word_is_right_when_any_reference_is_produced() -> None:
    metrics = pronunciation_metrics(["AY DH ER", "K AE T"], [["IY DH ER", "AY DH ER"], ["K AA T"]])
    assert metrics.word_error_rate == 0.5
    assert metrics.word_accuracy == 0.5
    assert metrics.phoneme_error_rate == pytest.approx(1 / 6)


def test_phoneme_errors_count_against_the_closest_reference() -> None:
    metrics = pronunciation_metrics(["A B C D"], [["X Y", "A B C D E"]])
    assert (metrics.phoneme_edit_count, metrics.phoneme_count) == (1, 5)


def test_an_empty_hypothesis_misses_every_phoneme() -> None:
    assert pronunciation_metrics([""], [["A B"]]).phoneme_error_rate == 1.0


def test_the_metrics_have_names() -> None:
    assert pronunciation_metrics(["A"], [["A"]]).as_dict() == {
        "word_accuracy": 1.0,
        "word_error_rate": 0.0,
        "phoneme_error_rate": 0.0,
        "word_count": 1.0,
    }


def test_hypotheses_must_match_the_words() -> None:
    with pytest.raises(ValueError, match="1 hypotheses for 2 words"):
        pronunciation_metrics(["A"], [["A"], ["B"]])
    with pytest.raises(ValueError, match="0 hypotheses for 0 words"):
        pronunciation_metrics([], [])
