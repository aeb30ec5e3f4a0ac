"""HandleReloadConfigRequest, the polled configuration file, and labels."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from tensorflow_serving.apis import model_management_pb2, prediction_log_pb2

from tests.support.model_server import ModelServerFailedError, running_server_under_test
from tests.support.saved_models import publish_copy, publish_tiny_model, write_warmup
from tests.support.serving_client import (
    CALL_TIMEOUT_S,
    ServingClient,
    predict_request,
    refused,
    serving_client,
    tensor,
)
from tests.support.waiting import wait_until

ONE = {"x": tensor([1.0])}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models a (versions 1 and 2), b (version 1) and broken (version 1)."""
    path = tmp_path_factory.mktemp("models")
    first = publish_tiny_model(path / "a", 1)
    publish_copy(first, path / "a", 2)
    publish_copy(first, path / "b", 1)
    (path / "broken" / "1").mkdir(parents=True)
    return path


@pytest.fixture
def config_path(folder: Path, tmp_path: Path) -> Path:
    """A configuration with all versions of model a."""
    path = tmp_path / "models.config"
    path.write_text(config_text(folder, "a"))
    return path


@pytest.fixture
def client(config_path: Path) -> Iterator[ServingClient]:
    flags = [f"--model_config_file={config_path}", "--model_config_file_poll_wait_seconds=1"]
    with running_server_under_test(flags) as server, serving_client(server.address) as own:
        wait_until(lambda: [state[1] for state in own.states("a")] == ["AVAILABLE"] * 2)
        yield own


def config_text(folder: Path, *names: str) -> str:
    models = "".join(
        f'config {{ name: "{name}" base_path: "{folder / name}" model_platform: "tensorflow" '
        "model_version_policy { all { } } }"
        for name in names
    )
    return f"model_config_list {{ {models} }}"


def reload(
    client: ServingClient, folder: Path, *names: str, labels: Mapping[str, int] | None = None
) -> Any:
    request = reload_request(folder, *names, labels=labels)
    return client.model.HandleReloadConfigRequest(request, timeout=CALL_TIMEOUT_S)


def reload_request(
    folder: Path, *names: str, labels: Mapping[str, int] | None = None
) -> model_management_pb2.ReloadConfigRequest:
    request = model_management_pb2.ReloadConfigRequest()
    request.config.model_config_list.SetInParent()
    for name in names:
        model = request.config.model_config_list.config.add()
        model.name, model.base_path = name, str(folder / name)
        model.model_platform = "tensorflow"
        model.model_version_policy.all.SetInParent()
        model.version_labels.update(labels or {})
    return request


