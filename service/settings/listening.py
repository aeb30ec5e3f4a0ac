"""Where the gateway listens."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class ListeningSettings(SettingsGroup):
    """Where the gateway listens."""

    host: str = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 for every network."
    )
    grpc_port: int = Field(
        default=50051, ge=0, le=65535, description="Port to listen on; 0 for any free one."
    )
    reflection: bool = Field(
        default=True, description="Let clients ask which services and messages there are."
    )
