"""Where the local server is better on purpose; docs/model-server.md lists each case."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.model_server import model_flags, running_server_under_test
from tests.support.saved_models import move_into_place, publish_copy, publish_tiny_model
from tests.support.serving_client import ServingClient, serving_client

MODEL = "tiny"


@pytest.fixture
def base_path(tmp_path: Path) -> Path:
    publish_tiny_model(tmp_path / MODEL, 1)
    return tmp_path / MODEL


@pytest.fixture
def client(base_path: Path) -> Iterator[ServingClient]:
    with (
        running_server_under_test(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as own,
    ):
        yield own


def test_a_broken_version_that_is_repaired_in_place_is_loaded(
    client: ServingClient, base_path: Path
) -> None:
    (base_path / "2").mkdir()
    client.wait_for_states(MODEL, (2, "END", 5), (1, "AVAILABLE", 0))
    shutil.rmtree(base_path / "2")
    publish_copy(base_path / "1", base_path, 2)
    client.wait_for_states(MODEL, (2, "AVAILABLE", 0), (1, "END", 0))


def test_a_half_copied_version_without_its_variables_is_not_served(
    client: ServingClient, base_path: Path
) -> None:
    staging = Path(shutil.copytree(base_path / "1", base_path / "next.tmp"))
    shutil.rmtree(staging / "variables")
    move_into_place(staging, base_path / "2")
    client.wait_for_states(MODEL, (2, "END", 5), (1, "AVAILABLE", 0))


def two_models(folder: Path) -> tuple[Path, str]:
    """The models "a" and "b" in version 1: the version's folder, and the flag that serves both."""
    version = publish_tiny_model(folder / "a", 1)
    publish_copy(version, folder / "b", 1)
    models = "".join(
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" }}'
        for name in ("a", "b")
    )
    file = folder / "models.config"
    file.write_text(f"model_config_list {{ {models} }}")
    return version, f"--model_config_file={file}"


def test_a_version_that_keeps_failing_does_not_hold_up_another_model(tmp_path: Path) -> None:
    good, config_flag = two_models(tmp_path)
    flags = [config_flag, "--max_num_load_retries=5"]
    with running_server_under_test(flags) as server, serving_client(server.address) as client:
        (tmp_path / "a" / "2").mkdir()
        client.wait_for_states("a", (2, "LOADING", 0), (1, "AVAILABLE", 0))
        publish_copy(good, tmp_path / "b", 2)
        client.wait_for_states("b", (2, "AVAILABLE", 0), (1, "END", 0))
        publish_copy(good, tmp_path / "a", 3)
        client.wait_for_states("a", (3, "AVAILABLE", 0), (2, "END", 5), (1, "END", 0))


def test_a_missing_base_path_does_not_stop_the_watch_over_other_models(tmp_path: Path) -> None:
    _, config_flag = two_models(tmp_path)
    with (
        running_server_under_test([config_flag]) as server,
        serving_client(server.address) as client,
    ):
        shutil.move(tmp_path / "a", tmp_path / "gone")
        publish_copy(tmp_path / "gone" / "1", tmp_path / "b", 2)
        client.wait_for_states("b", (2, "AVAILABLE", 0), (1, "END", 0))
        assert client.line("a", [2.0]) == [3.0]
