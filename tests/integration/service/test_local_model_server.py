"""`heed serve --models-dir`: the model server as a child of the gateway."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import psutil
import pytest

from heed.v1 import inference_pb2
from tests.support.exported_model import copy_models_dir
from tests.support.gateway import (
    GATEWAY_COMMAND,
    START_TIMEOUT_S,
    GatewayProcess,
    error_of,
    running_gateway,
    violations_of,
)
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def gateway(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GatewayProcess]:
    """A gateway with two models: the small one, and a copy of it called "again"."""
    models_dir = copy_models_dir(exported_models_dir, tmp_path_factory.mktemp("two") / "models")
    shutil.copytree(models_dir / "g2p", models_dir / "again")
    with running_gateway(["--models-dir", str(models_dir)]) as gateway:
        yield gateway


def ask(gateway: GatewayProcess, model: str) -> inference_pb2.GenerateResponse:
    selector = inference_pb2.ModelSelector(name=model)
    request = inference_pb2.GenerateRequest(model=selector, texts=["heed"])
    return gateway.stub.Generate(request, timeout=30)


def test_it_serves_every_model_of_the_directory(gateway: GatewayProcess) -> None:
    listed = gateway.stub.ListModels(inference_pb2.ListModelsRequest()).models
    assert [model.name for model in listed] == ["again", "g2p"]
    for name in ("again", "g2p"):
        assert ask(gateway, name).model.name == name
        assert gateway.health(name) == "SERVING"


def test_with_several_models_a_call_must_name_one(gateway: GatewayProcess) -> None:
    error = error_of(lambda: ask(gateway, ""))
    assert error.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert violations_of(error) == {"model.name": "must name one of the models: again, g2p"}


def test_a_model_server_that_dies_is_started_again(gateway: GatewayProcess) -> None:
    child = gateway.model_server_child()
    child.kill()
    wait_until(lambda: gateway.health() == "NOT_SERVING")
    gateway.wait_for_log(re.compile("the model server ended with -9; starting it again in"))
    wait_until(lambda: gateway.health() == "SERVING", timeout_s=START_TIMEOUT_S)
    assert ask(gateway, "g2p").results
    assert gateway.model_server_child().pid != child.pid


def test_the_model_server_ends_with_a_gateway_that_is_killed(gateway: GatewayProcess) -> None:
    child = gateway.model_server_child()
    gateway.process.kill()
    gateway.process.wait(10)
    child.wait(10)
    assert not psutil.pid_exists(child.pid)


def test_ctrl_c_ends_the_gateway_and_its_model_server(exported_models_dir: Path) -> None:
    with running_gateway(["--models-dir", str(exported_models_dir)], until_ready=False) as gateway:
        wait_until(lambda: bool(psutil.Process(gateway.process.pid).children()))
        children = psutil.Process(gateway.process.pid).children()
        gateway.process.send_signal(signal.SIGINT)
        assert gateway.process.wait(20) == 0
        assert not any(psutil.pid_exists(child.pid) for child in children)


@pytest.mark.parametrize(
    ("flags", "status", "message"),
    [
        ([], 2, "give either --models-dir or --model-server"),
        (["--model-server", "127.0.0.1:1"], 2, "--model-server needs --model NAME"),
        (["--model-server", "localhost"], 2, "expected HOST:PORT"),
        (["--models-dir", "/nowhere"], 1, "/nowhere is not a directory"),
        (["--models-dir", "{empty}"], 1, "holds no exported model"),
    ],
)
def test_wrong_flags_end_with_one_clear_line(
    tmp_path: Path, flags: list[str], status: int, message: str
) -> None:
    command = [*GATEWAY_COMMAND, *(flag.format(empty=tmp_path) for flag in flags)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert result.returncode == status
    assert re.fullmatch(rf"heed: error: .*{re.escape(message)}.*\n", result.stderr), result.stderr


def test_a_port_in_use_ends_with_one_clear_line() -> None:
    flags = ["--model-server", "127.0.0.1:1", "--model", "g2p", "--host", "127.0.0.1"]
    with running_gateway(flags, until_ready=False) as first:
        port = first.address.rpartition(":")[2]
        result = subprocess.run(
            [sys.executable, "-m", "service", *flags, "--grpc-port", port, "--no-http"],
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert result.returncode == 1
    assert f"heed: error: cannot listen on 127.0.0.1:{port}" in result.stderr
