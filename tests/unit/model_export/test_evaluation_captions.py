"""Measures of texts that are read from pictures."""

from __future__ import annotations

import pytest

from model_export.evaluation.captions import caption_metrics


def test_one_wrong_digit_of_six_is_one_edit_and_one_wrong_picture() -> None:
    metrics = caption_metrics(["123", "46", ""], [["123"], ["45"], ["7"]])

    assert metrics.accuracy == pytest.approx(1 / 3)
    assert metrics.character_error_rate == pytest.approx(2 / 6)
    assert metrics.as_dict()["picture_count"] == 3


def test_the_closest_reference_counts() -> None:
    metrics = caption_metrics(["a cat"], [["a dog", "a cats", "a cat"]])

    assert (metrics.right_count, metrics.edit_count, metrics.character_count) == (1, 0, 5)


def test_empty_references_have_no_characters() -> None:
    assert caption_metrics(["ab"], [[""]]).character_error_rate == 2.0


def test_there_must_be_a_text_for_each_picture() -> None:
    with pytest.raises(ValueError, match="1 hypotheses for 2 pictures"):
        caption_metrics(["a"], [["a"], ["b"]])
    with pytest.raises(ValueError, match="0 hypotheses"):
        caption_metrics([], [])
