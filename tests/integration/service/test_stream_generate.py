"""StreamGenerate against the real model server."""

from __future__ import annotations

import itertools

import grpc
import pytest

from heed.v1 import inference_pb2
from tests.support.exported_model import MAX_SOURCE_TOKENS, MAX_TARGET_TOKENS, MODEL_NAME
from tests.support.gateway import GatewayProcess, error_of, generate_request, violations_of

WORDS = ("attention", "chicago", "a", "it's", "thorough-going")
Event = inference_pb2.StreamGenerateResponse
Options = inference_pb2.GenerateOptions


def stream(gateway: GatewayProcess, text: str, **fields: object) -> list[Event]:
    request = inference_pb2.StreamGenerateRequest(text=text, **fields)
    return list(gateway.stub.StreamGenerate(request, timeout=60))


def unary(gateway: GatewayProcess, text: str, options: Options) -> inference_pb2.GenerateResult:
    request = generate_request(text)
    request.options.CopyFrom(options)
    return gateway.stub.Generate(request, timeout=60).results[0]


def check_growth(events: list[Event]) -> None:
    """Partial outputs grow, by twice, into the final one; a slow reader misses some of them."""
    *partials, final = events
    assert final.WhichOneof("event") == "result"
    (best, *_) = final.result.hypotheses
    before = ""
    for event in partials:
        partial = event.partial
        assert best.text.startswith(partial.text)
        assert partial.text.startswith(before)
        assert partial.stable_end_offset == len(partial.text)
        for token, last in zip(partial.tokens, best.tokens, strict=False):
            assert token == last
        before = partial.text
    lengths = [len(event.partial.tokens) for event in partials]
    for first, second in itertools.pairwise(lengths):
        assert second in [first * 2**times for times in range(1, 10)]


@pytest.mark.parametrize("chunk_tokens", [1, 3, 100])
def test_a_stream_ends_in_the_very_answer_of_a_unary_call(
    gateway: GatewayProcess, chunk_tokens: int
) -> None:
    for word in WORDS:
        events = stream(gateway, word, chunk_tokens=chunk_tokens)
        check_growth(events)
        expected = unary(gateway, word, Options())
        assert events[-1].result.SerializeToString() == expected.SerializeToString()
        token_count = len(expected.hypotheses[0].tokens)
        possible = [chunk_tokens * 2**n for n in range(10) if chunk_tokens * 2**n < token_count]
        assert {len(event.partial.tokens) for event in events[:-1]} <= set(possible)
        assert (len(events) > 1) == bool(possible)
        assert events[-1].timings.total_duration.ToNanoseconds() > 0
        for event in events:
            assert (event.segment_index, event.segment_count) == (0, 1)
            assert (event.begin_offset, event.end_offset) == (0, len(word))
            assert (event.model.name, event.model.version) == (MODEL_NAME, 1)


@pytest.mark.parametrize(
    "options",
    [
        Options(sampling=inference_pb2.SamplingOptions(seed=7)),
        Options(
            sampling=inference_pb2.SamplingOptions(seed=-3, temperature=3, top_k=9, top_p=0.9),
            min_length=9,
        ),
        Options(prefix="AH T", min_length=11),
        Options(prefix="AH T", max_length=6, sampling=inference_pb2.SamplingOptions(seed=1)),
        Options(min_length=5, max_length=7, attention=inference_pb2.ATTENTION_LEVEL_PIECES),
        Options(attention=inference_pb2.ATTENTION_LEVEL_HEADS),
        Options(attention=inference_pb2.ATTENTION_LEVEL_WORDS, alignment={}),
    ],
    ids=["seed", "sampling", "prefix", "prefix and seed", "lengths", "heads", "words"],
)
def test_every_option_is_honoured(gateway: GatewayProcess, options: Options) -> None:
    for word in WORDS:
        events = stream(gateway, word, options=options, chunk_tokens=2)
        check_growth(events)
        expected = unary(gateway, word, options)
        assert events[-1].result.SerializeToString() == expected.SerializeToString()


