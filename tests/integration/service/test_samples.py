"""Several samples of one text, through the real stack and every protocol."""

from __future__ import annotations

import grpc
import numpy as np
import pytest

from heed import AsyncClient, Client, Sampling
from heed.v1 import inference_pb2
from heed.wire.inference import grpc_inference_pb2 as wire
from heed.wire.inference import grpc_inference_pb2_grpc as wire_grpc
from service.pipeline.samples import sample_seeds
from tests.support.exported_model import MODEL_NAME
from tests.support.gateway import GatewayProcess, error_of, generate_request, violations_of

SEED = 11
HOT = {"temperature": 1.5}


def samples(gateway: GatewayProcess, *texts: str, **options: object) -> list[list[str]]:
    sampling = inference_pb2.SamplingOptions(**{**HOT, **options})
    request = generate_request(*texts, sampling=sampling)
    results = gateway.stub.Generate(request, timeout=60).results
    return [[hypothesis.text for hypothesis in result.hypotheses] for result in results]


def test_a_seed_gives_the_same_samples_alone_among_others_and_one_by_one(
    gateway: GatewayProcess,
) -> None:
    (alone,) = samples(gateway, "heed", seed=SEED, num_samples=6)
    assert len(alone) == 6
    assert len(set(alone)) > 3
    several = samples(gateway, "attention", "heed", "a", "heed", seed=SEED, num_samples=6)
    assert several[1] == several[3] == alone
    assert samples(gateway, "heed", seed=SEED, num_samples=2) == [alone[:2]]
    each = [samples(gateway, "heed", seed=seed) for seed in sample_seeds(SEED, 6)]
    assert each == [[[text]] for text in alone]


def test_without_a_seed_the_samples_are_others_each_time(gateway: GatewayProcess) -> None:
    first, second = (samples(gateway, "heed", "heed", num_samples=5) for _ in range(2))
    drawn = {tuple(texts) for texts in (*first, *second)}
    assert len(drawn) == 4


def test_every_sample_has_its_score_its_heads_and_its_words(gateway: GatewayProcess) -> None:
    request = generate_request(
        "heed",
        sampling=inference_pb2.SamplingOptions(num_samples=3, seed=SEED, **HOT),
        attention=inference_pb2.ATTENTION_LEVEL_HEADS,
        alignment=inference_pb2.AlignmentOptions(),
    )
    (result,) = gateway.stub.Generate(request, timeout=60).results
    for hypothesis in result.hypotheses:
        total = sum(token.score for token in hypothesis.tokens)
        assert hypothesis.score == pytest.approx(total, abs=1e-4)
        assert not hypothesis.HasField("rank_score")
        (head,) = hypothesis.attention.heads
        np.testing.assert_allclose(head.weights, hypothesis.attention.weights, atol=1e-4)
        assert len(hypothesis.alignment.target_words) == len(hypothesis.text.split())


def test_a_stream_gives_several_samples_as_a_whole(gateway: GatewayProcess) -> None:
    sampling = inference_pb2.SamplingOptions(num_samples=3, seed=SEED, **HOT)
    request = inference_pb2.StreamGenerateRequest(
        text="heed", options=inference_pb2.GenerateOptions(sampling=sampling), chunk_tokens=1
    )
    (event,) = gateway.stub.StreamGenerate(request, timeout=60)
    found = [hypothesis.text for hypothesis in event.result.hypotheses]
    assert [found] == samples(gateway, "heed", seed=SEED, num_samples=3)


async def test_clients_draw_several_samples_also_in_bulk(gateway: GatewayProcess) -> None:
    sampling = Sampling(1.5, seed=SEED, num_samples=3)
    expected = samples(gateway, "heed", "a", seed=SEED, num_samples=3)
    with Client(gateway.address) as client:
        drawing = client.with_search(sampling)
        for answers in (drawing.generate(["heed", "a"]), drawing.generate_many(["heed", "a"])):
            found = [[hypothesis.text for hypothesis in answer.hypotheses] for answer in answers]
            assert found == expected
    async with AsyncClient(gateway.address) as client:
        answer = await client.with_search(sampling).generate("a")
        assert [hypothesis.text for hypothesis in answer.hypotheses] == expected[1]


def test_the_open_inference_protocol_gives_samples_an_axis(gateway: GatewayProcess) -> None:
    request = wire.ModelInferRequest(model_name=MODEL_NAME)
    texts = request.inputs.add(name="text", datatype="BYTES", shape=[1])
    texts.contents.bytes_contents.append(b"heed")
    request.parameters["num_samples"].int64_param = 3
    request.parameters["seed"].int64_param = SEED
    request.parameters["temperature"].double_param = HOT["temperature"]
    stub = wire_grpc.GRPCInferenceServiceStub(gateway.channel)
    answer = stub.ModelInfer(request, timeout=60)
    assert [list(output.shape) for output in answer.outputs] == [[1, 3], [1, 3]]
    ((first, *_),) = samples(gateway, "heed", seed=SEED, num_samples=3)
    assert first.encode() in answer.raw_output_contents[0]


@pytest.mark.parametrize("count", [0, -1, 33, 2**31 - 1])
def test_a_number_out_of_range_is_refused_with_its_limit(
    gateway: GatewayProcess, count: int
) -> None:
    error = error_of(lambda: samples(gateway, "heed", num_samples=count))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    limits = f"must be 1 to 32, got {count:g}"
    assert violations_of(error) == {"options.sampling.num_samples": limits}


def test_hypotheses_of_a_sampling_call_are_sent_to_the_right_option(
    gateway: GatewayProcess,
) -> None:
    request = generate_request("heed", sampling=inference_pb2.SamplingOptions(), num_hypotheses=2)
    error = error_of(lambda: gateway.stub.Generate(request, timeout=20))
    assert violations_of(error) == {
        "options.num_hypotheses": "goes with options.beam_width: "
        "set options.sampling.num_samples for several samples"
    }
