import subprocess
import sys

import numpy as np
import pytest

from heed import AsyncClient, BeamSearch, Client, Sampling
from heed.client import (
    AttentionLevel,
    FinishReason,
    InvalidRequestError,
    ModelVersion,
    NotFoundError,
    TokenKind,
)
from heed.v1 import inference_pb2
from tests.support.client import serving, upper_case


@pytest.fixture(scope="module")
def gateway():
    with serving() as (address, small_gateway):
        yield address, small_gateway


@pytest.fixture
def client(gateway):
    with Client(gateway[0]) as opened:
        yield opened


def test_one_text_gets_one_result(client):
    answer = client.generate("one")
    assert (answer.text, answer.score, answer.source_text) == ("ONE", -0.5, "one")
    assert [(token.text, token.begin, token.end) for token in answer.source_tokens] == [
        ("o", 0, 1),
        ("n", 1, 2),
        ("e", 2, 3),
    ]
    assert answer.source_tokens[0].score is None
    assert answer.tokens[0].score == pytest.approx(-0.5 / 3)
    assert answer.tokens[0].kind is TokenKind.TEXT
    assert answer.best.finish_reason is FinishReason.END
    assert answer.model == ModelVersion("upper", 7)
    assert answer.timings.total_s == 0.02
    assert answer.attention is None


def test_several_texts_get_a_list_in_order(client):
    assert [answer.text for answer in client.generate(["one", "two"])] == ["ONE", "TWO"]


def test_attention_is_an_array_with_named_axes(client):
    attention = client.generate("ab", attention="pieces").attention
    assert attention.shape == (2, 2)
    assert np.asarray(attention).dtype == np.float32
    np.testing.assert_array_equal(attention, np.eye(2))
    assert [token.text for token in attention.target_tokens] == ["A", "B"]
    assert [token.text for token in attention.source_tokens] == ["a", "b"]
    assert attention.heads is None


def test_heads_are_stacked_by_layer_and_missing_ones_are_not_numbers(client):
    attention = client.generate("ab", attention=AttentionLevel.HEADS).attention
    assert attention.heads.shape == (2, 2, 2, 2)
    assert attention.head_places == [(0, 0), (0, 1), (1, 0)]
    assert np.isnan(attention.heads[1, 1]).all()
    np.testing.assert_array_equal(attention.head(1, 0), np.eye(2))


def test_a_head_that_was_not_asked_for_is_an_error_that_says_how(client):
    attention = client.generate("ab", attention="pieces").attention
    with pytest.raises(ValueError, match='use attention="heads"'):
        attention.head(0, 0)


def test_options_reach_the_gateway(gateway, client):
    client.generate(
        "one",
        model=ModelVersion("m", 3),
        attention="pieces",
        max_length=9,
        min_length=0,
        prefix="O",
    )
    request = gateway[1].requests[-1]
    assert (request.model.name, request.model.version) == ("m", 3)
    assert request.options == inference_pb2.GenerateOptions(
        max_length=9,
        min_length=0,
        prefix="O",
        attention=inference_pb2.ATTENTION_LEVEL_PIECES,
    )
    client.generate("one")
    request = gateway[1].requests[-1]
    assert not request.model.HasField("version")
    assert not request.options.HasField("max_length")
    assert not request.options.HasField("min_length")


def test_a_label_reaches_the_gateway_and_goes_with_no_version(gateway, client):
    client.generate("one", model=ModelVersion("m", label="stable"))
    request = gateway[1].requests[-1]
    assert (request.model.label, request.model.HasField("version")) == ("stable", False)
    with pytest.raises(ValueError, match="a version and a label; give one of them"):
        client.generate("one", model=ModelVersion("m", 3, "stable"))


def test_an_unknown_attention_level_lists_the_levels(client):
    with pytest.raises(ValueError, match='must be one of "none", "pieces", "words", "heads"'):
        client.generate("one", attention="all")


def test_half_a_surrogate_pair_is_refused_with_its_place(client):
    with pytest.raises(InvalidRequestError, match=r"texts\[1\]: character 3 is not valid Unicode"):
        client.generate(["one", "tw\ud800"])


def test_a_number_that_does_not_fit_its_field_is_refused(client):
    with pytest.raises(InvalidRequestError, match=r"options.max_length: .* at most 2147483647"):
        client.generate("one", max_length=2**31)
    with pytest.raises(InvalidRequestError, match=r"model.version: .* out of range"):
        client.generate("one", model=ModelVersion("m", 2**63))


def test_a_text_that_is_no_text_is_a_type_error(client):
    with pytest.raises(TypeError, match=r"texts\[1\] must be a str, not int"):
        client.generate(["one", 2])


