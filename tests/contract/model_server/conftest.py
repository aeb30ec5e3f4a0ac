"""The server under test: the local model server, or the one that the environment names.

HEED_MODEL_SERVER_COMMAND is a command that starts one when TensorFlow Serving's flags are appended.
HEED_MODEL_SERVER_ADDRESS is where one runs already: it is told by a reload to serve the tests'
model, which must lie below the same path there, and tests that need other flags are skipped.
Everything here is written against TensorFlow Serving's documented behaviour. What the local server
does better on purpose is in test_better_than_tensorflow_serving.py, which another server skips.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorflow_serving.apis import model_management_pb2

from tests.support.model_server import (
    ModelServerProcess,
    foreign_address,
    foreign_command,
    model_flags,
    running_server_under_test,
)
from tests.support.saved_models import publish_model
from tests.support.serving_client import CALL_TIMEOUT_S, ServingClient, serving_client

MODEL = "full"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if foreign_command() is None and foreign_address() is None:
        return
    for item in items:
        if "better_than_tensorflow_serving" in item.nodeid:
            item.add_marker(pytest.mark.skip(reason="the local model server does this better"))


@pytest.fixture(scope="session")
def full_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of version 3 of the full model, mark 3; its parent is the base path."""
    return publish_model(tmp_path_factory.mktemp("models") / MODEL, 3, mark=3)


@pytest.fixture(scope="session")
def server(full_model: Path) -> Iterator[ModelServerProcess]:
    """A server of the full model that all tests share: they must not change its folders."""
    with running_server_under_test(model_flags(MODEL, full_model.parent)) as process:
        yield process


@pytest.fixture(scope="session")
def client(request: pytest.FixtureRequest, full_model: Path) -> Iterator[ServingClient]:
    """A client of the shared server."""
    address = foreign_address()
    if address is None:
        server: ModelServerProcess = request.getfixturevalue("server")
        address = server.address
    with serving_client(address) as shared:
        if foreign_address():
            serve_by_reload(shared, full_model.parent)
        yield shared


def serve_by_reload(client: ServingClient, base_path: Path) -> None:
    """Make a running server serve the full model, and nothing else."""
    request = model_management_pb2.ReloadConfigRequest()
    config = request.config.model_config_list.config.add()
    config.name, config.base_path, config.model_platform = MODEL, str(base_path), "tensorflow"
    client.model.HandleReloadConfigRequest(request, timeout=CALL_TIMEOUT_S)
