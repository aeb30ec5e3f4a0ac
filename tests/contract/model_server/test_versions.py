"""Versions on disk: what counts, what is picked, and how one replaces another."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest

from tests.support.model_server import model_flags, running_server_under_test
from tests.support.saved_models import publish_copy, publish_tiny_model
from tests.support.serving_client import (
    ServingClient,
    refused,
    serving_client,
    tensor,
)
from tests.support.waiting import wait_until

MODEL = "tiny"
AVAILABLE, END = "AVAILABLE", "END"
ONE = {"x": tensor([1.0])}


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return publish_tiny_model(tmp_path_factory.mktemp("tiny"), 1)


@pytest.fixture
def base_path(tmp_path: Path, tiny_model: Path) -> Path:
    """A base path with version 1."""
    path = tmp_path / MODEL
    publish_copy(tiny_model, path, 1)
    return path


@pytest.fixture
def client(base_path: Path) -> Iterator[ServingClient]:
    """A client of a server of that base path."""
    with (
        running_server_under_test(model_flags(MODEL, base_path)) as server,
        serving_client(server.address) as own,
    ):
        yield own


def config_file(folder: Path, *models: str) -> Path:
    """A model configuration file with the given bodies of `config { }`."""
    path = folder / "models.config"
    listed = "".join(f'config {{ model_platform: "tensorflow" {model} }}\n' for model in models)
    path.write_text(f"model_config_list {{ {listed} }}")
    return path


def served_versions(flags: list[str]) -> list[int]:
    with running_server_under_test(flags) as server, serving_client(server.address) as client:
        wait_until(lambda: all(state[1] == AVAILABLE for state in client.states(MODEL)))
        return [version for version, _, _ in client.states(MODEL)]


def test_a_higher_version_replaces_the_one_that_serves(
    client: ServingClient, base_path: Path, tiny_model: Path
) -> None:
    publish_copy(tiny_model, base_path, 2)
    client.wait_for_states(MODEL, (2, AVAILABLE, 0), (1, END, 0))
    assert client.predict(MODEL, ONE).model_spec.version.value == 2
    with refused(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(tiny, 1)"):
        client.predict(MODEL, ONE, version=1)


def test_removing_a_good_version_goes_back_to_the_one_before(
    client: ServingClient, base_path: Path, tiny_model: Path
) -> None:
    publish_copy(tiny_model, base_path, 2)
    client.wait_for_states(MODEL, (2, AVAILABLE, 0), (1, END, 0))
    shutil.rmtree(base_path / "2")
    client.wait_for_states(MODEL, (2, END, 0), (1, AVAILABLE, 0))
    assert client.predict(MODEL, ONE).model_spec.version.value == 1


def test_only_whole_numbers_are_versions(base_path: Path, tiny_model: Path) -> None:
    for name in ("v7", "7.tmp", "1e9", "9_0", "0x8", "99999999999999999999"):
        publish_copy(tiny_model, base_path, name)
    assert served_versions(model_flags(MODEL, base_path)) == [1]


def test_leading_zeros_do_not_count(base_path: Path, tiny_model: Path) -> None:
    publish_copy(tiny_model, base_path, "00000123")
    assert served_versions(model_flags(MODEL, base_path)) == [123]


def test_changing_files_in_place_does_nothing(client: ServingClient, base_path: Path) -> None:
    (base_path / "1" / "saved_model.pb").write_bytes(b"broken" * 100)
    publish_copy(base_path / "1", base_path, 2)  # a sign that the folders were read again
    client.wait_for_states(MODEL, (2, END, 15), (1, AVAILABLE, 0))
    assert client.line(MODEL, [2.0]) == [3.0]


def test_an_emptied_base_path_unloads_the_model(client: ServingClient, base_path: Path) -> None:
    shutil.rmtree(base_path / "1")
    client.wait_for_states(MODEL, (1, END, 0))
    with refused(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Latest(tiny)"):
        client.predict(MODEL, ONE)


def test_a_vanished_base_path_changes_nothing(
    client: ServingClient, base_path: Path, tiny_model: Path
) -> None:
    hidden = base_path.rename(base_path.with_name("hidden"))
    with pytest.raises(TimeoutError):
        wait_until(lambda: client.states(MODEL) != [(1, AVAILABLE, 0)], timeout_s=2.5)
    hidden.rename(base_path)
    publish_copy(tiny_model, base_path, 2)
    client.wait_for_states(MODEL, (2, AVAILABLE, 0), (1, END, 0))


def test_a_version_that_comes_back_is_loaded_again(
    client: ServingClient, base_path: Path, tiny_model: Path
) -> None:
    shutil.rmtree(base_path / "1")
    client.wait_for_states(MODEL, (1, END, 0))
    publish_copy(tiny_model, base_path, 1)
    client.wait_for_states(MODEL, (1, AVAILABLE, 0))


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("", [3]),
        ("latest { num_versions: 2 }", [3, 2]),
        ("latest { }", [3]),
        ("all { }", [3, 2, 1]),
        ("specific { versions: 1 versions: 3 versions: 8 }", [3, 1]),
    ],
)
def test_the_policy_picks_the_versions(
    base_path: Path, tiny_model: Path, policy: str, expected: list[int]
) -> None:
    for version in (2, 3):
        publish_copy(tiny_model, base_path, version)
    body = f'name: "{MODEL}" base_path: "{base_path}" model_version_policy {{ {policy} }}'
    file = config_file(base_path.parent, body)
    assert served_versions([f"--model_config_file={file}"]) == expected


def test_a_version_that_the_policy_never_wanted_has_no_status(
    base_path: Path, tiny_model: Path
) -> None:
    publish_copy(tiny_model, base_path, 2)
    assert served_versions(model_flags(MODEL, base_path)) == [2]
