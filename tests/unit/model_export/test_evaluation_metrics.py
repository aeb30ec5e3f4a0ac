from __future__ import annotations

import pytest

from model_export.config import BleuTokenizer, load_recipe
from model_export.evaluation.metrics import described, task_metrics
from model_export.evaluation.translation import translation_metrics


def test_a_perfect_translation_scores_100() -> None:
    metrics = translation_metrics(["the cat sat down ."], [["the cat sat down ."]])
    assert metrics.as_dict() == pytest.approx({"bleu": 100, "chrf": 100, "sentence_count": 1})


def test_bleu_can_be_checked_by_hand() -> None:
    # 3 of 4 words, 2 of 3 pairs, 1 of 2 triples, 0 of 1 quadruples, which sacreBLEU halves.
    (bleu, _, _) = translation_metrics(["a b c x"], [["a b c d"]]).as_dict().values()
    expected = 100 * (3 / 4 * 2 / 3 * 1 / 2 * 1 / 2) ** 0.25
    assert bleu == pytest.approx(expected, abs=1e-6)


def test_any_reference_counts_and_sentences_may_have_different_numbers_of_them() -> None:
    hypotheses = ["we go home now", "it is late today"]
    references = [["we leave now", "we go home now"], ["it is late today"]]
    assert translation_metrics(hypotheses, references).bleu == pytest.approx(100)


def test_case_and_tokenization_can_be_left_out() -> None:
    pair = (["The cat sat here."], [["the cat sat here ."]])
    assert translation_metrics(*pair).bleu < 100
    assert translation_metrics(*pair, lowercase=True).bleu == pytest.approx(100)
    plain = translation_metrics(*pair, lowercase=True, tokenizer=BleuTokenizer.NONE)
    assert plain.bleu < 100


def test_hypotheses_must_match_the_sentences() -> None:
    with pytest.raises(ValueError, match="1 hypotheses for 2 sentences"):
        translation_metrics(["a"], [["a"], ["b"]])


@pytest.mark.parametrize(
    ("recipe", "names"),
    [
        ("g2p-tiny", ["word accuracy", "word error rate", "phoneme error rate"]),
        ("tatoeba-en-fr", ["BLEU", "chrF2"]),
    ],
)
def test_the_task_decides_what_is_measured(recipe: str, names: list[str]) -> None:
    metrics = task_metrics(load_recipe(recipe), ["a b c d"], [["a b c d"]])
    assert [name for name, _ in described(metrics.as_dict())] == names


def test_shares_are_shown_in_percent_and_bleu_is_not() -> None:
    values = {"bleu": 38.551, "word_error_rate": 0.26, "word_count": 9.0}
    assert described(values) == [("BLEU", "38.55"), ("word error rate", "26.00%")]
