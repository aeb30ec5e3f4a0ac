"""What answers tell beside texts, asked for and read by the client."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from heed import AnswerOptions, AsyncClient, Client
from heed.client import (
    AlignedPair,
    InvalidRequestError,
    TextSide,
    Timings,
    TokenKind,
    WeightFormat,
    Word,
    conversion,
)
from heed.v1 import inference_pb2
from tests.support.client import SmallGateway, serving

Served = tuple[str, SmallGateway]


@pytest.fixture(scope="module")
def gateway() -> Iterator[Served]:
    with serving() as served:
        yield served


@pytest.fixture
def client(gateway: Served) -> Iterator[Client]:
    with Client(gateway[0]) as one:
        yield one


def test_options_of_answers_reach_the_gateway(gateway: Served, client: Client) -> None:
    options = AnswerOptions(
        alignments=True,
        min_alignment_weight=0.25,
        heads_of_words=True,
        top_weights=5,
        weight_format="float16",
    )
    client.with_answers(options).generate("one", attention="heads")
    sent = gateway[1].requests[-1].options
    assert sent.alignment.min_weight == 0.25
    assert sent.attention_options == inference_pb2.AttentionOptions(
        heads_of_words=True, top_weights=5, weight_format=inference_pb2.WEIGHT_FORMAT_FLOAT16
    )
    client.generate("one", attention="words")
    plain = gateway[1].requests[-1].options
    assert plain.attention == inference_pb2.ATTENTION_LEVEL_WORDS
    assert not plain.HasField("alignment")
    assert not plain.HasField("attention_options")


def test_an_alignment_names_words_of_both_texts(client: Client) -> None:
    answer = client.with_answers(AnswerOptions(alignments=True)).generate("two  words")
    alignment = answer.alignment
    assert alignment.source_words == (Word("two", 0, 3), Word("words", 5, 10))
    assert alignment.target_words == (Word("TWO", 0, 3), Word("WORDS", 5, 10))
    assert alignment.pairs == (AlignedPair(0, 0, 0.75), AlignedPair(1, 1, 0.75))
    assert alignment.pharaoh() == "0-0 1-1"
    assert [(s.text, t.text, weight) for s, t, weight in alignment.words()] == [
        ("two", "TWO", 0.75),
        ("words", "WORDS", 0.75),
    ]
    assert client.generate("two words").alignment is None


def test_texts_are_split_on_either_side(gateway: Served, client: Client) -> None:
    one = client.tokenize("abc")
    assert (one.ids, one.pieces, one.fits, one.max_token_count) == (
        [4, 5, 6],
        tuple("abc"),
        True,
        9,
    )
    assert (one.tokens[1].begin, one.tokens[1].end) == (1, 2)
    several = client.tokenize(["", "a" * 10], side="target")
    assert [result.fits for result in several] == [False, False]
    assert gateway[1].tokenize_requests[-1].side == inference_pb2.TEXT_SIDE_TARGET
    with pytest.raises(ValueError, match='must be one of "source", "target"'):
        client.tokenize("a", side="both")
    with pytest.raises(InvalidRequestError, match=r"texts\[1\]"):
        client.tokenize(["a", "\ud800"])


async def test_the_asynchronous_client_tells_as_much(gateway: Served) -> None:
    async with AsyncClient(gateway[0]) as client:
        aligning = client.with_answers(AnswerOptions(alignments=True))
        assert (await aligning.generate("a b")).alignment.pharaoh() == "0-0 1-1"
        assert (await client.tokenize("ab", side=TextSide.SOURCE)).ids == [4, 5]
        assert [one.text for one in await client.tokenize(["a", "b"])] == ["a", "b"]


def test_options_that_cannot_be_are_refused_before_anything_is_sent(client: Client) -> None:
    with pytest.raises(ValueError, match='must be one of "float32", "float16"'):
        AnswerOptions(weight_format="float8")
    with pytest.raises(InvalidRequestError, match="top_weights: 4294967296 is out of range"):
        client.with_answers(AnswerOptions(top_weights=2**32)).generate("one", attention="pieces")
    with pytest.raises(TypeError, match="answers must be an AnswerOptions, not dict"):
        client.with_answers({}).generate("one")


def attention_message(shape: tuple[int, int], **packed: object) -> inference_pb2.Attention:
    message = inference_pb2.Attention(packed_weights=inference_pb2.PackedWeights(**packed))
    for _ in range(shape[0]):
        message.target_tokens.add(id=0, text="t", kind=inference_pb2.TOKEN_KIND_WORD)
    for _ in range(shape[1]):
        message.source_tokens.add(id=9, text="s", kind=inference_pb2.TOKEN_KIND_TEXT)
    message.heads.add(layer_index=1, head_index=0).packed_weights.CopyFrom(message.packed_weights)
    return message


def read(message: inference_pb2.Attention):
    response = inference_pb2.GenerateResponse()
    response.results.add().hypotheses.add().attention.CopyFrom(message)
    return conversion.generate_results(["s"], response)[0].attention


def test_smaller_forms_are_read_into_whole_matrices() -> None:
    weights = np.array([[0.5, 0.0, 0.25], [0.125, 0.75, 0.0]], np.float32)
    half = read(attention_message((2, 3), float16_weights=weights.astype("<f2").tobytes()))
    np.testing.assert_array_equal(half.weights, weights)
    np.testing.assert_array_equal(half.head(1, 0).weights, weights)
    assert (half.weight_format, half.top_weights) == (WeightFormat.FLOAT16, None)
    assert half.head(1, 0).weight_format is WeightFormat.FLOAT16
    assert half.target_tokens[0].kind is TokenKind.WORD

    packed = {"weights_per_row": 2, "columns": [0, 2, 1, 0], "weights": [0.5, 0.25, 0.75, 0.125]}
    largest = read(attention_message((2, 3), **packed))
    np.testing.assert_array_equal(largest.weights, weights)
    assert largest.weights.dtype == np.float32
    assert (largest.weight_format, largest.top_weights) == (WeightFormat.FLOAT32, 2)
    assert largest.head_places == [(1, 0)]


def test_stages_and_the_rest_are_the_whole() -> None:
    timings = Timings(total_s=1.0, tokenize_s=0.1, queue_s=0.2, model_s=0.3, heads_s=0.1)
    assert timings.stages["other"] == pytest.approx(0.3)
    assert sum(timings.stages.values()) == pytest.approx(timings.total_s)
    assert Timings(total_s=0.1, model_s=0.2).stages["other"] == 0
