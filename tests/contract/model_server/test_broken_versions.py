"""A new version that cannot be loaded or warmed up: it ends in an error, the old one serves on."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tensorflow_serving.apis import prediction_log_pb2

from tests.support.model_server import ModelServerProcess, model_flags, running_server_under_test
from tests.support.saved_models import (
    move_into_place,
    publish_copy,
    publish_tiny_model,
    write_warmup,
)
from tests.support.serving_client import (
    ServingClient,
    predict_request,
    serving_client,
    tensor,
)
from tests.support.waiting import wait_until

MODEL = "tiny"
NOT_FOUND, INVALID, DATA_LOSS, OUT_OF_RANGE, UNIMPLEMENTED = 5, 3, 15, 11, 12
FAILED_PRECONDITION = 9


@pytest.fixture(scope="module")
def base_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("broken") / MODEL
    publish_tiny_model(path, 1)
    return path


@pytest.fixture(scope="module")
def server(base_path: Path) -> Iterator[ModelServerProcess]:
    with running_server_under_test(model_flags(MODEL, base_path)) as process:
        yield process


@pytest.fixture(scope="module")
def client(server: ModelServerProcess) -> Iterator[ServingClient]:
    with serving_client(server.address) as own:
        yield own


@pytest.fixture
def staging(base_path: Path) -> Path:
    """A copy of version 1 that is not published yet."""
    return Path(shutil.copytree(base_path / "1", base_path / "next.tmp"))


_next_version = iter(range(2, 1000))


def publish_and_see(client: ServingClient, staging: Path) -> tuple[int, str]:
    """Publish a broken version; returns the code and message it ended with."""
    version = next(_next_version)
    move_into_place(staging, staging.parent / str(version))
    wait_for_end(client, version)
    assert client.predict(MODEL, {"x": tensor([2.0])}).model_spec.version.value == 1
    status = client.status(MODEL, version=version).model_version_status[0].status
    shutil.rmtree(staging.parent / str(version))
    return status.error_code, status.error_message


def wait_for_end(client: ServingClient, version: int) -> None:
    wait_until(lambda: (version, "END") in [state[:2] for state in client.states(MODEL)])


def record(values: list[float], **options: object) -> prediction_log_pb2.PredictionLog:
    log = prediction_log_pb2.PredictionLog()
    request = predict_request("anybody", {"x": tensor(values)}, **options)
    log.predict_log.request.CopyFrom(request)
    return log


def test_an_unreadable_graph(client: ServingClient, staging: Path) -> None:
    (staging / "saved_model.pb").write_bytes(b"not a graph" * 100)
    code, message = publish_and_see(client, staging)
    assert code == DATA_LOSS
    assert message.startswith("Can't parse ")


def test_a_folder_without_a_graph(client: ServingClient, staging: Path) -> None:
    (staging / "saved_model.pb").unlink()
    code, message = publish_and_see(client, staging)
    assert code == NOT_FOUND
    assert message.startswith("Specified file path does not appear to contain a SavedModel bundle")


def test_variables_that_are_cut_short(client: ServingClient, staging: Path) -> None:
    data = next((staging / "variables").glob("*.data-*"))
    data.write_bytes(data.read_bytes()[:2])
    code, message = publish_and_see(client, staging)
    assert (code, "Read less bytes than requested" in message) == (OUT_OF_RANGE, True)


def test_variables_whose_data_is_missing(client: ServingClient, staging: Path) -> None:
    next((staging / "variables").glob("*.data-*")).unlink()
    code, _ = publish_and_see(client, staging)
    assert code == NOT_FOUND


def test_a_warm_up_request_that_fails(client: ServingClient, staging: Path) -> None:
    write_warmup(staging, [record([1.0]), record([1.0], signature="none")])
    code, message = publish_and_see(client, staging)
    assert code == FAILED_PRECONDITION
    assert message == 'Serving signature key "none" not found.'


def test_a_warm_up_file_that_is_no_record_file(client: ServingClient, staging: Path) -> None:
    write_warmup(staging, [])
    (staging / "assets.extra" / "tf_serving_warmup_requests").write_bytes(b"nothing like it" * 9)
    code, message = publish_and_see(client, staging)
    assert code == DATA_LOSS
    assert message.endswith("Please verify your warmup data is in TFRecord format.")


def test_a_warm_up_record_that_is_no_prediction_log(client: ServingClient, staging: Path) -> None:
    write_warmup(staging, [b"\xff\xff"])
    code, message = publish_and_see(client, staging)
    assert code == INVALID
    assert message.startswith("Failed to parse warmup record: ")


def test_a_warm_up_record_of_an_unsupported_kind(client: ServingClient, staging: Path) -> None:
    log = prediction_log_pb2.PredictionLog()
    log.session_run_log.request.model_spec.name = MODEL
    write_warmup(staging, [log])
    code, message = publish_and_see(client, staging)
    assert code == UNIMPLEMENTED
    assert message.startswith("Unsupported log_type for warmup: ")


def test_more_than_a_thousand_warm_up_records(client: ServingClient, staging: Path) -> None:
    write_warmup(staging, [record([1.0])] * 1001)
    code, message = publish_and_see(client, staging)
    assert code == INVALID
    assert message.startswith("Number of warmup records exceeds the maximum (1000) at ")


def test_a_good_higher_version_moves_the_model_on(client: ServingClient, staging: Path) -> None:
    """The last test of this file: afterwards version 1 is gone."""
    write_warmup(staging, [record([1.0], version=77, outputs=["y"]), b""])
    move_into_place(staging, staging.parent / "5000")
    wait_until(lambda: client.states(MODEL)[0] == (5000, "AVAILABLE", 0))
    wait_until(lambda: client.states(MODEL)[-1] == (1, "END", 0))
    assert client.predict(MODEL, {"x": tensor([2.0])}).model_spec.version.value == 5000


def test_a_version_with_an_empty_warm_up_file_is_served(tmp_path: Path, base_path: Path) -> None:
    version = publish_copy(base_path / "5000", tmp_path / MODEL, 1)
    write_warmup(version, [])
    with (
        running_server_under_test(model_flags(MODEL, tmp_path / MODEL)) as server,
        serving_client(server.address) as client,
    ):
        assert client.states(MODEL) == [(1, "AVAILABLE", 0)]
