"""The encoder of pictures against NumPy, and models of pictures with every attention."""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
import pytest
import tensorflow as tf

from model_export.config import AttentionKind, CellKind, DecoderKind, ImageRnnSettings
from model_export.decoding import BeamOptions, DecodingOptions, beam_search, score_targets
from model_export.encoders import ImageEncoder
from model_export.models import Seq2Seq, build_model
from tests.support.numpy_image import annotations

HEIGHT, VOCABULARY = 8, 9
WIDTHS = [7, 16, 1, 12]
PLACES = [2 * 2, 2 * 4, 2 * 1, 2 * 3]
"""Two rows, and a column for every four pixels that are begun."""


def pictures(widths: list[int], *, channels: int = 1, wider: int = 0) -> Any:
    """Noise, and noise behind each picture's width too: uint8 [B, W, H, C]."""
    random = np.random.default_rng(3)
    shape = (len(widths), max(WIDTHS) + wider, HEIGHT, channels)
    images = random.integers(0, 256, (4, 40, HEIGHT, channels)).astype(np.uint8)
    behind = random.integers(0, 256, (4, 40, HEIGHT, channels)).astype(np.uint8)
    for row, width in enumerate(widths):
        images[row, width:] = behind[row, width:] if wider else 0
    return images[: shape[0], : shape[1]]


def encoder(*, channels: int = 1, positions: bool = True, poolings: int = 2) -> ImageEncoder:
    keras.utils.set_random_seed(2)
    layer = ImageEncoder([3, 5, 8], poolings=poolings, positions=positions, name="encoder")
    layer(tf.zeros([1, 4, HEIGHT, channels], tf.uint8), mask=tf.ones([1, 4], tf.bool))
    for weight in layer.trainable_variables:  # biases that padding would bring to light
        if "bias" in weight.path:
            weight.assign(np.linspace(-0.3, 0.5, weight.shape[0]))
    return layer


def encoded(layer: ImageEncoder, images: Any, widths: list[int]) -> tuple[Any, Any]:
    output = layer(tf.constant(images), mask=tf.sequence_mask(widths, images.shape[1]))
    return output.values.numpy(), output.summary.numpy()


