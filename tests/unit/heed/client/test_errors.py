import time

import grpc
import pytest

from heed import Client
from heed.client import (
    AccessError,
    GatewayFaultError,
    HeedError,
    InvalidRequestError,
    ModelFaultError,
    NotFoundError,
    OverloadedError,
    TimedOutError,
    UnavailableError,
    UnreachableError,
)
from heed.client.status import heed_error
from tests.support.client import abort, serving


def failing_with(code, message, **details):
    def generate(request, context):
        abort(context, code, message, **details)

    return generate


def error_of(generate, **client_settings):
    with (
        serving(generate) as (address, _),
        Client(address, **client_settings) as client,
        pytest.raises(HeedError) as caught,
    ):
        client.generate("attention")
    return caught.value


class FailedCall(grpc.RpcError):
    def __init__(self, code, details="", metadata=()):
        self._parts = code, details, metadata

    def code(self):
        return self._parts[0]

    def details(self):
        return self._parts[1]

    def trailing_metadata(self):
        return self._parts[2]


def test_an_invalid_field_is_named_with_its_limit():
    error = error_of(
        failing_with(
            grpc.StatusCode.INVALID_ARGUMENT,
            "the request is wrong",
            reason="INVALID_REQUEST",
            fields={"options.max_length": "99 is above 61", "texts[0]": "is empty"},
        )
    )
    assert isinstance(error, InvalidRequestError)
    assert str(error) == "options.max_length: 99 is above 61; texts[0]: is empty"
    assert [violation.field for violation in error.field_violations] == [
        "options.max_length",
        "texts[0]",
    ]
    assert (error.code, error.reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
    assert error.details.metadata == {"limit": "1"}


def test_many_invalid_fields_are_counted_rather_than_listed():
    fields = {f"texts[{index}]": "is empty" for index in range(5)}
    error = error_of(failing_with(grpc.StatusCode.INVALID_ARGUMENT, "wrong", fields=fields))
    assert str(error) == ("texts[0]: is empty; texts[1]: is empty; texts[2]: is empty; and 2 more")
    assert len(error.field_violations) == 5


def test_an_overloaded_gateway_says_when_to_come_back():
    error = error_of(
        failing_with(grpc.StatusCode.RESOURCE_EXHAUSTED, "the queue is full", retry_delay_s=0.25)
    )
    assert isinstance(error, OverloadedError)
    assert error.retry_delay_s == 0.25
    assert str(error) == "the queue is full"


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, InvalidRequestError),
        (grpc.StatusCode.NOT_FOUND, NotFoundError),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, OverloadedError),
        (grpc.StatusCode.DEADLINE_EXCEEDED, TimedOutError),
        (grpc.StatusCode.UNAVAILABLE, UnavailableError),
        (grpc.StatusCode.FAILED_PRECONDITION, ModelFaultError),
        (grpc.StatusCode.UNAUTHENTICATED, AccessError),
        (grpc.StatusCode.PERMISSION_DENIED, AccessError),
        (grpc.StatusCode.INTERNAL, GatewayFaultError),
    ],
)
def test_every_status_of_the_gateway_has_its_class(code, kind):
    error = error_of(failing_with(code, "so it is"))
    assert type(error) is kind
    assert str(error) == "so it is"


@pytest.mark.parametrize("code", [code for code in grpc.StatusCode if code.name != "OK"])
def test_every_status_without_details_becomes_an_error_with_a_sentence(code):
    error = heed_error(FailedCall(code, "why"), address="host:1", timeout_s=2)
    assert isinstance(error, HeedError)
    assert error.code == code.name
    assert "why" in str(error) or "within 2 s" in str(error)


def test_damaged_details_do_not_hide_the_status():
    call = FailedCall(
        grpc.StatusCode.NOT_FOUND, "no such model", [("grpc-status-details-bin", b"\xff\xff")]
    )
    error = heed_error(call, address="host:1", timeout_s=2)
    assert isinstance(error, NotFoundError)
    assert "no such model" in str(error)


def test_an_address_where_nothing_listens_is_reported_with_what_to_start():
    with serving() as (address, _):
        pass
    with Client(address, timeout_s=5) as client, pytest.raises(UnreachableError) as caught:
        client.generate("attention")
    assert address in str(caught.value)
    assert "heed serve --models-dir models" in str(caught.value)


def test_a_slow_answer_is_reported_with_the_time_allowed():
    def generate(request, context):
        while context.is_active():
            time.sleep(0.01)

    error = error_of(generate, timeout_s=0.2)
    assert isinstance(error, TimedOutError)
    assert "within 0.2 s" in str(error)


def test_a_message_that_is_too_large_is_a_mistake_of_the_request():
    call = FailedCall(
        grpc.StatusCode.RESOURCE_EXHAUSTED, "Received message larger than max (9 vs. 4)"
    )
    error = heed_error(call, address="host:1", timeout_s=2)
    assert isinstance(error, InvalidRequestError)
    assert "send fewer or shorter texts" in str(error)


def test_another_grpc_server_is_not_mistaken_for_a_gateway():
    call = FailedCall(grpc.StatusCode.UNIMPLEMENTED, "Method not found!")
    error = heed_error(call, address="host:1", timeout_s=2)
    assert "not a Heed gateway" in str(error)
