"""New versions while requests keep coming, and a crash in the middle of it."""

from __future__ import annotations

import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np
import pytest
from tensorflow_serving.apis import model_management_pb2

from tests.support.model_server import (
    MODEL_SERVER_COMMAND,
    model_flags,
    running_model_server,
    start_model_server,
)
from tests.support.saved_models import publish_copy
from tests.support.serving_client import (
    ServingClient,
    predict_request,
    serving_client,
    tensor,
)
from tests.support.waiting import wait_until

MODEL = "full"
ONE = {"x": tensor([1.0])}


@contextmanager
def callers(address: str, count: int) -> Iterator[Counter[str]]:
    """Callers that ask without a pause; the counter holds versions and error codes."""
    answers: Counter[str] = Counter()
    lock, stopped = threading.Lock(), threading.Event()

    def call() -> None:
        with serving_client(address) as client:
            while not stopped.is_set():
                try:
                    answer = str(client.predict(MODEL, ONE).model_spec.version.value)
                except grpc.RpcError as error:
                    answer = error.code().name
                with lock:
                    answers[answer] += 1

    threads = [threading.Thread(target=call) for _ in range(count)]
    for thread in threads:
        thread.start()
    try:
        yield answers
    finally:
        stopped.set()
        for thread in threads:
            thread.join()


def test_no_request_fails_while_versions_change(base_path: Path, full_model: Path) -> None:
    with (
        running_model_server(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as client,
        callers(server.address, 4) as answers,
    ):
        for version in range(2, 7):
            publish_copy(full_model, base_path, version)
            wait_until(lambda v=version: client.states(MODEL)[0] == (v, "AVAILABLE", 0))
        shutil.rmtree(base_path / "6")
        wait_until(lambda: client.states(MODEL)[:2] == [(6, "END", 0), (5, "AVAILABLE", 0)])
    assert set(answers) == {"1", "2", "3", "4", "5", "6"}


def test_a_request_keeps_the_version_it_began_with(base_path: Path, full_model: Path) -> None:
    with (
        running_model_server(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as client,
    ):
        long_answer = begin_loop(client, steps=400_000)
        publish_copy(full_model, base_path, 2)
        client.wait_for_states(MODEL, (2, "AVAILABLE", 0), (1, "UNLOADING", 0))
        assert client.predict(MODEL, ONE).model_spec.version.value == 2
        assert not long_answer.done()
        assert long_answer.result().model_spec.version.value == 1
        client.wait_for_states(MODEL, (2, "AVAILABLE", 0), (1, "END", 0))


def test_a_killed_process_starts_again_in_the_same_state(base_path: Path, full_model: Path) -> None:
    flags = model_flags(MODEL, base_path)
    with running_model_server(flags) as server, serving_client(server.address) as client:
        publish_copy(full_model, base_path, 2)
        client.wait_for_states(MODEL, (2, "AVAILABLE", 0), (1, "END", 0))
        port = server.port
        begin_loop(client, steps=10**12)
        publish_copy(full_model, base_path, 3)
        server.kill()
    restarted = start_model_server(flags, port=port)
    try:
        with serving_client(restarted.address) as client:
            assert client.states(MODEL) == [(3, "AVAILABLE", 0)]
            assert client.line(MODEL, [2.0]) == [3.0]
    finally:
        restarted.kill()
        restarted.log_path.unlink()


@pytest.mark.parametrize("delay_s", [0.0, 0.02, 0.05, 0.1, 0.2, 0.4])
def test_a_process_killed_at_any_moment_starts_again_in_the_same_state(
    base_path: Path, full_model: Path, delay_s: float
) -> None:
    """Killed while it starts, and while it loads, swaps and unloads under reloads and requests."""
    flags = [*model_flags(MODEL, base_path), "--file_system_poll_wait_seconds=0.01"]
    starting = subprocess.Popen(
        [*MODEL_SERVER_COMMAND, "--port=0", *flags],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    time.sleep(delay_s)
    starting.kill()
    starting.wait(10)
    with running_model_server(flags) as server, serving_client(server.address) as client:
        begin_loop(client, steps=10**12)
        publish_copy(full_model, base_path, 2)
        begin_reload(client, base_path, versions=2)
        publish_copy(full_model, base_path, 3)
        begin_reload(client, base_path, versions=1)
        time.sleep(delay_s)
        server.kill()
    with running_model_server(flags) as server, serving_client(server.address) as client:
        assert client.states(MODEL) == [(3, "AVAILABLE", 0)]
        assert client.line(MODEL, [2.0]) == [3.0]


def test_memory_does_not_grow_with_the_number_of_changes(base_path: Path, full_model: Path) -> None:
    with (
        running_model_server(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as client,
    ):

        def change(first: int, count: int) -> int:
            for version in range(first, first + count):
                publish_copy(full_model, base_path, version)
                wait_until(lambda v=version: client.states(MODEL)[0] == (v, "AVAILABLE", 0))
                client.predict(MODEL, ONE)
                shutil.rmtree(base_path / str(version - 1))
            return server.resident_bytes()

        settled = change(2, 8)
        assert change(10, 12) - settled < 30e6


def begin_reload(client: ServingClient, base_path: Path, *, versions: int) -> grpc.Future:
    request = model_management_pb2.ReloadConfigRequest()
    config = request.config.model_config_list.config.add()
    config.name, config.base_path, config.model_platform = MODEL, str(base_path), "tensorflow"
    config.model_version_policy.latest.num_versions = versions
    return client.model.HandleReloadConfigRequest.future(request, timeout=10)


def begin_loop(client: ServingClient, *, steps: int) -> grpc.Future:
    request = predict_request(MODEL, {"steps": tensor([steps], np.int64)}, signature="loop")
    return client.prediction.Predict.future(request, timeout=60)