@pytest.mark.parametrize(
    "options",
    [{}, {"channels": 3}, {"positions": False}, {"poolings": 0}, {"poolings": 3}],
    ids=str,
)
def test_annotations_are_those_of_the_equations(options: dict[str, Any]) -> None:
    layer = encoder(**options)
    channels, poolings = options.get("channels", 1), options.get("poolings", 2)
    images = pictures(WIDTHS, channels=channels, wider=5)
    layers = [(c.kernel.numpy(), c.bias.numpy()) for c in layer.convolutions]
    values, summary = encoded(layer, images, WIDTHS)

    for row, width in enumerate(WIDTHS):
        expected = annotations(
            images[row, :width].astype(float),
            layers,
            poolings=poolings,
            positions=options.get("positions", True),
        )
        places = len(expected)
        assert places == -(-width // 2**poolings) * (HEIGHT // 2**poolings)
        np.testing.assert_allclose(values[row, :places], expected, atol=2e-5)
        np.testing.assert_allclose(summary[row], expected.mean(axis=0), atol=2e-5)
        assert not values[row, places:].any()


def test_a_picture_does_not_see_what_it_is_padded_with() -> None:
    layer = encoder()
    values, summary = encoded(layer, pictures(WIDTHS), WIDTHS)
    padded, other_summary = encoded(layer, pictures(WIDTHS, wider=9), WIDTHS)

    np.testing.assert_allclose(padded[:, : values.shape[1]], values, atol=1e-6)
    np.testing.assert_allclose(other_summary, summary, atol=1e-6)
    for row, width in enumerate(WIDTHS):
        alone, _ = encoded(layer, pictures(WIDTHS)[row : row + 1, :width], [width])
        np.testing.assert_allclose(alone[0], values[row, : PLACES[row]], atol=1e-6)


def test_the_mask_of_places_covers_what_is_begun() -> None:
    layer = encoder()

    mask = layer.place_mask(tf.sequence_mask(WIDTHS, 18), height=HEIGHT).numpy()

    assert mask.shape == (4, 2 * 5)
    assert mask.sum(axis=1).tolist() == PLACES
    assert all(row[: row.sum()].all() for row in mask)


def model(attention: object, **settings: Any) -> Seq2Seq:
    return build_model(
        ImageRnnSettings.model_validate(
            {
                "attention": attention,
                "height": HEIGHT,
                "max_width": 40,
                "convolutions": [4, 8],
                "embedding_width": 4,
                "decoder_width": 8,
                "readout_width": 8,
                "dropout": 0.0,
                **settings,
            }
        ),
        source_vocabulary_size=0,
        target_vocabulary_size=VOCABULARY,
        seed=4,
    )


def inputs(*, wider: int = 0) -> dict[str, Any]:
    targets = np.random.default_rng(5).integers(4, VOCABULARY, (4, 5)).astype(np.int32)
    targets[:, 0] = 2
    return {
        "tokens": tf.constant(pictures(WIDTHS, wider=wider)),
        "lengths": tf.constant(WIDTHS),
        "target_inputs": tf.constant(targets),
    }


CASES = [
    *((kind, {}) for kind in AttentionKind),
    ({"kind": "bahdanau", "coverage": "vector"}, {"cell": CellKind.LSTM}),
    ("luong_dot", {"decoder": DecoderKind.BAHDANAU, "decoder_layers": 2}),
]


@pytest.mark.parametrize(("attention", "settings"), CASES, ids=str)
def test_every_attention_reads_pictures_whatever_they_are_padded_with(
    attention: object, settings: dict[str, Any]
) -> None:
    reader = model(attention, **settings)
    output, padded = reader(inputs()), reader(inputs(wider=11))

    np.testing.assert_allclose(padded.logits, output.logits, atol=1e-5)
    places = output.attention_heads.shape[-1]
    np.testing.assert_allclose(
        padded.attention_heads[..., :places], output.attention_heads, atol=1e-5
    )
    assert not padded.attention_heads.numpy()[..., places:].any()
    assert output.position_counts.numpy().tolist() == PLACES
    for row, count in enumerate(PLACES):
        weights = output.attention_heads.numpy()[row, 0, 0]
        assert not weights[:, count:].any()
        if not str(attention).startswith("luong_local"):
            np.testing.assert_allclose(weights[:, :count].sum(axis=-1), 1.0, atol=1e-5)


def test_steps_are_what_the_whole_is() -> None:
    reader = model("xu_soft")
    batch = inputs()
    whole = reader(batch)
    state, memory = reader.encode(batch["tokens"], batch["lengths"])

    for place in range(5):
        step = reader.decode_step(batch["target_inputs"][:, place], state, memory)
        state = step.state
        np.testing.assert_allclose(step.logits, whole.logits[:, place], atol=1e-5)
        np.testing.assert_allclose(
            step.attention_heads, whole.attention_heads[:, :, :, place], atol=1e-6
        )


def test_coverage_of_a_beam_is_over_all_places_of_a_picture() -> None:
    """A penalty over fewer places would order the hypotheses otherwise."""
    reader = model("bahdanau")
    batch = inputs()
    rows = tf.ones([4], tf.int32)
    limits = DecodingOptions(6 * rows, 0 * rows, tf.zeros([4, 1], tf.int32), 0 * rows)
    beta = 0.7
    options = BeamOptions(3 * rows, tf.zeros([4]), tf.fill([4], beta), 0 * rows)

    found = beam_search(
        reader,
        batch["tokens"],
        lengths=batch["lengths"],
        options=(limits, options),
        attention_layers=[0],
    )

    for row, places in enumerate(PLACES):
        for k in range(3):
            length = int(found.lengths[row, k])
            covered = found.attention.numpy()[row, k, :length, :places].sum(axis=0)
            penalty = beta * np.log(np.minimum(covered, 1.0)).sum()
            expected = float(found.scores[row, k]) + penalty
            assert float(found.ranks[row, k]) == pytest.approx(expected, abs=1e-3)
            scored = score_targets(
                reader,
                batch["tokens"][row : row + 1],
                lengths=batch["lengths"][row : row + 1],
                target_tokens=found.tokens[row : row + 1, k, :length],
                target_lengths=tf.constant([length]),
                attention_layers=[0],
            )
            assert float(scored.scores[0]) == pytest.approx(float(found.scores[row, k]), abs=1e-4)
