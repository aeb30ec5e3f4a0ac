import numpy as np
import pytest

from heed.contract import Signature
from model_export.export.comparison import Comparison, trimmed_row
from model_export.export.errors import VerificationError


def floats(*values: float) -> dict[str, np.ndarray]:
    return {"scores": np.array(values, np.float32)}


def test_numbers_within_the_tolerance_pass_and_the_largest_difference_is_kept() -> None:
    comparison = Comparison("check")
    comparison.compare(floats(1.0, 2.00005), floats(1.0, 2.0), where="signature greedy")
    assert comparison.largest_difference == pytest.approx(5e-5, rel=0.01)
    assert comparison.answers == 1


def test_a_mismatch_names_the_check_the_signature_the_output_and_the_difference() -> None:
    with pytest.raises(VerificationError) as raised:
        Comparison("rows alone").compare(floats(1.0), floats(1.5), where="signature greedy")
    assert str(raised.value) == (
        'check "rows alone" failed: signature greedy, output scores: differs by 0.5, allowed 0.0001'
    )


def test_numbers_that_are_none_never_pass() -> None:
    with pytest.raises(VerificationError, match="differs by nan"):
        Comparison("check").compare(floats(float("nan")), floats(float("nan")), where="score")


def test_tokens_must_be_equal() -> None:
    tokens, other = {"tokens": np.array([[4, 5]])}, {"tokens": np.array([[4, 6]])}
    with pytest.raises(VerificationError, match="output tokens: 1 of 2 elements differ"):
        Comparison("check").compare(tokens, other, where="signature greedy")


def test_shapes_must_be_equal() -> None:
    with pytest.raises(VerificationError, match=r"has shape \(2,\), expected \(1,\)"):
        Comparison("check").compare(floats(1, 1), floats(1), where="signature greedy")


def test_a_row_is_trimmed_to_its_own_source_and_hypothesis() -> None:
    outputs = {
        "tokens": np.ones([2, 1, 5]),
        "lengths": np.array([[5], [2]]),
        "scores": np.zeros([2, 1]),
        "token_scores": np.ones([2, 1, 5]),
        "attention": np.ones([2, 1, 5, 7]),
    }
    row = trimmed_row(Signature.GREEDY, {"lengths": np.array([7, 3])}, outputs, 1)
    assert {name: array.shape for name, array in row.items()} == {
        "tokens": (1, 2),
        "lengths": (1,),
        "scores": (1,),
        "token_scores": (1, 2),
        "attention": (1, 2, 3),
    }


def test_a_scored_row_is_trimmed_to_its_own_target() -> None:
    inputs = {"lengths": np.array([4]), "target_lengths": np.array([2])}
    outputs = {
        "token_scores": np.ones([1, 6]),
        "scores": np.ones([1]),
        "attention": np.ones([1, 6, 8]),
        "attention_heads": np.ones([1, 2, 3, 6, 8]),
    }
    row = trimmed_row(Signature.SCORE, inputs, outputs, 0)
    assert row["attention"].shape == (2, 4)
    assert row["attention_heads"].shape == (2, 3, 2, 4)


def test_a_row_of_a_beam_is_trimmed_to_its_own_width() -> None:
    inputs = {"lengths": np.array([4, 4]), "beam_width": np.array([3, 1])}
    outputs = {"tokens": np.ones([2, 3, 5]), "lengths": np.array([[5, 5, 5], [2, 0, 0]])}
    row = trimmed_row(Signature.BEAM, inputs, outputs, 1)
    assert {name: array.shape for name, array in row.items()} == {"tokens": (1, 2), "lengths": (1,)}
