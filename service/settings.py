"""The gateway's settings: flags first, then the environment, then defaults."""

from __future__ import annotations

import argparse
import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NoReturn

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

ENVIRONMENT_PREFIX: Final = "HEED_"


class SettingsError(ValueError):
    """A flag or an environment variable is missing or has a value that it cannot have."""


class LogFormat(StrEnum):
    """How log lines look."""

    PLAIN = "plain"
    JSON = "json"


class LogLevel(StrEnum):
    """The least important lines that are logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class GatewaySettings(BaseModel):
    """Everything that can be set. The descriptions below are the help texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    models_dir: Path | None = Field(
        default=None,
        description="Directory of exported models. The gateway starts a local model server on it, "
        "restarts it when it dies and ends it with itself.",
    )
    model_server: str | None = Field(
        default=None,
        description="HOST:PORT of a running TensorFlow Serving or `heed model-server`.",
    )
    model: tuple[str, ...] = Field(
        default=(),
        description="A model to serve; may be repeated. Needed with --model-server, which cannot "
        "list its models. With --models-dir: only these of the directory.",
    )
    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every network."
    )
    grpc_port: int = Field(
        default=50051, ge=0, le=65535, description="Port to listen on; 0 for any free one."
    )
    reflection: bool = Field(
        default=True, description="Let clients ask which services and messages there are."
    )
    max_texts_per_call: int = Field(default=256, ge=1, description="The most texts in one call.")
    max_text_characters: int = Field(
        default=20_000,
        ge=1,
        description="The longest text in Unicode code points; looked at before tokenizing.",
    )
    max_message_bytes: int = Field(
        default=4 * 1024 * 1024, ge=1024, description="The largest request, in bytes."
    )
    max_queue_tokens: int = Field(
        default=65_536,
        ge=1,
        description="The most tokens that may wait; calls beyond are refused at once.",
    )
    max_batch_tokens: int = Field(
        default=4096,
        ge=1,
        description="The most padded tokens (rows x longest) in a batch; a longer row goes alone.",
    )
    max_batch_rows: int = Field(default=128, ge=1, description="The most rows in one batch.")
    max_batch_padding: float = Field(
        default=0.25,
        ge=0.0,
        lt=1.0,
        description="The largest share of padding when a batch is filled with other lengths.",
    )
    max_batches_in_flight: int = Field(
        default=2, ge=1, description="The most batches in the model server at once."
    )
    max_predict_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds after which a batch is given up when no caller set a deadline.",
    )
    poll_interval_s: float = Field(
        default=0.5,
        gt=0,
        le=60,
        description="Seconds between questions to the model server about its versions.",
    )
    drain_s: float = Field(
        default=30.0,
        ge=0,
        description="Seconds that accepted calls have to end after SIGTERM or SIGINT.",
    )
    log_format: LogFormat = Field(default=LogFormat.PLAIN, description="How log lines look.")
    log_level: LogLevel = Field(
        default=LogLevel.INFO, description="The least important lines that are logged."
    )

    @field_validator("model", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return tuple(name for name in value.split(",") if name) if isinstance(value, str) else value

    @field_validator("model_server")
    @classmethod
    def _has_a_port(cls, value: str | None) -> str | None:
        if value is not None and not re.fullmatch(r"\S+:\d{1,5}", value):
            raise ValueError(f"expected HOST:PORT, for example 127.0.0.1:8500, got {value!r}")
        return value

    @model_validator(mode="after")
    def _one_backend(self) -> GatewaySettings:
        if (self.models_dir is None) == (self.model_server is None):
            raise ValueError("give either --models-dir or --model-server")
        if self.model_server is not None and not self.model:
            raise ValueError("--model-server needs --model NAME, once for each model")
        if len(set(self.model)) != len(self.model):
            raise ValueError("--model names a model twice")
        return self


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the flags."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f"heed: error: {message} (see `{self.prog} --help`)\n")


def build_parser(program: str = "heed serve") -> argparse.ArgumentParser:
    """The command line: one flag for each setting."""
    parser = _Parser(
        prog=program,
        description="Serve exported attention models over gRPC.",
        epilog="Every flag can also be set in the environment: --grpc-port as "
        f"{ENVIRONMENT_PREFIX}GRPC_PORT; HEED_MODEL takes names separated by commas. "
        "Flags win.",
        allow_abbrev=False,
    )
    for name, field in GatewaySettings.model_fields.items():
        parser.add_argument(_flag(name), **_argument(name, field.default, field.description))
    return parser


def read_settings(argv: Sequence[str], environment: Mapping[str, str]) -> GatewaySettings:
    """Reads the command line and the environment.

    Raises:
        SettingsError: A value is wrong; the message names the flag and what was expected.
        SystemExit: The command line asked for help or has an unknown flag.
    """
    given = {k: v for k, v in vars(build_parser().parse_args(argv)).items() if v is not None}
    for name in GatewaySettings.model_fields:
        variable = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if variable is not None and variable != "" and not _is_overridden(name, given):
            given[name] = variable
    try:
        return GatewaySettings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_describe(error)) from error


def _is_overridden(name: str, given: Mapping[str, object]) -> bool:
    """A flag wins over its variable, and one backend's flag over the other one's variable."""
    backends = {"models_dir", "model_server"}
    return name in given or (name in backends and bool(backends & given.keys()))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _argument(name: str, default: object, description: str | None) -> dict[str, Any]:
    text = (description or "").replace("%", "%%")
    if isinstance(default, bool):
        return {
            "action": argparse.BooleanOptionalAction,
            "default": None,
            "help": f"{text} (default: {'yes' if default else 'no'})",
        }
    if name == "model":
        return {"action": "append", "metavar": "NAME", "help": text}
    if isinstance(default, StrEnum):
        choices = [str(choice) for choice in type(default)]
        return {"choices": choices, "help": f"{text} (default: {default})"}
    suffix = "" if default is None else f" (default: {default})"
    return {"metavar": _METAVARS.get(name, "N"), "help": text + suffix}


_METAVARS: Final = {"models_dir": "MODELS", "model_server": "HOST:PORT", "host": "HOST"}


def _describe(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        flag = f"{_flag(str(problem['loc'][0]))}: " if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        got = f", got {problem['input']!r}" if problem["loc"] and "got" not in message else ""
        lines.append(f"{flag}{message}{got}")
    return "; ".join(lines)
