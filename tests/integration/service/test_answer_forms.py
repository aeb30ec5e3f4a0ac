"""Words, alignments, smaller forms of weights, tokens and timings, through the real gateway."""

from __future__ import annotations

import numpy as np
import pytest

from heed.client import AnswerOptions, Attention, Client, InvalidRequestError, Token
from heed.v1 import inference_pb2
from tests.support.gateway import GatewayProcess, error_of, generate_request, violations_of

TEXTS = ["ab cd", "heed"]


@pytest.fixture
def client(gateway: GatewayProcess) -> Client:
    with Client(gateway.address) as one:
        yield one


def own_pieces(word: Token, words: tuple[Token, ...], pieces: tuple[Token, ...]) -> list[int]:
    """The places of a word's pieces; a piece of white space belongs to the word behind it."""
    if word.kind == "end":
        return [len(pieces) - 1]
    return [
        place
        for place, piece in enumerate(pieces)
        if piece.kind != "end"
        and word == next((one for one in words if one.end > piece.begin), words[-1])
    ]


def words_by_hand(pieces: Attention, words: Attention) -> list[list[float]]:
    """Means over the rows of a target word's pieces, sums over the columns of a source word's."""
    rows = []
    for word in words.target_tokens:
        own = own_pieces(word, words.target_tokens, pieces.target_tokens)
        columns = [
            own_pieces(source, words.source_tokens, pieces.source_tokens)
            for source in words.source_tokens
        ]
        rows.append(
            [
                float(sum(pieces.weights[row, column] for row in own for column in places))
                / len(own)
                for places in columns
            ]
        )
    return rows


def test_words_are_the_pieces_spread_by_their_offsets(client: Client) -> None:
    by_pieces = client.generate(TEXTS, attention="pieces")
    by_words = client.generate(TEXTS, attention="words")
    for text, pieces, words in zip(TEXTS, by_pieces, by_words, strict=True):
        attention = words.attention
        assert [word.text for word in attention.source_tokens] == text.split()
        shown = [word.text for word in attention.target_tokens if word.kind == "word"]
        assert shown == words.text.split()
        assert attention.heads is None
        expected = words_by_hand(pieces.attention, attention)
        np.testing.assert_allclose(attention.weights, expected, atol=1e-5)
        np.testing.assert_allclose(attention.weights.sum(axis=1), 1.0, atol=1e-4)
        assert sum(word.score for word in attention.target_tokens) == pytest.approx(
            words.score, abs=1e-3
        )


def test_an_alignment_comes_without_attention_and_points_into_both_texts(client: Client) -> None:
    aligning = client.with_answers(AnswerOptions(alignments=True))
    for text, answer in zip(TEXTS, aligning.generate(TEXTS), strict=True):
        assert answer.attention is None
        alignment = answer.alignment
        assert [word.text for word in alignment.source_words] == text.split()
        assert [word.text for word in alignment.target_words] == answer.text.split()
        for source, target, weight in alignment.words():
            assert text[source.begin : source.end] == source.text
            assert answer.text[target.begin : target.end] == target.text
            assert 0 < weight <= 1
        words = client.generate(text, attention="words").attention.weights
        for pair in alignment.pairs:
            assert pair.source_index == words[pair.target_index].argmax()
            assert pair.weight == pytest.approx(
                float(words[pair.target_index, pair.source_index]), abs=1e-5
            )
        assert len(alignment.pharaoh().split()) == len(alignment.pairs) == len(answer.text.split())


def test_scores_have_words_and_alignments_too(client: Client) -> None:
    options = AnswerOptions(alignments=True, min_alignment_weight=0.0)
    answer = client.with_answers(options).score("ab cd", "HH IY D", attention="words")
    assert [word.text for word in answer.attention.target_tokens] == ["HH", "IY", "D", ""]
    assert answer.attention.shape == (4, 2)
    assert [word.text for word in answer.alignment.target_words] == ["HH", "IY", "D"]


