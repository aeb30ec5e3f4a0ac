"""What a served Transformer is made of: numbers that can be checked by themselves."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework import kernels

from heed.contract import Precision
from model_export.decoding.candidates import best_candidates
from model_export.inference import PrecisionError, inference_model
from model_export.inference.calibration import InputStatistics, best_range, rounded_weight
from model_export.inference.folding import rotation
from model_export.inference.packing import packing
from model_export.inference.products import FloatProduct, Product
from model_export.inference.quantized_products import QuantizedProduct, QuantizedProducts
from model_export.inference.trained_weights import Affine
from tests.support.int8 import skip_without_int8
from tests.support.small_transformer import PAPER, VOCABULARY_SIZE, small_transformer


@pytest.mark.parametrize("width", [1, 2, 8, 33])
def test_the_rotation_keeps_lengths_and_its_last_axis_is_the_mean(width: int) -> None:
    basis = rotation(width)
    np.testing.assert_allclose(basis.T @ basis, np.eye(width), atol=1e-12)
    np.testing.assert_allclose(basis[:, -1], np.full(width, width**-0.5), atol=1e-12)


def test_packing_leaves_out_what_fills_up_and_finds_every_token_again() -> None:
    found = packing(tf.sequence_mask([2, 3, 1], 3))
    assert found.real.numpy().tolist() == [0, 1, 3, 4, 5, 6]
    assert found.columns.numpy().tolist() == [0, 1, 0, 1, 2, 0]
    values = tf.range(9)
    again = found.padded(found.packed(values)).numpy()
    assert again[[0, 1, 3, 4, 5, 6]].tolist() == [0, 1, 3, 4, 5, 6]


def test_numbers_of_like_size_are_represented_in_full() -> None:
    assert best_range(np.linspace(-3.0, 3.0, 1000), levels=127) == pytest.approx(3.0, rel=0.03)


def test_a_rare_large_number_is_cut_for_the_sake_of_all_others() -> None:
    values = np.concatenate([np.random.default_rng(0).normal(size=100_000), [9.0]])
    assert 3.0 < best_range(values, levels=127) < 6.0


def test_only_zeros_have_a_range_all_the_same() -> None:
    assert best_range(np.zeros(5), levels=127) == 1.0


def test_a_weight_of_8_bits_is_within_half_a_step_of_each_column() -> None:
    weight = np.random.default_rng(0).normal(size=(40, 7)) * np.array([1, 10, 0, 1e-3, 5, 2, 3])
    rounded, most = rounded_weight(weight)
    assert rounded.dtype == np.int8
    restored = rounded * (most.astype(np.float64) / 127.0)
    assert np.all(np.abs(restored - weight) <= most / 254.0 + 1e-9)


def test_statistics_keep_the_largest_of_each_column_and_some_of_the_rows() -> None:
    statistics, random = InputStatistics(), np.random.default_rng(0)
    for _ in range(5):
        statistics.add(np.abs(random.normal(size=(400, 3))), random)
    assert not statistics.is_signed
    statistics.add(np.array([[0.0, -50.0, 0.0]]), random)
    assert statistics.is_signed
    assert statistics.most[1] == 50.0
    assert 512 <= len(statistics.rows) <= 1024


def product_of_8_bits(rows: np.ndarray[Any, Any], weight: np.ndarray[Any, Any]) -> Product:
    """A product that was seen to read these rows."""
    statistics = InputStatistics()
    statistics.add(rows, np.random.default_rng(0))
    affine = Affine(weight, np.zeros(weight.shape[1]))
    return QuantizedProducts({"it": statistics}).product("it", affine)


def test_a_product_of_8_bits_reads_numbers_below_0_as_0_where_it_has_seen_none() -> None:
    skip_without_int8()
    random = np.random.default_rng(0)
    rows, weight = np.abs(random.normal(size=(50, 16))), random.normal(size=(16, 8))
    product = product_of_8_bits(rows, weight)
    assert isinstance(product, QuantizedProduct)
    strange = rows.astype(np.float32)
    strange[:, ::2] = -strange[:, ::2]

    @tf.function(autograph=False)
    def graph() -> tf.Tensor:
        return product(tf.constant(strange))

    found = graph().numpy()
    np.testing.assert_allclose(found, np.maximum(strange, 0) @ weight, atol=0.3)


def test_two_products_of_8_bits_fit_into_16_where_no_input_is_below_0() -> None:
    skip_without_int8()
    rows = np.linspace(0.0, 1.0, 1001)[:, np.newaxis]
    product = product_of_8_bits(rows, np.ones((1, 1)))

    @tf.function(autograph=False)
    def graph() -> tf.Tensor:
        return product(tf.constant(rows, tf.float32))

    steps = len(np.unique(graph())) - 1
    assert steps == 127
    assert 2 * steps * 127 < 2**15


def test_a_product_that_loses_too_much_stays_in_float32() -> None:
    random = np.random.default_rng(0)
    rows = random.normal(size=(50, 4)) * np.array([1e4, 1.0, 1.0, 1.0])
    weight = np.array([[0.0, 0.0], [1.0, 2.0], [3.0, 1.0], [1.0, 1.0]])  # the large is not read
    assert isinstance(product_of_8_bits(rows, weight), FloatProduct)


def test_8_bits_without_sentences_to_calibrate_with_are_refused() -> None:
    with pytest.raises(PrecisionError, match="int8: needs real sentences to calibrate with"):
        inference_model(
            small_transformer(PAPER),
            precision=Precision.INT8,
            max_source_tokens=12,
            max_target_tokens=12,
        )


def test_8_bits_are_refused_by_a_tensorflow_that_has_no_operation_for_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        kernels, "get_registered_kernels_for_op", lambda name: SimpleNamespace(kernel=[])
    )
    with pytest.raises(PrecisionError, match=r"has no operation _QuantizedMatMul.*float32 instead"):
        inference_model(
            small_transformer(PAPER),
            precision=Precision.INT8,
            max_source_tokens=12,
            max_target_tokens=12,
        )


@pytest.mark.parametrize("vocabulary_size", [1200, 1201])
def test_the_best_of_a_large_vocabulary_are_those_of_a_full_sort(vocabulary_size: int) -> None:
    random = np.random.default_rng(4)
    # Few different numbers, so that many are equal: then the lower id goes first.
    logits = random.integers(0, 30, (2, 3, vocabulary_size)).astype(np.float32)
    open_scores = np.array([[0.0, -1.0, -2.0], [0.0, 0.0, -np.inf]], np.float32)
    found = best_candidates(tf.constant(logits), tf.constant(open_scores), tf.constant(logits))
    sums = np.log(np.exp(logits.astype(np.float64)).sum(-1, keepdims=True))
    for row in range(2):
        scores = open_scores[row, :, np.newaxis] + logits[row] - sums[row]
        best = np.argsort(-logits[row], axis=-1, kind="stable")[:, :4]  # K + 1 of each parent
        expected = -np.sort(-np.take_along_axis(scores, best, axis=-1), axis=None)[:6]
        np.testing.assert_allclose(found.scores[row], expected, atol=1e-5)
        parents, tokens = found.parents[row].numpy(), found.tokens[row].numpy()
        np.testing.assert_allclose(scores[parents, tokens], found.scores[row], atol=1e-5)
        for parent in range(3):
            own = tokens[parents == parent]
            assert own.tolist() == best[parent, : len(own)].tolist()


def test_vectors_that_source_and_target_share_are_kept_once() -> None:
    model = inference_model(
        small_transformer(PAPER),
        precision=Precision.FLOAT32,
        max_source_tokens=12,
        max_target_tokens=12,
    )
    shapes = [variable.shape.as_list() for variable in model.weights]
    assert shapes.count([VOCABULARY_SIZE, PAPER.width]) == 1
