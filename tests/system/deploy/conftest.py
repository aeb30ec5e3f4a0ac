"""The stack that the tests with an engine share."""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.docker_stack import Stack, images, require_engine, running_stack
from tests.support.exported_model import exported_models_dir

__all__ = ["exported_models_dir"]

Report = Callable[..., None]


@pytest.fixture(scope="session")
def stand_ins() -> Iterator[list[str]]:
    """All images are there; the names of those that have stand-ins."""
    require_engine()
    with images() as replaced:
        yield replaced


@pytest.fixture(scope="session")
def served_models_dir(
    exported_models_dir: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """A folder with the model g2p-quick that tests may add versions to, for any user to read."""
    folder = tmp_path_factory.mktemp("models")
    shutil.copytree(exported_models_dir / "g2p", folder / "g2p-quick")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)
    return folder


@pytest.fixture(scope="session")
def stack(stand_ins: list[str], served_models_dir: Path) -> Iterator[Stack]:
    """docker-compose.cpu.yml, unchanged."""
    with running_stack("docker-compose.cpu.yml", served_models_dir) as running:
        yield running


@pytest.fixture(scope="session")
def report() -> Report:
    """Keeps what happened: a line of JSON in the file that HEED_DEPLOY_REPORT names, if any."""
    path = os.environ.get("HEED_DEPLOY_REPORT")

    def write(fault: str, **facts: object) -> None:
        line = json.dumps({"fault": fault, "time": time.strftime("%FT%TZ", time.gmtime()), **facts})
        print(line)
        if path:
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(line + "\n")

    return write
