import itertools
import threading
import time

import grpc
import pytest

from heed import AsyncClient, Client
from heed.client import (
    PAUSE,
    BulkSettings,
    GenerateResult,
    HeedError,
    InvalidRequestError,
    ModelVersion,
    OverloadedError,
    TimedOutError,
    Timings,
    UnavailableError,
    UnreachableError,
)
from heed.client.bulk import BulkWork, Recovery
from tests.support.client import abort, serving, upper_case


def small(**settings):
    return BulkSettings(**{"texts_in_flight": 6, **settings})


def texts_of(results):
    return [result.text for result in results]


def until_error(answers):
    """The texts that come before the error, and the error."""
    texts = []
    try:
        for result in answers:
            texts.append(result.text)
    except HeedError as error:
        return texts, error
    return texts, None


async def until_error_async(answers):
    """As `until_error`."""
    texts = []
    try:
        async for result in answers:
            texts.append(result.text)
    except HeedError as error:
        return texts, error
    return texts, None


def result_of(text):
    return GenerateResult(text, (), (), ModelVersion("m", 1), Timings())


def test_answers_wait_for_their_turn():
    work = BulkWork(small())
    assert [work.add(text) for text in "abc"] == [0, 1, 2]
    work.settle(1, result_of("b"))
    assert list(work.ready()) == []
    assert work.unanswered == [(0, "a"), (2, "c")]
    work.settle(0, result_of("a"))
    assert [result.source_text for result in work.ready()] == ["a", "b"]
    assert not work.is_done
    work.settle(2, result_of("c"))
    assert [result.source_text for result in work.ready()] == ["c"]
    assert work.is_done


def test_no_more_is_under_way_than_the_settings_allow():
    work = BulkWork(small(texts_in_flight=2))
    work.add("a")
    assert not work.is_full
    work.add("b")
    assert work.is_full
    work.settle(1, result_of("b"))
    assert work.is_full  # the answer is in memory until its turn
    work.settle(0, result_of("a"))
    list(work.ready())
    assert not work.is_full
    work = BulkWork(small(characters_in_flight=4))
    work.add("abc")
    assert not work.is_full
    work.add("d")
    assert work.is_full


def test_a_text_that_is_not_unicode_is_at_fault_in_its_turn():
    work = BulkWork(small())
    work.add("a")
    assert work.add("\ud800") is None
    assert work.has_failed
    assert list(work.ready()) == []
    work.settle(0, result_of("a"))
    ready = work.ready()
    assert next(ready).source_text == "a"
    with pytest.raises(
        InvalidRequestError, match=r"texts\[1\]: character 1 is not valid"
    ) as caught:
        next(ready)
    assert caught.value.text_index == 1


@pytest.mark.parametrize("name", ["texts_in_flight", "characters_in_flight"])
def test_settings_below_one_are_refused(name):
    with pytest.raises(ValueError, match=f"{name} is 0"):
        BulkSettings(**{name: 0})


def test_a_text_that_is_no_text_is_refused():
    with serving() as (address, _), Client(address) as client:
        answered, error = [], None
        try:
            for result in client.generate_many(["a", 5]):
                answered.append(result.text)
        except TypeError as wrong:
            error = wrong
    assert "texts[1] must be a str" in str(error)


def test_an_endless_input_is_read_only_as_far_as_needed():
    read = itertools.count()
    endless = (f"t{next(read)}" for _ in itertools.repeat(None))
    with serving() as (address, gateway), Client(address, bulk=small()) as client:
        answers = client.generate_many(endless)
        assert texts_of(itertools.islice(answers, 100)) == [f"T{index}" for index in range(100)]
        answers.close()
        assert next(read) <= 100 + 6
        assert len(gateway.requests) <= 100 + 6


def test_nothing_is_sent_before_the_first_answer_is_asked_for():
    with serving() as (address, gateway), Client(address) as client:
        client.generate_many(["one"])
        assert gateway.requests == []


def test_a_wrong_option_is_reported_at_once():
    with Client() as client, pytest.raises(ValueError, match="attention is 'all'"):
        client.generate_many(["one"], attention="all")


def test_an_overloaded_gateway_is_asked_again_after_its_pause():
    calls = []

    def full_twice(request, context):
        calls.append(time.monotonic())
        if len(calls) <= 2:
            abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "full", retry_delay_s=0.15)
        return upper_case(request)

    with serving(full_twice) as (address, _), Client(address) as client:
        assert texts_of(client.generate_many(["a", "b"])) == ["A", "B"]
    first_pause, second_pause = calls[1] - calls[0], calls[2] - calls[1]
    assert first_pause >= 0.15
    assert second_pause >= 0.15


def test_a_gateway_that_stays_overloaded_is_given_up_after_the_timeout():
    def always_full(request, context):
        abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "full", retry_delay_s=0.1)

    with serving(always_full) as (address, _), Client(address, timeout_s=0.35) as client:
        begin_s = time.monotonic()
        with pytest.raises(OverloadedError):
            list(client.generate_many(["a"]))
        assert 0.2 <= time.monotonic() - begin_s < 2


def test_answers_before_a_bad_text_come_first_and_the_error_names_its_place():
    def refuse_bad(request, context):
        for index, text in enumerate(request.texts):
            if text == "bad":
                fields = {f"texts[{index}]": "99 tokens; at most 60"}
                abort(context, grpc.StatusCode.INVALID_ARGUMENT, "wrong", fields=fields)
        return upper_case(request)

    texts = ["a", "b", "c", "d", "e", "f", "bad", "g"]
    with (
        serving(refuse_bad) as (address, _),
        Client(address, bulk=small()) as client,
    ):
        answered, error = until_error(client.generate_many(texts))
    assert answered == ["A", "B", "C", "D", "E", "F"]
    assert isinstance(error, InvalidRequestError)
    assert error.text_index == 6
    assert str(error) == "texts[6]: 99 tokens; at most 60"


