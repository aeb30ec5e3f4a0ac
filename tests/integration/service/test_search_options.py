"""Beam search and sampling through the real stack: right answers, and wrong options refused."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from heed.v1 import inference_pb2
from tests.support.exported_model import MAX_TARGET_TOKENS
from tests.support.gateway import (
    GatewayProcess,
    error_of,
    generate_request,
    running_gateway,
    violations_of,
)
from tests.support.stub_model_server import MODEL_NAME as STUB_NAME
from tests.support.stub_model_server import StubModelServer, running_stub

TEXTS = ["attention", "heed", "a", "zeitgeist", "co-operate"]
PIECES = inference_pb2.ATTENTION_LEVEL_PIECES


def sampling(**options: object) -> inference_pb2.SamplingOptions:
    return inference_pb2.SamplingOptions(**options)


def answers(
    gateway: GatewayProcess, *texts: str, **options: object
) -> list[list[inference_pb2.Hypothesis]]:
    response = gateway.stub.Generate(generate_request(*texts, **options), timeout=60)
    return [list(result.hypotheses) for result in response.results]


def test_hypotheses_come_sorted_distinct_and_as_many_as_asked_for(gateway: GatewayProcess) -> None:
    for hypotheses in answers(
        gateway, *TEXTS, beam_width=5, num_hypotheses=3, length_penalty=0.8, attention=PIECES
    ):
        assert len(hypotheses) == 3
        ranks = [hypothesis.rank_score for hypothesis in hypotheses]
        assert ranks == sorted(ranks, reverse=True)
        assert len({tuple(token.id for token in each.tokens) for each in hypotheses}) == 3
        for hypothesis in hypotheses:
            count = len(hypothesis.tokens)
            divisor = ((5 + count) / 6) ** 0.8
            assert hypothesis.rank_score == pytest.approx(hypothesis.score / divisor, rel=1e-4)
            total = sum(token.score for token in hypothesis.tokens)
            assert hypothesis.score == pytest.approx(total, abs=1e-4)
            weights = np.reshape(hypothesis.attention.weights, (count, -1))
            np.testing.assert_allclose(weights.sum(axis=1), 1.0, atol=1e-4)


def test_a_beam_of_1_answers_as_greedy_search_which_gives_no_rank(gateway: GatewayProcess) -> None:
    greedy, beam = answers(gateway, *TEXTS), answers(gateway, *TEXTS, beam_width=1)
    for (plain,), (one,) in zip(greedy, beam, strict=True):
        assert plain.text == one.text
        assert one.rank_score == pytest.approx(plain.score, abs=1e-5)
        assert not plain.HasField("rank_score")


def test_every_hypothesis_has_its_heads(gateway: GatewayProcess) -> None:
    level = inference_pb2.ATTENTION_LEVEL_HEADS
    ((first, second),) = answers(gateway, "heed", beam_width=2, num_hypotheses=2, attention=level)
    for hypothesis in (first, second):
        (head,) = hypothesis.attention.heads
        np.testing.assert_allclose(head.weights, hypothesis.attention.weights, atol=1e-4)


def test_no_ngram_comes_twice(gateway: GatewayProcess) -> None:
    for hypotheses in answers(
        gateway, *TEXTS, beam_width=2, no_repeat_ngram_size=1, min_length=MAX_TARGET_TOKENS - 1
    ):
        ids = [token.id for token in hypotheses[0].tokens]
        assert len(set(ids)) == len(ids)


def test_where_few_outputs_are_allowed_there_are_few(gateway: GatewayProcess) -> None:
    (hypotheses,) = answers(gateway, "heed", beam_width=32, num_hypotheses=32, max_length=1)
    assert 1 < len(hypotheses) <= 32
    assert all(len(hypothesis.tokens) == 1 for hypothesis in hypotheses)


def test_calls_with_other_beams_are_answered_side_by_side(gateway: GatewayProcess) -> None:
    options: list[dict[str, object]] = [
        {},
        {"beam_width": 2},
        {"beam_width": 4, "coverage_penalty": 0.2},
        {"sampling": sampling(seed=3)},
    ] * 4
    expected = [answers(gateway, *TEXTS, **each) for each in options]
    futures = [gateway.stub.Generate.future(generate_request(*TEXTS, **each)) for each in options]
    for future, alone in zip(futures, expected, strict=True):
        found = [[h.text for h in result.hypotheses] for result in future.result(60).results]
        assert found == [[h.text for h in hypotheses] for hypotheses in alone]


def test_a_seed_gives_the_same_sample_wherever_its_text_stands(gateway: GatewayProcess) -> None:
    seeded = sampling(seed=11, temperature=1.5)
    (alone,) = answers(gateway, "heed", sampling=seeded)
    several = answers(gateway, "attention", "heed", "heed", sampling=seeded)
    assert several[1][0].text == alone[0].text == several[2][0].text


def test_without_a_seed_each_text_gets_another_sample(gateway: GatewayProcess) -> None:
    texts = {h[0].text for h in answers(gateway, *["heed"] * 20, sampling=sampling())}
    assert len(texts) > 5


WRONG = [
    ({"beam_width": 0}, "options.beam_width", "must be 1 to 32, got 0"),
    ({"beam_width": 33}, "options.beam_width", "must be 1 to 32, got 33"),
    (
        {"beam_width": 2, "num_hypotheses": 3},
        "options.num_hypotheses",
        "must be 1 to beam_width, 2; got 3",
    ),
    (
        {"beam_width": 2, "num_hypotheses": 0},
        "options.num_hypotheses",
        "must be 1 to beam_width, 2; got 0",
    ),
    ({"num_hypotheses": 2}, "options.num_hypotheses", "needs options.beam_width to be set"),
    ({"length_penalty": 0.5}, "options.length_penalty", "needs options.beam_width to be set"),
    (
        {"no_repeat_ngram_size": 2, "sampling": sampling()},
        "options.no_repeat_ngram_size",
        "needs options.beam_width to be set",
    ),
    (
        {"beam_width": 2, "sampling": sampling()},
        "options.sampling",
        "cannot be set with options.beam_width: tokens are either searched for or drawn",
    ),
    ({"beam_width": 2, "length_penalty": -1}, "options.length_penalty", "must be 0 to 10, got -1"),
    (
        {"beam_width": 2, "length_penalty": float("nan")},
        "options.length_penalty",
        "must be 0 to 10, got nan",
    ),
    (
        {"beam_width": 2, "coverage_penalty": 11},
        "options.coverage_penalty",
        "must be 0 to 10, got 11",
    ),
    (
        {"beam_width": 2, "no_repeat_ngram_size": -1},
        "options.no_repeat_ngram_size",
        f"must be 0 to {MAX_TARGET_TOKENS}, got -1",
    ),
    (
        {"sampling": sampling(temperature=0)},
        "options.sampling.temperature",
        "must be 0.01 to 100, got 0",
    ),
    (
        {"sampling": sampling(top_p=1.5)},
        "options.sampling.top_p",
        "must be above 0 and at most 1, got 1.5",
    ),
    (
        {"sampling": sampling(top_p=0)},
        "options.sampling.top_p",
        "must be above 0 and at most 1, got 0",
    ),
]


@pytest.mark.parametrize(("options", "field", "description"), WRONG)
def test_a_wrong_option_is_refused_with_its_field_and_limit(
    gateway: GatewayProcess, options: dict[str, object], field: str, description: str
) -> None:
    error = error_of(lambda: gateway.stub.Generate(generate_request("heed", **options), timeout=20))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {field: description}


def test_the_smallest_temperature_is_taken(gateway: GatewayProcess) -> None:
    assert answers(gateway, "heed", sampling=sampling(temperature=0.01, top_p=1, top_k=0))


def test_a_top_k_beyond_the_vocabulary_is_refused(gateway: GatewayProcess) -> None:
    request = generate_request("heed", sampling=sampling(top_k=100_000))
    error = error_of(lambda: gateway.stub.Generate(request, timeout=20))
    assert list(violations_of(error)) == ["options.sampling.top_k"]


def test_a_model_without_these_signatures_is_served_and_says_what_it_lacks() -> None:
    with running_stub() as stub:
        assert_lacks_searches(stub)


def assert_lacks_searches(stub: StubModelServer) -> None:
    flags = ["--model-server", stub.address, "--model", STUB_NAME]
    with running_gateway(flags) as gateway:
        (plain,) = answers(gateway, "heed")
        assert plain[0].text == "heed"
        for options, field, signature in (
            ({"beam_width": 2}, "options.beam_width", "beam"),
            ({"sampling": sampling()}, "options.sampling", "sample"),
        ):
            request = generate_request("heed", **options)  # type: ignore[arg-type]
            error = error_of(lambda request=request: gateway.stub.Generate(request, timeout=20))
            assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
            assert violations_of(error) == {
                field: f"model {STUB_NAME!r} lacks the signature {signature!r}: "
                "leave this option out, or export the model again"
            }


def test_the_widest_beam_is_told_beside_the_signatures(gateway: GatewayProcess) -> None:
    model = gateway.stub.GetModel(inference_pb2.GetModelRequest(), timeout=20).model
    assert model.max_beam_width == 32
    assert {"beam", "sample"} <= set(model.signatures)
