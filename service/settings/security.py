"""Who may call, and how connections are kept secret."""

from __future__ import annotations

from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from service.settings.base import SettingsGroup


class SecuritySettings(SettingsGroup):
    """Who may call, and how connections are kept secret."""

    tls_cert: Path | None = Field(
        default=None,
        description="The gateway's certificate and those above it, PEM; needs --tls-key. Both "
        "ports speak TLS then. This file and the others here are read again when they change.",
    )
    tls_key: Path | None = Field(
        default=None, description="The private key of --tls-cert, PEM, not encrypted."
    )
    tls_client_ca: Path | None = Field(
        default=None,
        description="Certificates, PEM: callers must show one that these have signed.",
    )
    model_server_ca: Path | None = Field(
        default=None,
        description="Certificates, PEM: the model servers speak TLS and show one that these have "
        "signed.",
    )
    model_server_cert: Path | None = Field(
        default=None,
        description="The certificate to show to model servers, PEM; needs --model-server-key and "
        "--model-server-ca.",
    )
    model_server_key: Path | None = Field(
        default=None, description="The private key of --model-server-cert, PEM, not encrypted."
    )
    api_keys: Path | None = Field(
        default=None,
        description="File of API keys, TOML, as `heed make-api-key` writes it; callers need one.",
    )
    max_calls_per_client: int = Field(
        default=4096,
        ge=1,
        description="The most calls under way at once of one API key, or of one address where no "
        "keys are asked for.",
    )
    max_streams_per_connection: int = Field(
        default=4096,
        ge=1,
        le=2**31 - 1,
        description="The most calls under way at once on one gRPC connection; further ones wait "
        "at the client.",
    )
    max_connection_idle_s: float = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="Seconds after which a gRPC connection without calls is closed.",
    )
    max_connection_age_s: float | None = Field(
        default=None,
        gt=0,
        le=2_000_000,
        description="Seconds after which a gRPC connection is closed once its calls have ended, "
        "so that clients spread over new gateways and show new certificates; never unless given.",
    )

    @model_validator(mode="after")
    def _files_belong_together(self) -> Self:
        _both("--tls-cert", self.tls_cert, "--tls-key", self.tls_key)
        _both(
            "--model-server-cert",
            self.model_server_cert,
            "--model-server-key",
            self.model_server_key,
        )
        if self.tls_client_ca is not None and self.tls_cert is None:
            raise ValueError("--tls-client-ca needs --tls-cert and --tls-key")
        if self.model_server_cert is not None and self.model_server_ca is None:
            raise ValueError("--model-server-cert needs --model-server-ca")
        return self


def _both(first_flag: str, first: Path | None, second_flag: str, second: Path | None) -> None:
    if (first is None) != (second is None):
        raise ValueError(f"{first_flag} and {second_flag} need each other")
