"""What every group of settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """Settings that belong together. The descriptions of the fields are the help texts."""

    model_config = ConfigDict(extra="forbid", frozen=True)
