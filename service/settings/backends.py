"""What is served, and by which model servers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final, Self

from pydantic import Field, field_validator, model_validator

from service.settings.base import SettingsGroup, split_commas

MAX_NAME_CHARACTERS: Final = 128
"""The longest name or label of a model that is looked up; an error repeats it."""

_ADDRESS = re.compile(r"unix:\S+|(dns:///)?(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/,]+):(?P<port>\d{1,5})")


class BackendSettings(SettingsGroup):
    """What is served, and by which model servers."""

    models_dir: Path | None = Field(
        default=None,
        description="Directory of exported models. The gateway starts a local model server on it, "
        "restarts it when it dies and ends it with itself.",
    )
    model_server: tuple[str, ...] = Field(
        default=(),
        description="HOST:PORT of a running TensorFlow Serving or `heed model-server`. Several, "
        "separated by commas, share the calls; so do all addresses of a name.",
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
    dns_refresh_s: float = Field(
        default=10.0,
        gt=0,
        le=3600,
        description="Seconds between two looks at the addresses of the model servers' names.",
    )
    max_predict_s: float = Field(
        default=60.0,
        gt=0,
        le=86_400,
        description="Seconds after which a batch is given up when no caller set a deadline.",
    )

    @field_validator("model", "model_server", mode="before")
    @classmethod
    def _split_names(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("model")
    @classmethod
    def _can_be_asked_for(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for name in value:
            if len(name) > MAX_NAME_CHARACTERS or not name.isprintable() or name != name.strip():
                raise ValueError(
                    f"expected a name of at most {MAX_NAME_CHARACTERS} printable characters, "
                    f"got {name[:MAX_NAME_CHARACTERS]!r}"
                )
        return value

    @field_validator("model_server")
    @classmethod
    def _have_ports(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for address in value:
            found = _ADDRESS.fullmatch(address)
            port = found["port"] if found is not None else "0"
            if port is not None and not 1 <= int(port) <= 65_535:
                raise ValueError(
                    "expected HOST:PORT, dns:///HOST:PORT, [IPV6]:PORT or unix:PATH, for example "
                    f"127.0.0.1:8500, got {address!r}"
                )
        if len(set(value)) != len(value):
            raise ValueError("names a model server twice")
        return value

    @model_validator(mode="after")
    def _one_backend(self) -> Self:
        if (self.models_dir is None) == (not self.model_server):
            raise ValueError("give either --models-dir or --model-server")
        if self.model_server and not self.model:
            raise ValueError("--model-server needs --model NAME, once for each model")
        if len(set(self.model)) != len(self.model):
            raise ValueError("--model names a model twice")
        return self
