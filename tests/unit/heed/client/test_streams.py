import time

import grpc
import pytest

from heed import AsyncClient, Client
from heed.client import (
    BeamSearch,
    FinalResult,
    InvalidRequestError,
    ModelVersion,
    PartialResult,
    Segment,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from tests.support.client import abort, serving, upper_case


def test_an_output_is_told_while_it_grows_and_at_its_end():
    with serving() as (address, _), Client(address) as client:
        partial, final = client.stream_generate("attention")
        assert isinstance(partial, PartialResult)
        assert (partial.text, partial.stable_end) == ("ATTE", 4)
        assert [token.text for token in partial.tokens] == list("ATTE")
        assert partial.model == ModelVersion("upper", 7)
        assert isinstance(final, FinalResult)
        assert final.segment == partial.segment == Segment(0, 1, 0, 9)
        expected = client.generate("attention")
        assert final.result == expected
        assert final.text == "ATTENTION"


def test_sentences_are_told_of_one_by_one():
    text = "It rains. Stay."
    with serving() as (address, _), Client(address) as client:
        events = list(client.stream_generate(text, split_sentences=True))
    finals = [event for event in events if isinstance(event, FinalResult)]
    assert [event.result.source_text for event in finals] == ["It rains. ", "Stay."]
    assert [event.segment for event in finals] == [Segment(0, 2, 0, 10), Segment(1, 2, 10, 15)]


async def test_the_asynchronous_client_tells_the_same():
    with serving() as (address, _), Client(address) as client:
        expected = list(client.stream_generate("it rains. stay.", split_sentences=True))
        async with AsyncClient(address) as asynchronous:
            stream = asynchronous.stream_generate("it rains. stay.", split_sentences=True)
            assert [event async for event in stream] == expected


def test_options_travel_with_a_stream():
    with serving() as (address, gateway), Client(address) as client:
        beam = client.with_search(BeamSearch(4)).with_priority("bulk")
        list(beam.stream_generate("one", attention="pieces", max_length=5, model="upper"))
    (request,) = gateway.requests
    assert (request.options.beam_width, request.options.max_length) == (4, 5)
    assert request.model.name == "upper"
    assert request.priority == 2


def test_nothing_is_sent_before_the_first_event_is_asked_for():
    with serving() as (address, gateway), Client(address) as client:
        client.stream_generate("one")
        assert gateway.requests == []


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"text": "\ud800"}, InvalidRequestError, r"not valid Unicode"),
        ({"text": 5}, TypeError, "must be a str"),
        ({"text": "a", "chunk_tokens": 1.5}, TypeError, "chunk_tokens must be an int"),
        ({"text": "a", "chunk_tokens": 2**40}, InvalidRequestError, "chunk_tokens: 1099511627776"),
        ({"text": "a", "attention": "all"}, ValueError, "attention is 'all'"),
    ],
)
def test_a_wrong_argument_is_reported_at_once(arguments, error, message):
    with Client() as client, pytest.raises(error, match=message):
        client.stream_generate(**arguments)


def test_what_came_before_a_failure_is_told_first():
    def fail_at_stay(request, context):
        if request.texts[0] == "Stay.":
            abort(context, grpc.StatusCode.UNAVAILABLE, "it went", reason="VERSION_GONE")
        return upper_case(request)

    texts = []

    def read(client):
        for event in client.stream_generate("It rains. Stay.", split_sentences=True):
            texts.append(event.text)

    with (
        serving(fail_at_stay) as (address, _),
        Client(address) as client,
        pytest.raises(UnavailableError, match="it went") as caught,
    ):
        read(client)
    assert caught.value.reason == "VERSION_GONE"
    assert texts == ["IT RA", "IT RAINS. "]


async def test_no_gateway_and_no_time_are_told_apart():
    with Client("127.0.0.1:1") as client, pytest.raises(UnreachableError):
        list(client.stream_generate("a"))

    def wait(request, context):
        time.sleep(1.0)
        return upper_case(request)

    with serving(wait) as (address, _):
        async with AsyncClient(address, timeout_s=0.2) as client:
            with pytest.raises(TimedOutError):
                await anext(client.stream_generate("a"))
