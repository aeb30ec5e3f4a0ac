"""What the gateway does when it is told to end."""

from __future__ import annotations

import re
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import grpc
import pytest

from tests.support.gateway import (
    GATEWAY_COMMAND,
    GatewayProcess,
    generate_request,
    running_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub

STOPPING = re.compile("stopping: answering what was accepted")
FAULTS = ("Traceback", "never awaited", "Exception ignored")


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture
def flags(stub: StubModelServer) -> list[str]:
    return ["--model-server", stub.address, "--model", MODEL_NAME]


@contextmanager
def waiting_call(gateway: GatewayProcess, stub: StubModelServer) -> Iterator[grpc.Future[Any]]:
    """A call that the model server answers when the block is left, and not before."""
    is_asked, may_answer = threading.Event(), threading.Event()

    def hold(request: object, response: object) -> None:
        is_asked.set()
        may_answer.wait(30)

    stub.predict_fault = hold
    try:
        call = gateway.stub.Generate.future(generate_request("heed"), timeout=30)
        assert is_asked.wait(10)
        yield call
    finally:
        stub.predict_fault = None
        may_answer.set()


def test_a_closed_terminal_ends_it_after_what_was_accepted(
    flags: list[str], stub: StubModelServer
) -> None:
    with running_gateway(flags) as gateway:
        with waiting_call(gateway, stub) as call:
            gateway.process.send_signal(signal.SIGHUP)
            gateway.wait_for_log(STOPPING)
        assert call.result().results
        assert gateway.process.wait(20) == 0


def test_a_closed_terminal_is_nothing_to_whom_nohup_started(flags: list[str]) -> None:
    with running_gateway(flags, command=["nohup", *GATEWAY_COMMAND]) as gateway:
        gateway.process.send_signal(signal.SIGHUP)
        assert gateway.stub.Generate(generate_request("heed"), timeout=30).results
        assert gateway.terminate() == 0


def test_a_second_ctrl_c_ends_it_at_once_and_without_complaints(
    flags: list[str], stub: StubModelServer
) -> None:
    with running_gateway(flags) as gateway, waiting_call(gateway, stub) as call:
        gateway.process.send_signal(signal.SIGINT)
        gateway.wait_for_log(STOPPING)
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(10) == 130
        assert call.exception() is not None
        assert not [fault for fault in FAULTS if fault in gateway.log()]