def test_a_gateway_that_never_answered_is_not_waited_for():
    with serving() as (address, _):
        pass
    with Client(address, timeout_s=20) as client:
        begin_s = time.monotonic()
        with pytest.raises(UnreachableError):
            list(client.generate_many(["a"]))
        assert time.monotonic() - begin_s < 5


def test_a_gateway_that_restarts_during_the_work_is_waited_for():
    first = serving()
    address, _ = first.__enter__()
    with Client(address, timeout_s=20, bulk=BulkSettings(1)) as client:
        answers = client.generate_many(["a", "b"])
        assert next(answers).text == "A"
        first.__exit__(None, None, None)
        port = int(address.rpartition(":")[2])
        back = []

        def restart():
            time.sleep(0.3)
            back.append(serving(port=port))
            back[0].__enter__()

        thread = threading.Thread(target=restart)
        thread.start()
        try:
            assert next(answers).text == "B"
        finally:
            thread.join()
            back[0].__exit__(None, None, None)


async def test_the_asynchronous_client_does_bulk_work_alike():
    calls = itertools.count()

    def full_once(request, context):
        if next(calls) == 0:
            abort(context, grpc.StatusCode.UNAVAILABLE, "not yet", retry_delay_s=0.01)
        if "bad" in request.texts:
            index = list(request.texts).index("bad")
            fields = {f"texts[{index}]": "too long"}
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, "wrong", fields=fields)
        return upper_case(request)

    async def some_texts():
        for index in range(7):
            yield f"t{index}"
        yield "bad"

    with serving(full_once) as (address, _):
        async with AsyncClient(address, bulk=small()) as client:
            answered, error = await until_error_async(client.generate_many(some_texts()))
            listed = [result.text async for result in client.generate_many(["a", "b", "c"])]
    assert answered == [f"T{index}" for index in range(7)]
    assert isinstance(error, InvalidRequestError)
    assert error.text_index == 7
    assert listed == ["A", "B", "C"]


class Clock:
    def __init__(self):
        self.now_s = 100.0

    def __call__(self):
        return self.now_s


def test_pauses_grow_and_end_with_the_timeout():
    clock = Clock()
    recovery = Recovery(2.0, clock)
    recovery.answered()
    error = UnavailableError("draining")
    pauses = []
    for _ in range(4):
        pauses.append(recovery.pause_after(error))
        clock.now_s += pauses[-1]
    for pause_s, longest_s in zip(pauses, (0.1, 0.2, 0.4, 0.8), strict=True):
        assert longest_s / 2 <= pause_s <= longest_s
    clock.now_s = 102.0
    with pytest.raises(UnavailableError):
        recovery.pause_after(error)
    recovery.answered()
    assert recovery.pause_after(error) <= 0.1


@pytest.mark.parametrize("error", [HeedError("broken"), UnreachableError("nobody")])
def test_what_waiting_does_not_mend_is_raised_at_once(error):
    with pytest.raises(type(error)):
        Recovery(2.0).pause_after(error)


def test_a_wrong_option_is_no_fault_of_a_text():
    def refuse(request, context):
        fields = {"config.options.max_length": "too large"}
        abort(context, grpc.StatusCode.INVALID_ARGUMENT, "wrong", fields=fields)

    with serving(refuse) as (address, _), Client(address) as client:
        answered, error = until_error(client.generate_many(["a", "b"]))
    assert answered == []
    assert isinstance(error, InvalidRequestError)
    assert (str(error), error.text_index) == ("options.max_length: too large", None)


def test_a_gateway_that_falls_silent_is_given_up_after_the_timeout():
    silence = threading.Event()

    def fall_silent(request, context):
        if request.texts[0] == "b":
            silence.wait(5)
        return upper_case(request)

    with serving(fall_silent) as (address, _), Client(address, timeout_s=0.3) as client:
        answered, error = until_error(client.generate_many(["a", "b"]))
        silence.set()
    assert answered == ["A"]
    assert isinstance(error, TimedOutError)


def with_pauses(heard):
    """Asks for nothing more before the answers to what came before are there."""
    yield PAUSE
    yield from ("a", "b", "c")
    yield PAUSE
    assert heard == ["A", "B", "C"]
    yield "d"


def test_everything_is_answered_before_a_pause_ends():
    heard = []
    with serving() as (address, _), Client(address, bulk=small()) as client:
        for result in client.generate_many(with_pauses(heard)):
            heard.append(result.text)
    assert heard == ["A", "B", "C", "D"]


async def test_everything_is_answered_before_a_pause_ends_in_asyncio_too():
    heard = []

    async def texts():
        for text in with_pauses(heard):
            yield text

    with serving() as (address, _):
        async with AsyncClient(address, bulk=small()) as client:
            async for result in client.generate_many(texts()):
                heard.append(result.text)
    assert heard == ["A", "B", "C", "D"]


def test_a_pause_does_not_make_an_absent_gateway_look_like_one_that_restarts():
    began = time.monotonic()
    with Client("127.0.0.1:1", timeout_s=20) as client, pytest.raises(UnreachableError):
        list(client.generate_many([PAUSE, "a"]))
    assert time.monotonic() - began < 10
