"""The server under test: the local model server, or the one that HEED_MODEL_SERVER_COMMAND names.

Everything here is written against TensorFlow Serving's documented behaviour. What the local server
does better on purpose is in test_better_than_tensorflow_serving.py, which another server skips.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.model_server import (
    ModelServerProcess,
    foreign_command,
    model_flags,
    running_server_under_test,
)
from tests.support.saved_models import publish_model
from tests.support.serving_client import ServingClient, serving_client

MODEL = "full"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if foreign_command() is None:
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
def client(server: ModelServerProcess) -> Iterator[ServingClient]:
    """A client of the shared server."""
    with serving_client(server.address) as shared:
        yield shared