def test_a_reload_loads_new_models_and_unloads_the_others(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()  # so that its polling does not undo the reload
    assert reload(client, folder, "b").status.error_code == 0
    assert client.states("b") == [(1, "AVAILABLE", 0)]
    client.wait_for_states("a", (2, "END", 0), (1, "END", 0))


def test_a_reload_without_a_model_list_is_refused(client: ServingClient) -> None:
    message = (
        "ServerModelConfig type not supported by HandleReloadConfigRequest. "
        "Only ModelConfigList is currently supported"
    )
    with refused(grpc.StatusCode.INVALID_ARGUMENT, message):
        client.model.HandleReloadConfigRequest(
            model_management_pb2.ReloadConfigRequest(), timeout=CALL_TIMEOUT_S
        )


def test_a_reload_with_a_model_that_fails_says_so_and_stays_in_force(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()
    with pytest.raises(grpc.RpcError) as caught:
        reload(client, folder, "b", "broken")
    assert caught.value.code() is grpc.StatusCode.UNKNOWN
    message = "1 model(s) did not become available: {{name: broken version: 1} due to error: "
    assert caught.value.details().startswith(message)
    assert client.states("b") == [(1, "AVAILABLE", 0)]


def test_a_model_that_comes_back_is_waited_for_again(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()
    for _ in range(3):
        reload(client, folder, "b")
        assert client.line("b", [2.0]) == [3.0]
        reload(client, folder)


def test_a_reload_tells_how_much_the_metrics_that_it_names_have_risen(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()
    version = publish_copy(folder / "a" / "1", folder / "warm", 1)
    log = prediction_log_pb2.PredictionLog()
    log.predict_log.request.CopyFrom(predict_request("anyone", ONE))
    write_warmup(version, [log, log])
    request = reload_request(folder, "warm")
    records = "/tensorflow/serving/model_warmup_records_read"
    request.metric_names.extend([records, "/tensorflow/serving/nothing"])
    response = client.model.HandleReloadConfigRequest(request, timeout=CALL_TIMEOUT_S)
    risen = {metric.name: metric.int64_value_increase for metric in response.metric}
    assert risen[records] == 2


def test_an_empty_reload_unloads_everything(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()
    reload(client, folder)
    client.wait_for_states("a", (2, "END", 0), (1, "END", 0))


def test_labels_name_versions_and_are_replaced_whole(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.unlink()
    reload(client, folder, "a", labels={"stable": 1, "canary": 2})
    answer = client.predict("a", ONE, label="stable")
    assert answer.model_spec.version.value == 1
    assert not answer.model_spec.version_label
    assert client.predict("a", ONE, label="canary").model_spec.version.value == 2
    reload(client, folder, "a", labels={"stable": 2})
    assert client.predict("a", ONE, label="stable").model_spec.version.value == 2
    message = "Unrecognized servable version label: canary"
    with refused(grpc.StatusCode.INVALID_ARGUMENT, message):
        client.predict("a", ONE, label="canary")


def test_a_label_for_a_version_that_is_not_available_is_refused(
    client: ServingClient, folder: Path
) -> None:
    message = (
        "Request to assign label to version 9 of model a, "
        "which is not currently available for inference"
    )
    with refused(grpc.StatusCode.FAILED_PRECONDITION, message):
        reload(client, folder, "a", labels={"stable": 9})


def test_a_label_outlives_its_version(
    client: ServingClient, folder: Path, config_path: Path, tmp_path: Path
) -> None:
    config_path.unlink()
    publish_copy(folder / "a" / "1", tmp_path / "a", 1)
    publish_copy(folder / "a" / "1", tmp_path / "a", 2)
    request = reload_request(tmp_path, "a")
    client.model.HandleReloadConfigRequest(request, timeout=CALL_TIMEOUT_S)
    request.config.model_config_list.config[0].version_labels["stable"] = 1
    client.model.HandleReloadConfigRequest(request, timeout=CALL_TIMEOUT_S)
    shutil.rmtree(tmp_path / "a" / "1")
    client.wait_for_states("a", (2, "AVAILABLE", 0), (1, "END", 0))
    with refused(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(a, 1)"):
        client.predict("a", ONE, label="stable")


def labelled_config(folder: Path, version: int) -> str:
    return (
        f'model_config_list {{ config {{ name: "a" base_path: "{folder / "a"}" '
        f'model_platform: "tensorflow" version_labels {{ key: "next" value: {version} }} }} }}'
    )


def test_labels_in_the_first_configuration_end_the_process(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "models.config"
    file.write_text(labelled_config(folder, 2))
    with (
        pytest.raises(ModelServerFailedError, match="Request to assign label to version 2"),
        running_server_under_test([f"--model_config_file={file}"]),
    ):
        pass


def test_new_labels_may_name_unavailable_versions_when_a_flag_allows_it(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "models.config"
    file.write_text(labelled_config(folder, 9))
    flags = [f"--model_config_file={file}", "--allow_version_labels_for_unavailable_models"]
    with running_server_under_test(flags) as server, serving_client(server.address) as own:
        with refused(grpc.StatusCode.NOT_FOUND, "Servable not found for request: Specific(a, 9)"):
            own.predict("a", ONE, label="next")
        reload(own, folder, "a", labels={"next": 2})
        assert own.predict("a", ONE, label="next").model_spec.version.value == 2
        with refused(grpc.StatusCode.FAILED_PRECONDITION):
            reload(own, folder, "a", labels={"next": 9})
        assert own.predict("a", ONE, label="next").model_spec.version.value == 2


def test_a_changed_configuration_file_is_applied(
    client: ServingClient, folder: Path, config_path: Path
) -> None:
    config_path.write_text(config_text(folder, "a", "b"))
    wait_until(lambda: _serves(client, "b"))
    assert client.line("b", [2.0]) == [3.0]


def test_a_broken_configuration_file_changes_nothing(
    client: ServingClient, config_path: Path
) -> None:
    config_path.write_text("model_config_list { nonsense }")
    with pytest.raises(TimeoutError):
        wait_until(lambda: not _serves(client, "a"), timeout_s=2.5)


def _serves(client: ServingClient, name: str) -> bool:
    try:
        return bool(client.line(name, [1.0]))
    except grpc.RpcError:
        return False