def test_score_takes_one_pair_or_several(client):
    assert client.score("ab", "A B").score == -3
    scores = client.score(["ab", "c"], ["A B", "C"])
    assert [(result.source_text, result.score) for result in scores] == [("ab", -3), ("c", -1)]
    assert [token.score for token in scores[0].tokens] == [-1, -1, -1]


def test_score_refuses_sources_and_targets_that_do_not_pair(client):
    with pytest.raises(ValueError, match="2 sources and 1 targets"):
        client.score(["a", "b"], ["A"])
    with pytest.raises(ValueError, match="both be one text"):
        client.score("a", ["A"])


def test_models_are_described(client):
    (model,) = client.models()
    assert model == client.model("upper") == client.model()
    assert (model.name, model.version, model.ready_versions, model.ready) == (
        "upper",
        7,
        (7, 6),
        True,
    )
    assert model.attention[0].name == "bahdanau"
    assert model.card.metrics == {"dev.word_accuracy": 0.68}


def test_an_unknown_model_is_not_found_and_the_message_names_the_others(client):
    with pytest.raises(NotFoundError, match="there are: upper"):
        client.model("lower")


def test_an_answer_beyond_four_megabytes_arrives():
    def large(request, context):
        response = upper_case(request)
        response.results[0].hypotheses[0].text = "x" * 6_000_000
        return response

    with serving(large) as (address, _), Client(address) as client:
        assert len(client.generate("a").text) == 6_000_000


def test_a_closed_client_says_so_and_closing_again_is_harmless(gateway):
    client = Client(gateway[0])
    client.close()
    client.close()
    with pytest.raises(ValueError, match="closed"):
        client.generate("one")


@pytest.mark.parametrize(
    ("settings", "message"),
    [({"address": " "}, "address is empty"), ({"timeout_s": 0}, "timeout_s is 0")],
)
def test_a_client_with_senseless_settings_is_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        Client(**settings)


async def test_the_asynchronous_client_answers_alike(gateway):
    async with AsyncClient(gateway[0]) as client:
        assert (await client.generate("one")).text == "ONE"
        assert [answer.text for answer in await client.generate(["one", "two"])] == ["ONE", "TWO"]
        assert (await client.score("ab", "A B")).score == -3
        assert (await client.models())[0] == await client.model("upper")
        with pytest.raises(NotFoundError):
            await client.model("lower")


def test_printing_attention_draws_it(client):
    assert str(client.generate("ab", attention="pieces").attention).startswith("   a  b\nA ███ ·")


def test_importing_heed_loads_no_grpc_until_the_client_is_asked_for():
    script = (
        "import sys, heed; assert not {'grpc', 'numpy', 'rich'} & set(sys.modules); "
        "from heed import Client; assert 'grpc' in sys.modules; "
        "assert not {'tensorflow', 'keras', 'matplotlib', 'service'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=60)


def test_a_beam_is_asked_for_with_its_options(gateway, client):
    beam = client.with_search(BeamSearch(4, num_hypotheses=2, length_penalty=0.5))
    beam.generate("one", max_length=9)
    options = gateway[1].requests[-1].options
    assert (options.beam_width, options.num_hypotheses, options.max_length) == (4, 2, 9)
    assert (options.length_penalty, options.no_repeat_ngram_size) == (0.5, 0)
    assert not options.HasField("sampling")


def test_a_search_holds_for_bulk_work_and_leaves_the_client_as_it_was(gateway, client):
    sampling = client.with_search(Sampling(temperature=0.5, seed=-3, num_samples=2))
    assert [answer.text for answer in sampling.generate_many(["one", "two"])] == ["ONE", "TWO"]
    options = gateway[1].requests[-1].options
    assert (options.sampling.temperature, options.sampling.seed) == (0.5, -3)
    assert options.sampling.num_samples == 2
    assert not options.HasField("beam_width")
    client.generate("one")
    assert not gateway[1].requests[-1].options.HasField("sampling")


def test_sampling_without_a_seed_leaves_it_to_the_gateway(gateway, client):
    client.with_search(Sampling()).generate("one")
    options = gateway[1].requests[-1].options
    assert options.HasField("sampling")
    assert not options.sampling.HasField("seed")


def test_a_search_of_another_type_or_size_is_refused(client):
    with pytest.raises(TypeError, match="search must be a BeamSearch or a Sampling, not int"):
        client.with_search(4).generate("one")
    with pytest.raises(InvalidRequestError, match=r"options\.sampling\.seed: .* out of range"):
        client.with_search(Sampling(seed=2**31)).generate("one")


async def test_the_asyncio_client_searches_too(gateway):
    async with AsyncClient(gateway[0]) as client:
        await client.with_search(BeamSearch(3)).generate("one")
    assert gateway[1].requests[-1].options.beam_width == 3
