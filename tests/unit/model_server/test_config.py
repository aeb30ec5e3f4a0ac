from __future__ import annotations

from pathlib import Path

import pytest

from model_server.lifecycle.config import ModelConfig, read_config_file, single_model
from model_server.lifecycle.labels import Labels
from model_server.lifecycle.serving import ServableHandle, ServingTable
from model_server.lifecycle.storage import All, Latest, Specific
from model_server.status import Code, StatusError
from tests.support.servables import idle_servable


def read(folder: Path, text: str) -> tuple[ModelConfig, ...]:
    file = folder / "models.config"
    file.write_text(text)
    return read_config_file(file)


def model(body: str) -> str:
    return f'model_config_list {{ config {{ name: "m" base_path: "/models/m" {body} }} }}'


def refusal(folder: Path, text: str) -> StatusError:
    with pytest.raises(StatusError) as caught:
        read(folder, text)
    return caught.value


@pytest.mark.parametrize("platform", ['model_platform: "tensorflow"', "model_type: TENSORFLOW"])
def test_a_model_has_a_name_a_path_and_the_latest_version(tmp_path: Path, platform: str) -> None:
    assert read(tmp_path, model(platform)) == (ModelConfig("m", Path("/models/m"), Latest(1)),)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        ("latest { num_versions: 3 }", Latest(3)),
        ("latest { num_versions: 0 }", Latest(1)),
        ("all { }", All()),
        ("specific { versions: 4 versions: 2 }", Specific((4, 2))),
    ],
)
def test_the_policies(tmp_path: Path, policy: str, expected: object) -> None:
    body = f'model_platform: "tensorflow" model_version_policy {{ {policy} }}'
    assert read(tmp_path, model(body))[0].policy == expected


def test_labels_are_read(tmp_path: Path) -> None:
    label = 'version_labels { key: "stable" value: 4 }'
    found = read(tmp_path, model(f'model_platform: "tensorflow" {label}'))
    assert found[0].labels == {"stable": 4}


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("nonsense", Code.INVALID_ARGUMENT, "Invalid protobuf file"),
        (model(""), Code.INVALID_ARGUMENT, "Illegal setting neither"),
        (
            model('model_platform: "tensorflow" model_type: TENSORFLOW'),
            Code.INVALID_ARGUMENT,
            "Illegal setting both",
        ),
        (
            model('model_platform: "onnx"'),
            Code.INVALID_ARGUMENT,
            "Model m requests unsupported platform onnx",
        ),
        ("custom_model_config { }", Code.UNIMPLEMENTED, "custom_model_config"),
    ],
)
def test_what_is_wrong_is_refused(tmp_path: Path, text: str, code: Code, message: str) -> None:
    error = refusal(tmp_path, text)
    assert error.code is code
    assert message in error.message


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StatusError, match="Cannot read"):
        read_config_file(tmp_path / "none")


def test_a_relative_path_is_refused() -> None:
    with pytest.raises(StatusError) as caught:
        single_model("m", "models/m")
    assert caught.value.message == (
        "Expected model m to have an absolute path or URI; got base_path()=models/m"
    )


def test_a_bucket_is_left_to_the_real_server() -> None:
    with pytest.raises(StatusError, match="folders only"):
        single_model("m", "gs://bucket/m")


def labels(*, allow_unavailable: bool) -> Labels:
    table = ServingTable()
    table.add(ServableHandle(idle_servable("m", 1)))
    return Labels(table, allow_unavailable=allow_unavailable)


def with_labels(**versions: int) -> list[ModelConfig]:
    return [ModelConfig("m", Path("/m"), labels=versions)]


def test_a_label_needs_an_available_version() -> None:
    refusing = labels(allow_unavailable=False)
    refusing.replace(with_labels(stable=1))
    with pytest.raises(StatusError, match="Request to assign label to version 2 of model m"):
        refusing.replace(with_labels(stable=2))
    assert refusing.version("m", "stable") == 1


def test_a_new_label_may_name_an_unavailable_version_when_that_is_allowed() -> None:
    allowing = labels(allow_unavailable=True)
    allowing.replace(with_labels(stable=1, next=2))
    allowing.replace(with_labels(stable=1, next=2))
    assert allowing.version("m", "next") == 2
    with pytest.raises(StatusError, match="Request to assign label to version 3"):
        allowing.replace(with_labels(stable=3))


def test_labels_that_are_not_listed_again_are_gone() -> None:
    some = labels(allow_unavailable=False)
    some.replace(with_labels(stable=1))
    some.replace(with_labels())
    with pytest.raises(StatusError, match="Unrecognized servable version label: stable"):
        some.version("m", "stable")
