"""Measures of classifiers, checked by hand."""

from __future__ import annotations

import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from model_export.evaluation.classification import classification_metrics


def test_it_can_be_checked_by_hand() -> None:
    given = ["a", "a", "b", "b"]
    metrics = classification_metrics(given, [["a"], ["b"], ["b"], ["b"]])
    assert metrics.labels == ("a", "b")
    assert metrics.confusion == ((1, 0), (1, 2))
    assert metrics.accuracy == 0.75
    assert metrics.macro_f1 == pytest.approx((2 / 3 + 4 / 5) / 2)
    assert metrics.as_dict() == {
        "accuracy": 0.75,
        "macro_f1": pytest.approx(11 / 15),
        "text_count": 4.0,
    }


def test_it_is_what_scikit_learn_gives() -> None:
    right = list("abcabcabdd")
    given = list("abbacaabdz")  # z is never right, c hardly ever given
    metrics = classification_metrics(given, [[label] for label in right])
    assert metrics.accuracy == pytest.approx(accuracy_score(right, given))
    assert metrics.macro_f1 == pytest.approx(f1_score(right, given, average="macro"))
    expected = confusion_matrix(right, given, labels=metrics.labels)
    assert [list(row) for row in metrics.confusion] == expected.tolist()


def test_attention_on_what_is_marked_is_told_if_anything_is() -> None:
    metrics = classification_metrics(["a"], [["a"]], marks=(0.5, 0.25))
    assert metrics.as_dict() == {
        "accuracy": 1.0,
        "macro_f1": 1.0,
        "attention_on_marks": 0.5,
        "marked_share": 0.25,
        "text_count": 1.0,
    }


@pytest.mark.parametrize(("given", "references"), [([], []), (["a"], [["a"], ["b"]])])
def test_texts_without_labels_are_refused(given: list[str], references: list[list[str]]) -> None:
    with pytest.raises(ValueError, match="labels for"):
        classification_metrics(given, references)
