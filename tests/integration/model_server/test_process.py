"""The process: deadlines that free the processor, a clean stop, memory and start-up."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import numpy as np
import pytest

from tests.support.model_server import (
    MODEL_SERVER_COMMAND,
    ModelServerFailedError,
    ModelServerProcess,
    model_flags,
    running_model_server,
)
from tests.support.serving_client import (
    ServingClient,
    predict_request,
    refused,
    serving_client,
    tensor,
)

MODEL = "full"
ONE = {"x": tensor([1.0])}
LOOP = predict_request(MODEL, {"steps": tensor([10**12], np.int64)}, signature="loop")


@pytest.fixture
def server(base_path: Path) -> Iterator[ModelServerProcess]:
    with running_model_server(model_flags(MODEL, base_path)) as process:
        yield process


@pytest.fixture
def client(server: ModelServerProcess) -> Iterator[ServingClient]:
    with serving_client(server.address) as own:
        yield own


def test_a_deadline_stops_the_loop_and_the_processor_is_idle_again(
    server: ModelServerProcess, client: ServingClient
) -> None:
    client.predict(MODEL, {"steps": tensor([10], np.int64)}, signature="loop")
    with refused(grpc.StatusCode.DEADLINE_EXCEEDED):
        client.prediction.Predict(LOOP, timeout=0.5)
    time.sleep(0.3)
    used_s = server.cpu_seconds()
    time.sleep(1.0)
    assert server.cpu_seconds() - used_s < 0.3


def test_calls_with_hardly_any_time_leave_nothing_running(
    server: ModelServerProcess, client: ServingClient
) -> None:
    client.predict(MODEL, {"steps": tensor([10], np.int64)}, signature="loop")
    for timeout_s in (1e-6, 1e-4, 1e-3) * 5:
        with pytest.raises(grpc.RpcError):
            client.prediction.Predict(LOOP, timeout=timeout_s)
    time.sleep(0.3)
    used_s = server.cpu_seconds()
    assert client.line(MODEL, [2.0]) == [3.0]
    time.sleep(0.7)
    assert server.cpu_seconds() - used_s < 0.3


@pytest.mark.parametrize("stop_signal", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_under_load_lets_calls_finish(
    server: ModelServerProcess, client: ServingClient, stop_signal: signal.Signals
) -> None:
    steps = {"steps": tensor([100_000], np.int64)}
    request = predict_request(MODEL, steps, signature="loop")
    running = [client.prediction.Predict.future(request, timeout=30) for _ in range(3)]
    time.sleep(0.3)
    server.process.send_signal(stop_signal)
    assert [call.code() for call in running] == [grpc.StatusCode.OK] * 3
    assert server.process.wait(30) == 0
    assert "Traceback" not in server.log()
    with refused(grpc.StatusCode.UNAVAILABLE):
        client.predict(MODEL, ONE)


def test_new_calls_are_refused_while_the_server_stops(
    server: ModelServerProcess, client: ServingClient
) -> None:
    steps = {"steps": tensor([400_000], np.int64)}
    request = predict_request(MODEL, steps, signature="loop")
    running = client.prediction.Predict.future(request, timeout=30)
    time.sleep(0.2)
    server.process.terminate()
    time.sleep(0.2)
    assert not running.done()
    with refused(grpc.StatusCode.UNAVAILABLE):
        client.predict(MODEL, ONE)
    assert running.code() is grpc.StatusCode.OK
    assert server.process.wait(30) == 0


def test_bad_bytes_and_large_messages_do_not_harm_the_server(client: ServingClient) -> None:
    raw = client.channel.unary_unary("/tensorflow.serving.PredictionService/Predict")
    with pytest.raises(grpc.RpcError):
        raw(b"\xff\xff\xff", timeout=10)
    with refused(grpc.StatusCode.INVALID_ARGUMENT):
        raw(b"\x1a" + b"\x80\x80\x80\x30" + b"a" * (96 << 20), timeout=30)
    assert client.line(MODEL, [2.0]) == [3.0]


def test_a_tensor_beyond_all_memory_does_not_hold_up_other_calls(client: ServingClient) -> None:
    request = predict_request(MODEL, {"x": tensor([1.0])})
    del request.inputs["x"].tensor_shape.dim[:]
    for _ in range(3):
        request.inputs["x"].tensor_shape.dim.add(size=2**20)
    hopeless = client.prediction.Predict.future(request, timeout=30)
    time.sleep(0.3)
    assert client.predict(MODEL, ONE, timeout_s=3).model_spec.version.value == 1
    assert hopeless.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert hopeless.details() == "tensor parsing error: x"


def test_a_port_that_is_taken_is_an_error(server: ModelServerProcess, base_path: Path) -> None:
    with (
        pytest.raises(ModelServerFailedError, match=r"in use"),
        running_model_server(model_flags(MODEL, base_path), port=server.port),
    ):
        pass


def test_a_model_without_versions_is_waited_for(base_path: Path) -> None:
    hidden = base_path.rename(base_path.with_name("hidden"))
    base_path.mkdir()
    published = threading.Event()

    def publish() -> None:
        published.set()
        (hidden / "1").rename(base_path / "1")

    publisher = threading.Timer(1.5, publish)
    publisher.start()
    with (
        running_model_server(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as client,
    ):
        assert published.is_set()
        assert client.states(MODEL) == [(1, "AVAILABLE", 0)]
    publisher.join()


def test_a_unix_socket_serves_too(base_path: Path, tmp_path: Path) -> None:
    socket_path = tmp_path / "model.sock"
    flags = [*model_flags(MODEL, base_path), f"--grpc_socket_path={socket_path}"]
    with running_model_server(flags), serving_client(f"unix:{socket_path}") as client:
        assert client.line(MODEL, [2.0]) == [3.0]


def test_the_server_never_imports_tensorflows_python_package() -> None:
    code = (
        "import sys, model_server.main, model_server.rpc.server, model_server.servables.loading\n"
        "heavy = {'tensorflow', 'keras', 'pandas'} & set(sys.modules)\n"
        "sys.exit(f'imported: {heavy}' if heavy else 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*MODEL_SERVER_COMMAND, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_an_unknown_flag_ends_with_status_2_and_near_names() -> None:
    ended = run("--model_base_pth=/m")
    assert ended.returncode == 2
    assert ended.stderr.startswith("heed: error: unknown flag --model_base_pth; did you mean ")
    assert "--model_base_path" in ended.stderr


def test_help_and_version_end_with_status_0() -> None:
    assert "--model_base_path" in run("--help").stdout
    assert "TensorFlow 2." in run("--version").stdout
    assert run("--help").returncode == 0
