"""A real model server and a real gateway in front of it, shared by the tests that only ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.exported_model import MODEL_NAME, exported_models_dir
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.model_server import ModelServerProcess, model_flags, running_model_server

__all__ = ["exported_models_dir"]


@pytest.fixture(scope="session")
def model_server(exported_models_dir: Path) -> Iterator[ModelServerProcess]:
    """A model server that serves the small model; not to be stopped."""
    flags = model_flags(MODEL_NAME, exported_models_dir / MODEL_NAME)
    with running_model_server(flags) as server:
        yield server


@pytest.fixture(scope="session")
def gateway(model_server: ModelServerProcess) -> Iterator[GatewayProcess]:
    """A gateway in front of it; not to be stopped."""
    with running_gateway(["--model-server", model_server.address, "--model", MODEL_NAME]) as one:
        yield one