@pytest.mark.parametrize("attention", ["pieces", "words", "heads"])
@pytest.mark.parametrize(
    "options",
    [
        AnswerOptions(weight_format="float16"),
        AnswerOptions(top_weights=2),
        AnswerOptions(top_weights=2, weight_format="float16"),
        AnswerOptions(top_weights=1000),
    ],
)
def test_smaller_forms_hold_the_same_weights(
    client: Client, options: AnswerOptions, attention: str
) -> None:
    plain = client.generate("ab cd", attention=attention).attention
    packed = client.with_answers(options).generate("ab cd", attention=attention).attention
    assert packed.weight_format == options.weight_format
    columns = plain.shape[1]
    if options.top_weights is None:
        assert packed.top_weights is None
    else:
        assert packed.top_weights == min(options.top_weights, columns)
    tolerance = 1e-3 if options.weight_format == "float16" else 1e-6
    pairs = [(packed.weights, plain.weights)]
    if attention == "heads":
        pairs += [(packed.head(*p).weights, plain.head(*p).weights) for p in plain.head_places]
    for mine, whole in pairs:
        kept = mine > 0
        np.testing.assert_allclose(mine[kept], whole[kept], atol=tolerance)
        if options.top_weights == 2:
            assert (kept.sum(axis=1) <= 2).all()
            np.testing.assert_allclose(mine.max(axis=1), whole.max(axis=1), atol=tolerance)


def test_heads_can_be_of_words(client: Client) -> None:
    options = AnswerOptions(heads_of_words=True, weight_format="float16")
    attention = client.with_answers(options).generate("ab cd", attention="heads").attention
    assert attention.shape[1] == 2
    assert attention.heads.shape[2:] == attention.shape
    np.testing.assert_allclose(attention.heads[0, 0].sum(axis=1), 1.0, atol=2e-3)


def test_what_cannot_be_is_refused_by_field_and_limit(client: Client) -> None:
    wrong = {
        AnswerOptions(top_weights=0): r"options\.attention_options\.top_weights: must be 1 to 1000",
        AnswerOptions(heads_of_words=True): r"heads_of_words: needs options\.attention to be",
        AnswerOptions(alignments=True, min_alignment_weight=2): r"options\.alignment\.min_weight",
    }
    for options, message in wrong.items():
        with pytest.raises(InvalidRequestError, match=message):
            client.with_answers(options).generate("ab", attention="pieces")


def test_texts_are_split_as_the_model_reads_them(client: Client) -> None:
    tokenized = client.tokenize(["h😀", "", "heed " * 20])
    first, empty, long = tokenized
    assert [(token.text, token.begin, token.end) for token in first.tokens] == [
        ("h", 0, 1),
        ("😀", 1, 2),
    ]
    assert first.tokens[1].kind == "unknown"
    assert [(one.fits, len(one.tokens) > one.max_token_count) for one in tokenized] == [
        (True, False),
        (False, False),
        (False, True),
    ]
    assert empty.tokens == ()
    assert len(long.pieces) == len(long.tokens)
    model = client.model()
    assert first.max_token_count == model.max_source_tokens
    target = client.tokenize("HH IY D", side="target")
    assert [token.text for token in target.tokens] == ["HH", "IY", "D"]
    assert [piece.strip("\u2581") for piece in target.pieces] == ["HH", "IY", "D"]
    assert target.max_token_count == model.max_target_tokens - 1
    answer = client.generate("heed")
    assert client.tokenize("heed").tokens == answer.source_tokens


def test_too_much_to_split_is_refused_and_no_error_holds_the_text(gateway: GatewayProcess) -> None:
    secret = "tuna"
    request = inference_pb2.TokenizeRequest(texts=[secret * 4000] * 7)
    error = error_of(lambda: gateway.stub.Tokenize(request, timeout=60))
    assert violations_of(error) == {
        "texts": "must have at most 20000 characters together, got 112000"
    }
    side = inference_pb2.TokenizeRequest(texts=[secret], side=7)
    assert "side" in violations_of(error_of(lambda: gateway.stub.Tokenize(side, timeout=60)))
    none = inference_pb2.TokenizeRequest()
    assert "texts" in violations_of(error_of(lambda: gateway.stub.Tokenize(none, timeout=60)))
    assert secret not in str(error)
    assert secret not in gateway.log()


@pytest.mark.parametrize("level", ["PIECES", "HEADS", "WORDS"])
def test_stages_never_add_up_to_more_than_the_total(gateway: GatewayProcess, level: str) -> None:
    request = generate_request(*TEXTS, attention=getattr(inference_pb2, f"ATTENTION_LEVEL_{level}"))
    timings = gateway.stub.Generate(request, timeout=60).timings
    stages = {
        field.name: value.ToNanoseconds()
        for field, value in timings.ListFields()
        if field.name.endswith("_duration")
    }
    total = stages.pop("total_duration")
    assert sum(stages.values()) <= total
    for name in ("tokenize", "model", "detokenize", "attention"):
        assert stages[f"{name}_duration"] > 0
    assert (stages.get("heads_duration", 0) > 0) == (level == "HEADS")
    assert timings.cached_result_count == 0
