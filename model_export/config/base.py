"""What all settings have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict


class Settings(BaseModel):
    """A checked, unchangeable section of a recipe; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


def with_new_names(values: Any, names: Mapping[str, str]) -> Any:
    """A section's values with keys that have been renamed under their new names.

    Args:
        values: What a recipe says; anything but keys and values is left to be refused.
        names: New names by old ones. Who gives both gets the error of an unknown key.
    """
    if not isinstance(values, dict):
        return values
    return {
        names[key] if key in names and names[key] not in values else key: value
        for key, value in values.items()
    }
