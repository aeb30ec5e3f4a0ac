"""How the gateway answers over HTTP."""

from __future__ import annotations

import re

from pydantic import Field, field_validator

from service.settings.base import SettingsGroup, split_commas


class HttpSettings(SettingsGroup):
    """How the gateway answers over HTTP."""

    http: bool = Field(default=True, description="Answer over HTTP too.")
    http_port: int = Field(
        default=8080, ge=0, le=65535, description="Port for HTTP; 0 for any free one."
    )
    http_cors_origin: tuple[str, ...] = Field(
        default=(),
        description="A web site whose pages may call the gateway from a browser, for example "
        "https://example.org, or * for all; may be repeated. Default: none.",
    )
    http_max_connections: int = Field(
        default=1000, ge=1, description="The most connections over HTTP; more are turned away."
    )
    http_allowed_host: tuple[str, ...] = Field(
        default=(),
        description="A name by which HTTP may be called; may be repeated. Default: any, or, on "
        "an address of this machine alone, only its own names, so that no web site can have its "
        "name lead here.",
    )

    @field_validator("http_cors_origin", "http_allowed_host", mode="before")
    @classmethod
    def _split_sites(cls, value: object) -> object:
        return split_commas(value)

    @field_validator("http_cors_origin")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"https?://[^/\s]+", origin):
                raise ValueError(
                    "expected an origin without a path, for example https://example.org, "
                    f"got {origin!r}"
                )
        return value
