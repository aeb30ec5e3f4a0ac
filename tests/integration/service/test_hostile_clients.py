"""Clients that vanish, dawdle, send garbage, or ask for too much; and an end under load."""

from __future__ import annotations

import concurrent.futures
import contextlib
import gzip
import os
import re
import signal
import socket
import ssl
import threading
import time
from collections.abc import Iterator

import grpc
import httpx
import psutil
import pytest
from google.rpc import error_details_pb2

from heed.v1 import inference_pb2, inference_pb2_grpc
from tests.support.gateway import (
    GatewayProcess,
    detail_of,
    error_of,
    generate_request,
    running_gateway,
    start_gateway,
)
from tests.support.stub_model_server import MODEL_NAME, StubModelServer, running_stub
from tests.support.waiting import wait_until

MAX_CALLS = 40


@pytest.fixture(scope="module")
def stub() -> Iterator[StubModelServer]:
    with running_stub() as stub:
        yield stub


@pytest.fixture(scope="module")
def flags(stub: StubModelServer) -> list[str]:
    backend = ["--model-server", stub.address, "--model", MODEL_NAME, "--max-batches-in-flight=1"]
    return [*backend, "--http-port=0"]


@pytest.fixture(scope="module")
def gateway(flags: list[str]) -> Iterator[GatewayProcess]:
    with running_gateway([*flags, f"--max-calls-per-client={MAX_CALLS}"]) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def silent_connections(gateway: GatewayProcess) -> Iterator[list[socket.socket]]:
    """To either port: one that says nothing, and one that begins and does not go on."""
    connections = []
    for address, beginning in (
        (gateway.address, b"PRI * HTTP/2.0\r\n"),
        (gateway.url, b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\n"),
    ):
        connections += [connect(address), connect(address)]
        connections[-1].sendall(beginning)
    yield connections
    for connection in connections:
        connection.close()


@pytest.fixture(autouse=True)
def _still_answers(gateway: GatewayProcess) -> Iterator[None]:
    yield
    assert gateway.stub.Generate(generate_request("heed"), timeout=20).results


@contextlib.contextmanager
def held(stub: StubModelServer) -> Iterator[threading.Event]:
    """Keeps the model server from answering until the block is left."""
    go_on, came = threading.Event(), threading.Event()

    def wait(request: object, response: object) -> None:
        came.set()
        go_on.wait(30)

    stub.predict_fault = wait
    try:
        yield came
    finally:
        stub.predict_fault = None
        go_on.set()


def connect(address: str) -> socket.socket:
    host, _, port = address.removeprefix("http://").rpartition(":")
    return socket.create_connection((host, int(port)), timeout=10)


@pytest.mark.usefixtures("silent_connections")
@pytest.mark.parametrize("port", ["grpc", "http"])
@pytest.mark.parametrize(
    "garbage",
    [
        os.urandom(4096),
        b"\x00" * 4096,
        b"GET / HTTP/9.9\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 100,
        b"A" * 100_000,
    ],
    ids=["noise", "zeros", "another protocol", "a broken preface", "a long line"],
)
def test_garbage_is_answered_with_an_end_to_the_connection(
    gateway: GatewayProcess, port: str, garbage: bytes
) -> None:
    connection = connect(gateway.address if port == "grpc" else gateway.url)
    with connection, contextlib.suppress(ConnectionError):
        connection.sendall(garbage)
        with contextlib.suppress(OSError):  # it was closed before
            connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass


def test_tls_to_a_port_without_it_fails_at_once(gateway: GatewayProcess) -> None:
    for address in (gateway.address, gateway.url):
        with connect(address) as plain, pytest.raises((ssl.SSLError, ConnectionError)):
            ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")


def test_garbage_leaves_nothing_behind(gateway: GatewayProcess) -> None:
    process = psutil.Process(gateway.process.pid)
    before = process.num_fds()
    for _ in range(50):
        with connect(gateway.address) as one, connect(gateway.url) as other:
            one.sendall(os.urandom(100))
            other.sendall(b"POST /v1/generate HTTP/1.1\r\n")
    wait_until(lambda: process.num_fds() <= before + 2, lambda: str(process.num_fds()))
    assert "Traceback" not in gateway.log()


def test_callers_that_vanish_free_their_place(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    with held(stub) as came:
        options = [("grpc.use_local_subchannel_pool", 1)]
        channels = [grpc.insecure_channel(gateway.address, options=options) for _ in range(4)]
        calls = [
            inference_pb2_grpc.InferenceServiceStub(channel).Generate.future(
                generate_request("heed"), timeout=60
            )
            for channel in channels * (MAX_CALLS // 4 + 2)
        ]
        assert came.wait(10)
        wait_until(lambda: any(call.done() for call in calls))
        refused = next(call for call in calls if call.done())
        assert refused.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert detail_of(refused, error_details_pb2.ErrorInfo).reason == "TOO_MANY_CALLS"
        assert detail_of(refused, error_details_pb2.RetryInfo).retry_delay.seconds == 1
        assert MAX_CALLS - 1 <= calls_under_way(gateway) <= MAX_CALLS
        for channel in channels:
            channel.close()
        wait_until(lambda: calls_under_way(gateway) == 0)


def calls_under_way(gateway: GatewayProcess) -> int:
    metrics = httpx.get(f"{gateway.url}/metrics").text
    found = re.findall(r"heed_requests_in_progress\{[^}]*\} (\S+)", metrics)
    return int(sum(map(float, found)))


def test_http_callers_that_vanish_free_their_place(
    gateway: GatewayProcess, stub: StubModelServer
) -> None:
    body = b'{"texts":["heed"]}'
    head = b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    with held(stub):
        callers = [connect(gateway.url) for _ in range(MAX_CALLS + 5)]
        for caller in callers:
            caller.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
        with connect(gateway.url) as one_more:
            wait_until(lambda: status_of(one_more, head, body) == b"429")
        for caller in callers:
            caller.close()
        wait_until(lambda: calls_under_way(gateway) == 0)


def status_of(connection: socket.socket, head: bytes, body: bytes) -> bytes:
    connection.sendall(head + b"Content-Length: %d\r\nX-Request-Timeout: 0.2\r\n\r\n" % len(body))
    connection.sendall(body)
    answer = b""
    while b"}" not in answer:
        answer += connection.recv(65536)
    return answer.split()[1]


def test_a_compressed_message_counts_with_its_full_size(gateway: GatewayProcess) -> None:
    bomb = inference_pb2.GenerateRequest(texts=["a" * (8 * 1024 * 1024)])
    assert len(gzip.compress(bomb.SerializeToString())) < 100_000
    error = error_of(
        lambda: gateway.stub.Generate(bomb, timeout=20, compression=grpc.Compression.Gzip)
    )
    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert "larger than max" in (error.details() or "")


def test_connections_end_by_age_between_calls_and_none_fails(flags: list[str]) -> None:
    with running_gateway([*flags, "--max-connection-age-s=0.3"]) as gateway:
        port = int(gateway.address.rpartition(":")[2])
        used: set[int] = set()
        ends = time.monotonic() + 1.5
        while time.monotonic() < ends:
            assert gateway.stub.Generate(generate_request("heed"), timeout=20).results
            connections = psutil.Process(gateway.process.pid).net_connections("tcp")
            used |= {
                each.raddr.port for each in connections if each.raddr and each.laddr.port == port
            }
    assert len(used) >= 3


def test_a_caller_that_does_not_read_holds_nobody_up(gateway: GatewayProcess) -> None:
    body = b'{"texts":[%s],"options":{"attention":"ATTENTION_LEVEL_HEADS"}}' % b",".join(
        [b'"abcdefghijklmnop"'] * 40
    )
    head = b"POST /v1/generate HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    slow = [connect(gateway.url) for _ in range(5)]
    for connection in slow:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        connection.sendall(head + b"Content-Length: %d\r\n\r\n" % len(body) + body)
    began = time.monotonic()
    assert gateway.stub.Generate(generate_request("heed"), timeout=20).results
    assert time.monotonic() - began < 10
    for connection in slow:
        connection.close()


def test_every_accepted_call_and_stream_is_answered_when_told_to_end(flags: list[str]) -> None:
    gateway = start_gateway([*flags, "--drain-s=20"])
    outcomes: list[tuple[str, str]] = []

    def ask(is_stream: bool) -> None:
        with grpc.insecure_channel(gateway.address) as channel:
            caller = inference_pb2_grpc.InferenceServiceStub(channel)
            while True:
                try:
                    if is_stream:
                        request = inference_pb2.StreamGenerateRequest(text="heed", chunk_tokens=1)
                        events = list(caller.StreamGenerate(request, timeout=20))
                        assert events
                    else:
                        assert caller.Generate(generate_request("heed"), timeout=20).results
                    outcomes.append(("OK", ""))
                except grpc.RpcError as error:
                    outcomes.append((error.code().name, error.details() or ""))
                    return

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        callers = [pool.submit(ask, number % 2 == 0) for number in range(8)]
        wait_until(lambda: len(outcomes) > 40)
        gateway.process.send_signal(signal.SIGTERM)
        assert gateway.process.wait(40) == 0
        for caller in callers:
            caller.result(30)
    refusals = [outcome for outcome in outcomes if outcome[0] != "OK"]
    assert len(refusals) == len(callers)
    assert all(
        code == "UNAVAILABLE" and re.search("is ending|failed to connect", words)
        for code, words in refusals
    ), refusals


def test_connections_that_do_not_speak_in_time_are_closed(
    silent_connections: list[socket.socket],
) -> None:
    """Runs last: they began before the first test, and have ten seconds."""
    for connection in silent_connections:
        connection.settimeout(15)
        while connection.recv(4096):  # gRPC greets first
            pass
