"""What is served, and by which model servers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Self

from pydantic import Field, field_validator, model_validator

from service.settings.base import SettingsGroup


class BackendSettings(SettingsGroup):
    """What is served, and by which model servers."""

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
    poll_interval_s: float = Field(
        default=0.5,
        gt=0,
        le=60,
        description="Seconds between questions to the model server about its versions.",
    )
    max_predict_s: float = Field(
        default=60.0,
        gt=0,
        description="Seconds after which a batch is given up when no caller set a deadline.",
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
    def _one_backend(self) -> Self:
        if (self.models_dir is None) == (self.model_server is None):
            raise ValueError("give either --models-dir or --model-server")
        if self.model_server is not None and not self.model:
            raise ValueError("--model-server needs --model NAME, once for each model")
        if len(set(self.model)) != len(self.model):
            raise ValueError("--model names a model twice")
        return self
