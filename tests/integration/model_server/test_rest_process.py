"""The HTTP side of the process: odd callers, its port, and a stop."""

from __future__ import annotations

import http.client
import json
import re
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.model_server import (
    ModelServerFailedError,
    ModelServerProcess,
    model_flags,
    running_model_server,
)
from tests.support.waiting import wait_until

MODEL = "full"
PREDICT = f"/v1/models/{MODEL}:predict"
REST_LINE = re.compile(r"Exporting HTTP/REST API at:127\.0\.0\.1:(\d+) \.\.\.")


@pytest.fixture(scope="module")
def server(full_model: Path) -> Iterator[ModelServerProcess]:
    flags = [*model_flags(MODEL, full_model.parent), "--rest_api_port=-1"]
    with running_model_server(flags) as process:
        yield process


def rest_port(server: ModelServerProcess) -> int:
    wait_until(lambda: REST_LINE.search(server.log()) is not None)
    found = REST_LINE.search(server.log())
    return int(found[1]) if found else 0


def predict(port: int, document: object) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("POST", PREDICT, json.dumps(document))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def raw(port: int, request: bytes) -> bytes:
    """The first bytes that come back for these."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
        caller.sendall(request)
        return caller.recv(4096)


def test_a_connection_carries_many_calls(server: ModelServerProcess) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", rest_port(server), timeout=20)
    began = time.monotonic()
    for _ in range(50):
        connection.request("POST", PREDICT, '{"inputs": [2.0]}')
        answer = connection.getresponse()
        assert json.loads(answer.read())["outputs"]["y"] == [3.0]
    connection.close()
    assert time.monotonic() - began < 2  # no packet waits for another one's acknowledgement


def test_many_callers_at_once_all_get_their_answers(server: ModelServerProcess) -> None:
    port = rest_port(server)
    with ThreadPoolExecutor(32) as callers:
        answers = list(callers.map(lambda i: predict(port, {"inputs": [float(i)]}), range(200)))
    for index, (status, body) in enumerate(answers):
        assert status == 200
        assert json.loads(body)["outputs"]["y"] == [index / 2 + 2]


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (f"POST {PREDICT} HTTP/1.1\r\nHost: x\r\n\r\n".encode(), b" 411 "),
        (f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 99999999999\r\n\r\n".encode(), b" 413 "),
        (f"POST {PREDICT} HTTP/1.1\r\nContent-Length: -1\r\n\r\n".encode(), b" 411 "),
        (b"DELETE /v1/models/full HTTP/1.1\r\nHost: x\r\n\r\n", b" 501 "),
        (b"GET /favicon.ico HTTP/1.1\r\nHost: x\r\n\r\n", b" 404 "),
        (b"nonsense\r\n\r\n", b"400"),
    ],
)
def test_odd_requests_are_refused(
    server: ModelServerProcess, request_bytes: bytes, status: bytes
) -> None:
    assert status in raw(rest_port(server), request_bytes)


def test_a_caller_that_asks_whether_to_go_on_is_told_at_once(server: ModelServerProcess) -> None:
    head = f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 17\r\nExpect: 100-continue\r\n\r\n"
    with socket.create_connection(("127.0.0.1", rest_port(server)), timeout=10) as caller:
        caller.sendall(head.encode())
        assert caller.recv(4096).startswith(b"HTTP/1.1 100 ")
        caller.sendall(b'{"inputs": [2.0]}')
        assert b" 200 " in caller.recv(4096)


def test_callers_that_leave_do_no_harm(server: ModelServerProcess) -> None:
    port = rest_port(server)
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", port), timeout=10) as caller:
            caller.sendall(f"POST {PREDICT} HTTP/1.1\r\nContent-Length: 100\r\n\r\n{{".encode())
    body = b"[" * 100_000
    deep = f"POST {PREDICT} HTTP/1.1\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body
    assert b" 400 " in raw(port, deep)
    assert predict(port, {"inputs": [2.0]})[0] == 200
    assert "Traceback" not in server.log()


def test_a_port_that_is_taken_is_an_error(server: ModelServerProcess, base_path: Path) -> None:
    flags = [*model_flags(MODEL, base_path), f"--rest_api_port={rest_port(server)}"]
    with (
        pytest.raises(ModelServerFailedError, match="cannot listen on"),
        running_model_server(flags),
    ):
        pass


def test_a_stop_lets_http_calls_finish_and_does_not_wait_for_idle_connections(
    base_path: Path,
) -> None:
    flags = [*model_flags(MODEL, base_path), "--rest_api_port=-1"]
    document = {"signature_name": "loop", "inputs": [200_000]}
    with running_model_server(flags) as server, ThreadPoolExecutor(1) as caller:
        port = rest_port(server)
        with socket.create_connection(("127.0.0.1", port), timeout=10):
            running = caller.submit(predict, port, document)
            time.sleep(0.3)
            assert server.terminate() == 0
            assert running.result(10) == (200, b'{\n    "outputs": [200000]\n}')
        assert "Traceback" not in server.log()


def test_a_start_prints_the_servers_own_lines_alone(server: ModelServerProcess) -> None:
    rest_port(server)
    foreign = [
        line
        for line in server.log().splitlines()
        if not re.match(r"\d{4}-\d\d-\d\d .* INFO |Running gRPC |Exporting HTTP", line)
    ]
    assert foreign == []
