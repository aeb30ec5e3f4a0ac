import dataclasses
import json

import numpy as np
import pytest

from heed.client import (
    AlignedPair,
    Alignment,
    Attention,
    FinishReason,
    Timings,
    Token,
    TokenKind,
    WeightFormat,
    Word,
)
from heed.client.caption_messages import caption_results
from heed.client.captioned import Caption, CaptionResult, ImageAttention, ImageGrid
from heed.client.classify_messages import classify_results
from heed.client.conversion import generate_results, score_results
from heed.client.responses import request_document, response_document, response_of
from service.http.json_writer import write_json
from tests.support.answers import MODEL, make_answer, make_classified, make_score
from tests.support.client import make_attention, make_tokens

ATTENTION = make_attention(["A", "B"], ["a", "b", "c"], [[0.5, 0.25, 0.25], [0.125, 0.75, 0.125]])
TIMINGS = Timings(0.5, 0.001, 0.002, 0.25, 0.125, 0.0625, 0.03125, 1)


def same(left, right):
    """Whether two values are equal, arrays included."""
    if dataclasses.is_dataclass(left):
        names = [field.name for field in dataclasses.fields(left)]
        return type(left) is type(right) and all(
            same(getattr(left, name), getattr(right, name)) for name in names
        )
    if isinstance(left, np.ndarray):
        return np.array_equal(left, right, equal_nan=True)
    if isinstance(left, tuple):
        return len(left) == len(right) and all(map(same, left, right))
    return left == right


def with_heads(attention):
    heads = np.stack([np.stack([attention.weights, attention.weights])] * 2)
    heads[1, 1] = np.nan
    return dataclasses.replace(attention, heads=heads)


def full_answer():
    answer = make_answer(with_heads(ATTENTION))
    alignment = Alignment((Word("a<b", 0, 3),), (Word("AB", 0, 2),), (AlignedPair(0, 0, 0.5),))
    end = Token(3, "", 2, 2, TokenKind.END, -0.25)
    unknown = Token(1, "?", 0, 1, TokenKind.UNKNOWN)
    best = dataclasses.replace(
        answer.best,
        alignment=alignment,
        rank_score=-0.75,
        finish_reason=FinishReason.LENGTH,
        tokens=(*answer.best.tokens, end),
    )
    return dataclasses.replace(
        answer,
        hypotheses=(best, make_answer().best),
        source_tokens=(unknown, *answer.source_tokens),
        timings=TIMINGS,
    )


def test_an_answer_comes_back_as_it_was():
    answer = full_answer()
    (read,) = generate_results([answer.source_text], response_of(answer))
    assert same(read, answer)


def test_a_score_comes_back_as_it_was():
    answer = make_score(ATTENTION)
    (read,) = score_results([answer.source_text], response_of(answer))
    assert same(read, answer)


@pytest.mark.parametrize("with_attention", [True, False])
def test_a_classification_comes_back_as_it_was(with_attention):
    answer = make_classified(with_attention=with_attention)
    (read,) = classify_results([answer.text], response_of(answer))
    assert read.probability == pytest.approx(answer.probability)
    assert same(read.attention, answer.attention)
    assert same(read.source_tokens, answer.source_tokens)


@pytest.mark.parametrize("weight_format", WeightFormat)
@pytest.mark.parametrize("top_weights", [None, 2])
def test_weights_travel_as_they_came(weight_format, top_weights):
    weights = ATTENTION.weights.copy()
    if top_weights:
        weights[0, 2] = weights[1, 0] = 0
    attention = Attention(
        make_tokens("A", "B"),
        make_tokens("a", "b", "c"),
        weights,
        weight_format=weight_format,
        top_weights=top_weights,
    )
    (read,) = generate_results(["a<b"], response_of(make_answer(with_heads(attention))))
    assert same(read.attention, with_heads(attention))


@pytest.mark.parametrize("answer", [full_answer(), make_score(ATTENTION), make_classified()])
def test_the_document_is_what_the_gateway_writes(answer):
    assert response_document(answer) == json.loads(write_json(response_of(answer)))


def test_what_is_no_answer_says_so():
    with pytest.raises(TypeError, match="a float is no answer of a gateway"):
        response_of(1.0)


def make_caption():
    grid = ImageGrid(40, 20, 4, 2, 10.0, 10.0)
    weights = np.full((2, 2, 4), 0.125, np.float32)
    attention = ImageAttention(make_tokens("A", "B"), grid, weights, weights[None, None], b"PNG")
    best = Caption("AB", -1.5, make_tokens("A", "B"), FinishReason.END, attention)
    return CaptionResult((best,), grid, MODEL, TIMINGS)


def test_a_caption_comes_back_as_it_was():
    answer = make_caption()
    (read,) = caption_results([b"PNG"], response_of(answer))
    assert same(read, answer)
    assert request_document(answer) == {"images": [{"content": "UE5H"}]}
