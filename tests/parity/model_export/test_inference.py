"""The Transformer that is served = the one that was trained, for every kind and every search."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from heed.contract import Precision
from model_export.config.transformer import (
    Activation,
    EmbeddingSharing,
    NormPlacement,
    PositionKind,
    TransformerSettings,
)
from model_export.decoding import (
    BeamOptions,
    DecodingOptions,
    SampleOptions,
    beam_search,
    greedy_search,
    sample_search,
    score_targets,
)
from model_export.inference import CalibrationExample, InferenceTransformer, inference_model
from tests.support.int8 import skip_without_int8
from tests.support.small_transformer import MODERN, PAPER, VOCABULARY_SIZE, small_transformer

MAX_SOURCE, MAX_TARGET = 12, 40
"""More steps than the cache has room for at first."""
LENGTHS = [6, 12, 1, 4, 9]
TARGET_LENGTHS = [21, 1, 5, 20, 16]
ROWS = len(LENGTHS)
LAYERS = (0, 2)

_LONGER = {"max_target_tokens": MAX_TARGET}
SETTINGS = {
    "post-relu-waves-shared": PAPER.model_copy(update=_LONGER),
    "pre-gelu-learned-apart": MODERN.model_copy(update=_LONGER),
    "pre-relu-waves-tied": PAPER.model_copy(
        update={
            **_LONGER,
            "norm": NormPlacement.PRE,
            "activation": Activation.RELU,
            "positions": PositionKind.SINUSOIDAL,
            "embeddings": EmbeddingSharing.OUTPUT,
        }
    ),
    "post-gelu-learned-tied": PAPER.model_copy(
        update={
            **_LONGER,
            "activation": Activation.GELU,
            "positions": PositionKind.LEARNED,
            "embeddings": EmbeddingSharing.OUTPUT,
        }
    ),
}
UNLIKE = ["pre-relu-waves-tied", "post-gelu-learned-tied"]
"""Two that differ in all that a step depends on; the other two do, too."""
OTHERS = ["pre-gelu-learned-apart", "post-relu-waves-shared"]
Arrays = dict[str, np.ndarray[Any, Any]]


@pytest.fixture(params=SETTINGS, scope="module")
def settings(request: pytest.FixtureRequest) -> TransformerSettings:
    return SETTINGS[request.param]


@functools.cache
def served(settings: TransformerSettings, precision: Precision) -> InferenceTransformer:
    if precision is Precision.INT8:
        skip_without_int8()
    random = np.random.default_rng(3)

    def ids(most: int) -> list[int]:
        return random.integers(4, VOCABULARY_SIZE, random.integers(1, most + 1)).tolist()

    examples = [CalibrationExample(ids(MAX_SOURCE), [*ids(20), 3]) for _ in range(10)]
    return inference_model(
        small_transformer(settings),
        precision=precision,
        max_source_tokens=MAX_SOURCE,
        max_target_tokens=MAX_TARGET,
        calibration=examples,
    )


def sources() -> Arrays:
    tokens = np.random.default_rng(2).integers(4, VOCABULARY_SIZE, [ROWS, max(LENGTHS)])
    return {"tokens": tokens.astype(np.int32), "lengths": np.array(LENGTHS, np.int32)}


def limits() -> DecodingOptions:
    return DecodingOptions(
        max_lengths=np.array([MAX_TARGET, 20, 35, 1, 17], np.int32),
        min_lengths=np.array([30, 0, 35, 0, 17], np.int32),
        prefix_tokens=np.array([[5, 6, 7], [8, 9, 4], [1, 1, 1], [7, 1, 1], [4, 5, 1]], np.int32),
        prefix_lengths=np.array([0, 3, 0, 1, 2], np.int32),
    )


def of_rows(options: Any, rows: list[int]) -> Any:
    return type(options)(*(array[rows] for array in options))


def search(name: str) -> tuple[Callable[..., Any], Any]:
    """A search and its options, which differ from row to row."""
    if name == "greedy":
        return greedy_search, limits()
    if name == "beam":
        beam = BeamOptions(
            beam_width=np.array([3, 2, 3, 1, 3], np.int32),
            length_penalty=np.array([0.6, 0, 1, 0, 2], np.float32),
            coverage_penalty=np.array([0, 0.2, 0, 0.1, 0], np.float32),
            no_repeat_ngram=np.array([0, 2, 0, 1, 0], np.int32),
        )
        return beam_search, (limits(), beam)
    sampling = SampleOptions(
        temperature=np.array([1, 0.7, 1.5, 1, 1], np.float32),
        top_k=np.array([0, 4, 0, 0, 1], np.int32),
        top_p=np.array([1, 1, 0.8, 1, 1], np.float32),
        seed=np.array([1, 2, 3, 4, 5], np.int32),
    )
    return sample_search, (limits(), sampling)


def model_of(settings: TransformerSettings, precision: Precision | None) -> Any:
    """The trained model, or what is served of it."""
    return small_transformer(settings) if precision is None else served(settings, precision)


@functools.cache
def search_graph(settings: TransformerSettings, precision: Precision | None, name: str) -> Any:
    model, (function, options) = model_of(settings, precision), search(name)
    table, row = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)
    specs = tf.nest.map_structure(
        lambda array: tf.TensorSpec([None] * array.ndim, array.dtype), options
    )

    @tf.function(input_signature=[table, row, specs], autograph=False)
    def graph(tokens: tf.Tensor, lengths: tf.Tensor, options: Any) -> Any:
        return function(model, tokens, lengths=lengths, options=options, attention_layers=LAYERS)

    return graph


def run(
    settings: TransformerSettings,
    precision: Precision | None,
    name: str,
    rows: list[int] | None = None,
    *,
    columns: int = 12,
) -> Arrays:
    """The search in a graph, over some of the rows."""
    rows = list(range(ROWS)) if rows is None else rows
    chosen = tf.nest.map_structure(lambda array: tf.constant(array[rows]), search(name)[1])
    source = sources()
    found = search_graph(settings, precision, name)(
        tf.constant(source["tokens"][rows, :columns]), tf.constant(source["lengths"][rows]), chosen
    )
    return {key: tensor.numpy() for key, tensor in found._asdict().items()}


@functools.cache
def of_training_side(settings: TransformerSettings, name: str) -> Mapping[str, Any]:
    return run(settings, None, name)


def assert_same(found: Mapping[str, Any], expected: Mapping[str, Any], *, atol: float) -> None:
    assert found.keys() == expected.keys()
    for name, array in expected.items():
        if array.dtype == np.int32:
            np.testing.assert_array_equal(found[name], array, err_msg=name)
        else:
            np.testing.assert_allclose(found[name], array, atol=atol, rtol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", OTHERS)
def test_a_greedy_search_finds_what_it_finds_with_the_trained_model(kind: str) -> None:
    found = run(SETTINGS[kind], Precision.FLOAT32, "greedy")
    assert found["lengths"].max() == MAX_TARGET
    assert_same(found, of_training_side(SETTINGS[kind], "greedy"), atol=1e-4)


@pytest.mark.parametrize("kind", UNLIKE)
def test_a_beam_finds_what_it_finds_with_the_trained_model(kind: str) -> None:
    found = run(SETTINGS[kind], Precision.FLOAT32, "beam")
    assert_same(found, of_training_side(SETTINGS[kind], "beam"), atol=1e-4)


def test_a_sample_is_what_the_trained_model_draws() -> None:
    settings = SETTINGS["pre-relu-waves-tied"]
    found = run(settings, Precision.FLOAT32, "sample")
    assert_same(found, of_training_side(settings, "sample"), atol=1e-4)


@functools.cache
def score_graph(settings: TransformerSettings, precision: Precision | None) -> Any:
    model = model_of(settings, precision)
    table, row = tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None], tf.int32)

    @tf.function(input_signature=[table, row, table, row], autograph=False)
    def graph(
        tokens: tf.Tensor, lengths: tf.Tensor, target_tokens: tf.Tensor, target_lengths: tf.Tensor
    ) -> Any:
        return score_targets(
            model,
            tokens,
            lengths=lengths,
            target_tokens=target_tokens,
            target_lengths=target_lengths,
            attention_layers=LAYERS,
        )

    return graph


def score(settings: TransformerSettings, precision: Precision | None) -> Arrays:
    targets = np.random.default_rng(5).integers(4, VOCABULARY_SIZE, [ROWS, max(TARGET_LENGTHS)])
    found = score_graph(settings, precision)(
        *map(tf.constant, sources().values()),
        tf.constant(targets, tf.int32),
        tf.constant(TARGET_LENGTHS),
    )
    return {key: tensor.numpy() for key, tensor in found._asdict().items()}


@functools.cache
def scored_by_training_side(settings: TransformerSettings) -> Mapping[str, Any]:
    return score(settings, None)


def test_given_targets_get_the_scores_and_the_attention_that_the_trained_model_gives(
    settings: TransformerSettings,
) -> None:
    found = score(settings, Precision.FLOAT32)
    assert_same(found, scored_by_training_side(settings), atol=1e-4)


@pytest.mark.parametrize("name", ["greedy", "beam", "sample"])
@pytest.mark.parametrize("row", [0, 2])
def test_a_row_alone_finds_what_it_finds_in_a_batch(name: str, row: int) -> None:
    settings = SETTINGS["pre-relu-waves-tied"]
    together = run(settings, Precision.FLOAT32, name)
    alone = run(settings, Precision.FLOAT32, name, [row], columns=LENGTHS[row])
    most, length = alone["lengths"].shape[1], int(alone["lengths"].max())
    for key in ("tokens", "token_scores"):
        np.testing.assert_allclose(
            alone[key][0], together[key][row, :most, :length], atol=1e-4, err_msg=key
        )
    np.testing.assert_allclose(
        alone["attention"][0],
        together["attention"][row, :most, :length, : LENGTHS[row]],
        atol=1e-4,
    )


@pytest.mark.parametrize("precision", [Precision.FLOAT32, Precision.INT8], ids=str)
@pytest.mark.parametrize("name", ["greedy", "beam"])
def test_a_batch_of_no_rows_gives_no_hypotheses(name: str, precision: Precision) -> None:
    found = run(SETTINGS["pre-relu-waves-tied"], precision, name, [])
    assert found["tokens"].shape[0] == found["tokens"].shape[2] == 0


@pytest.mark.parametrize(
    ("precision", "mean_bound", "score_bound", "attention_bound"),
    [
        (Precision.FLOAT16, 0.01, 0.03, 0.01),
        (Precision.BFLOAT16, 0.05, 0.2, 0.06),
        (Precision.INT8, 0.15, 0.9, 0.4),
    ],
    ids=["float16", "bfloat16", "int8"],
)
@pytest.mark.parametrize("kind", UNLIKE)
def test_a_lower_precision_scores_nearly_as_the_trained_model(
    kind: str, precision: Precision, mean_bound: float, score_bound: float, attention_bound: float
) -> None:
    settings = SETTINGS[kind]
    found, expected = score(settings, precision), scored_by_training_side(settings)
    is_real = np.arange(max(TARGET_LENGTHS)) < np.array(TARGET_LENGTHS)[:, np.newaxis]
    difference = np.abs(found["token_scores"] - expected["token_scores"])[is_real]
    assert difference.mean() < mean_bound
    assert difference.max() < score_bound
    heads = np.abs(found["attention_heads"] - expected["attention_heads"])
    assert heads.max() < attention_bound
    np.testing.assert_allclose(found["attention"].sum(-1)[is_real], 1, atol=2e-3)


@pytest.mark.parametrize(
    ("precision", "name"),
    [
        (Precision.FLOAT16, "greedy"),
        (Precision.BFLOAT16, "greedy"),
        (Precision.INT8, "greedy"),
        (Precision.FLOAT16, "beam"),  # attention in 16 bits
        (Precision.INT8, "beam"),
    ],
    ids="{}".format,
)
def test_what_a_lower_precision_decodes_is_what_it_scores(precision: Precision, name: str) -> None:
    settings = SETTINGS["pre-relu-waves-tied"]
    found = run(settings, precision, name)
    exists = found["lengths"][:, 0] > 0
    lengths = found["lengths"][exists, 0]
    expected = score_graph(settings, precision)(
        *(tf.constant(array[exists]) for array in sources().values()),
        tf.constant(found["tokens"][exists, 0]),
        tf.constant(lengths),
    ).token_scores.numpy()
    is_real = np.arange(expected.shape[1]) < lengths[:, np.newaxis]
    difference = np.abs(found["token_scores"][exists, 0] - expected)[is_real]
    assert difference.max() < 0.05