def test_a_seed_that_is_not_given_is_the_same_for_the_whole_stream(gateway: GatewayProcess) -> None:
    options = Options(sampling=inference_pb2.SamplingOptions(temperature=50), min_length=11)
    streams = [stream(gateway, "attention", options=options, chunk_tokens=2) for _ in range(3)]
    for events in streams:
        assert len(events) > 1
        check_growth(events)
    assert len({events[-1].result.hypotheses[0].text for events in streams}) > 1


def test_a_beam_arrives_as_a_whole(gateway: GatewayProcess) -> None:
    options = Options(beam_width=4, num_hypotheses=3, length_penalty=0.6)
    (event,) = stream(gateway, "attention", options=options, chunk_tokens=1)
    expected = unary(gateway, "attention", options)
    assert event.result.SerializeToString() == expected.SerializeToString()


def test_sentences_come_in_order_and_are_the_text(gateway: GatewayProcess) -> None:
    text = "  attention. chicago it's. " + "thorough going " * 4 + "\n\na."
    events = stream(gateway, text, split_sentences=True, chunk_tokens=2)
    finals = [event for event in events if event.WhichOneof("event") == "result"]
    assert [event.segment_index for event in finals] == list(range(len(finals)))
    assert {event.segment_count for event in events} == {len(finals)}
    assert [event.segment_index for event in events] == sorted(e.segment_index for e in events)
    segments = [text[event.begin_offset : event.end_offset] for event in finals]
    assert "".join(segments) == text
    assert segments[0] == "  attention. "
    assert segments[-1] == "a."
    assert len(segments) > 4
    for event, segment in zip(finals, segments, strict=True):
        assert 1 <= len(event.result.source_tokens) <= MAX_SOURCE_TOKENS
        expected = unary(gateway, segment, Options())
        assert [h.text for h in event.result.hypotheses] == [h.text for h in expected.hypotheses]
        assert event.result.source_tokens == expected.source_tokens
    assert events[0].WhichOneof("event") == "partial"


@pytest.mark.parametrize(
    ("fields", "field", "limit"),
    [
        ({"text": "x" * (MAX_SOURCE_TOKENS + 1)}, "text", str(MAX_SOURCE_TOKENS)),
        ({"text": " "}, "text", "at least one token"),
        ({"text": "", "split_sentences": True}, "text", "at least one token"),
        ({"text": "a" * 20_001}, "text", "20000"),
        ({"text": "a" * 200_001, "split_sentences": True}, "text", "200000"),
        ({"text": "a", "chunk_tokens": 0}, "chunk_tokens", "1 or more"),
        (
            {"text": "a", "options": Options(max_length=MAX_TARGET_TOKENS + 1)},
            "options.max_length",
            str(MAX_TARGET_TOKENS),
        ),
        ({"text": "a", "options": Options(num_hypotheses=2)}, "options.num_hypotheses", "beam"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_broken_rule_names_the_field_and_the_limit(
    gateway: GatewayProcess, fields: dict[str, object], field: str, limit: str
) -> None:
    request = inference_pb2.StreamGenerateRequest(**fields)
    error = error_of(lambda: list(gateway.stub.StreamGenerate(request, timeout=30)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert limit in violations_of(error)[field]


def test_a_text_that_is_not_unicode_names_its_field(gateway: GatewayProcess) -> None:
    call = gateway.channel.unary_stream("/heed.v1.InferenceService/StreamGenerate")
    error = error_of(lambda: list(call(b"\x12\x02\xff\xfe", timeout=30)))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert "valid UTF-8" in violations_of(error)["text"]


def test_a_stream_has_the_request_id_of_its_caller(gateway: GatewayProcess) -> None:
    request = inference_pb2.StreamGenerateRequest(text="a")
    call = gateway.stub.StreamGenerate(request, metadata=(("x-request-id", "mine"),), timeout=30)
    list(call)
    assert ("x-request-id", "mine") in call.trailing_metadata()
