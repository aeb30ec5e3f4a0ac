"""What an answer is to tell, read from requests; and smaller forms of weights, written."""

from __future__ import annotations

import numpy as np
import pytest

from heed.v1 import inference_pb2
from service.api.answer_options import MAX_TOP_WEIGHTS
from service.api.from_messages import read_generate, read_score
from service.api.weight_messages import write_weights
from service.domain.answers import PLAIN, Packing, WeightFormat
from service.domain.requests import AlignmentOptions, AnswerForm
from service.domain.signatures import AttentionLevel
from service.errors import InvalidRequestError

HEADS = inference_pb2.ATTENTION_LEVEL_HEADS
WORDS = inference_pb2.ATTENTION_LEVEL_WORDS


def request(attention: int = HEADS, **options: object) -> inference_pb2.GenerateRequest:
    layout = {k: v for k, v in options.items() if k != "min_weight"}
    message = inference_pb2.GenerateOptions(attention=attention)
    message.attention_options.CopyFrom(inference_pb2.AttentionOptions(**layout))
    if "min_weight" in options:
        message.alignment.min_weight = options["min_weight"]
    return inference_pb2.GenerateRequest(texts=["a"], options=message)


def test_what_is_unset_is_the_plain_form() -> None:
    assert read_generate(inference_pb2.GenerateRequest(), None).options.form == AnswerForm()
    assert read_score(inference_pb2.ScoreRequest(), None).form == AnswerForm()


def test_every_option_is_read() -> None:
    message = request(
        heads_of_words=True,
        top_weights=3,
        weight_format=inference_pb2.WEIGHT_FORMAT_FLOAT16,
        min_weight=0.5,
    )
    expected = AnswerForm(True, Packing(3, WeightFormat.FLOAT16), AlignmentOptions(0.5))
    assert read_generate(message, None).options.form == expected
    scored = inference_pb2.ScoreRequest(
        attention=HEADS,
        attention_options=message.options.attention_options,
        alignment=message.options.alignment,
    )
    assert read_score(scored, None).form == expected
    assert read_generate(request(WORDS), None).options.attention is AttentionLevel.WORDS


def test_an_empty_message_asks_for_alignments() -> None:
    message = inference_pb2.GenerateRequest()
    message.options.alignment.SetInParent()
    assert read_generate(message, None).options.form.alignment == AlignmentOptions(0.0)


@pytest.mark.parametrize(
    ("message", "field", "text"),
    [
        (request(top_weights=0), "attention_options.top_weights", "must be 1 to 1000, got 0"),
        (
            request(top_weights=MAX_TOP_WEIGHTS + 1),
            "attention_options.top_weights",
            "must be 1 to 1000, got 1001",
        ),
        (request(weight_format=9), "attention_options.weight_format", "must be one of WEIGHT_"),
        (
            request(0, top_weights=3),
            "attention_options.top_weights",
            "needs an attention level: without one there are no weights",
        ),
        (
            request(0, weight_format=2),
            "attention_options.weight_format",
            "needs an attention level",
        ),
        (
            request(WORDS, heads_of_words=True),
            "attention_options.heads_of_words",
            "needs options.attention to be ATTENTION_LEVEL_HEADS",
        ),
        (request(min_weight=1.5), "alignment.min_weight", "must be 0 to 1, got 1.5"),
        (request(min_weight=float("nan")), "alignment.min_weight", "must be 0 to 1, got nan"),
        (request(77), "attention", "must be one of ATTENTION_LEVEL_"),
    ],
)
def test_what_cannot_be_is_refused_with_its_field_and_limit(
    message: inference_pb2.GenerateRequest, field: str, text: str
) -> None:
    with pytest.raises(InvalidRequestError) as refused:
        read_generate(message, None)
    (violation,) = refused.value.violations
    assert violation.field == f"options.{field}"
    assert violation.description.startswith(text)


def test_fields_of_a_score_request_have_no_prefix() -> None:
    message = inference_pb2.ScoreRequest(attention=WORDS)
    message.attention_options.heads_of_words = True
    with pytest.raises(InvalidRequestError) as refused:
        read_score(message, None)
    assert refused.value.violations[0].field == "attention_options.heads_of_words"
    assert refused.value.violations[0].description.startswith("needs attention to be")


WEIGHTS = np.array([[0.25, 0.5, 0.25], [0.0, 0.0, 1.0]], np.float32)


def test_the_plain_form_has_every_weight_as_a_float() -> None:
    message = inference_pb2.Attention()
    write_weights(message, WEIGHTS, PLAIN)
    assert list(message.weights) == WEIGHTS.ravel().tolist()
    assert not message.HasField("packed_weights")


@pytest.mark.parametrize("size", [0, 1, 31, 32, 127, 128, 5000, 600_000])
def test_any_number_of_weights_is_written_as_one_by_one(size: int) -> None:
    weights = np.random.default_rng(size).random((1, size)).astype(np.float32)
    for message in (inference_pb2.Attention(), inference_pb2.AttentionHead(head_index=3)):
        expected = type(message)()
        expected.CopyFrom(message)
        expected.weights.extend(weights.ravel().tolist())
        write_weights(message, weights, PLAIN)
        assert message == expected


def test_smaller_forms_stand_beside_in_the_attention_and_in_heads() -> None:
    for message in (inference_pb2.Attention(), inference_pb2.AttentionHead()):
        write_weights(message, WEIGHTS, Packing(2, WeightFormat.FLOAT16))
        assert not message.weights
        packed = message.packed_weights
        assert packed.weights_per_row == 2
        assert list(packed.columns) == [1, 0, 2, 0]
        assert np.frombuffer(packed.float16_weights, "<f2").tolist() == [0.5, 0.25, 1.0, 0.0]
        assert not packed.weights


def test_half_precision_alone_keeps_every_weight_in_order() -> None:
    message = inference_pb2.Attention()
    write_weights(message, WEIGHTS, Packing(weight_format=WeightFormat.FLOAT16))
    assert not message.packed_weights.HasField("weights_per_row")
    assert message.packed_weights.float16_weights == WEIGHTS.astype("<f2").tobytes()


def test_the_largest_weights_alone_are_floats() -> None:
    message = inference_pb2.Attention()
    write_weights(message, WEIGHTS, Packing(top_weights=1))
    assert list(message.packed_weights.weights) == [0.5, 1.0]
    assert list(message.packed_weights.columns) == [1, 2]
