"""Which models to serve: from two flags, from a file, or from a reload request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format

from model_server.lifecycle.storage import All, Latest, Specific, VersionPolicy
from model_server.messages import model_server_config_pb2
from model_server.status import Code, StatusError

PLATFORM = "tensorflow"


@dataclass(frozen=True)
class ModelConfig:
    """One model to serve.

    Attributes:
        name: What clients call it.
        base_path: The folder above its versions.
        policy: Which of the versions are wanted.
        labels: Label to version number.
    """

    name: str
    base_path: Path
    policy: VersionPolicy = field(default_factory=Latest)
    labels: Mapping[str, int] = field(default_factory=dict)


def single_model(name: str, base_path: str) -> tuple[ModelConfig, ...]:
    """The configuration of `--model_name` and `--model_base_path`.

    Raises:
        StatusError: INVALID_ARGUMENT when the base path is not absolute.
    """
    return (ModelConfig(name, _base_path(name, base_path)),)


def read_config_file(path: Path) -> tuple[ModelConfig, ...]:
    """The models of a `ModelServerConfig` in text form.

    Raises:
        StatusError: When it cannot be read, parsed or is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise StatusError(Code.NOT_FOUND, f"Cannot read '{path}': {error}") from error
    try:
        parsed = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    except text_format.ParseError as error:
        message = f"Invalid protobuf file: '{path}': {error}"
        raise StatusError(Code.INVALID_ARGUMENT, message) from error
    if parsed.WhichOneof("config") == "custom_model_config":
        raise StatusError(Code.UNIMPLEMENTED, f"'{path}': custom_model_config is not supported")
    return model_configs(parsed.model_config_list.config)


def model_configs(listed: Iterable[Any]) -> tuple[ModelConfig, ...]:
    """Checked models from the `ModelConfig` messages of a list.

    Raises:
        StatusError: INVALID_ARGUMENT, or UNIMPLEMENTED for what only the real server can serve.
    """
    configs: dict[str, ModelConfig] = {}
    for message in listed:
        if message.name in configs:
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"Illegal to list model {message.name} multiple times in config list",
            )
        configs[message.name] = _model_config(message)
    return tuple(configs.values())


def _model_config(message: Any) -> ModelConfig:
    _check_platform(message)
    return ModelConfig(
        name=message.name,
        base_path=_base_path(message.name, message.base_path),
        policy=_version_policy(message.model_version_policy),
        labels=dict(message.version_labels),
    )


def _check_platform(message: Any) -> None:
    legacy = message.model_type != model_server_config_pb2.MODEL_TYPE_UNSPECIFIED
    if legacy == bool(message.model_platform):
        which = "both" if legacy else "neither"
        joined = "and" if legacy else "nor"
        raise StatusError(
            Code.INVALID_ARGUMENT,
            f"Illegal setting {which} ModelServerConfig::model_type (deprecated) "
            f"{joined} ModelServerConfig::model_platform.",
        )
    platform = message.model_platform
    if legacy and message.model_type == model_server_config_pb2.TENSORFLOW:
        platform = PLATFORM
    if platform != PLATFORM:
        raise StatusError(
            Code.INVALID_ARGUMENT,
            f"Model {message.name} requests unsupported platform {platform}",
        )


def _base_path(name: str, base_path: str) -> Path:
    if "://" in base_path:
        raise StatusError(
            Code.UNIMPLEMENTED,
            f"Model {name}: the local model server reads folders only, not {base_path}",
        )
    if not Path(base_path).is_absolute():
        raise StatusError(
            Code.INVALID_ARGUMENT,
            f"Expected model {name} to have an absolute path or URI; got base_path()={base_path}",
        )
    return Path(base_path)


def _version_policy(message: Any) -> VersionPolicy:
    match message.WhichOneof("policy_choice"):
        case "all":
            return All()
        case "specific":
            return Specific(tuple(message.specific.versions))
        case "latest":
            return Latest(max(1, message.latest.num_versions))
        case _:
            return Latest()
