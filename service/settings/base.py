"""What every group of settings is."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class SettingsGroup(BaseModel):
    """Settings that belong together. The descriptions of the fields are the help texts.

    All groups become one class, so the validators of no two may have the same name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)


def split_commas(value: object) -> object:
    """The parts of a list of texts, each one or several separated by commas; else the value."""
    texts = [value] if isinstance(value, str) else value
    if not isinstance(texts, list | tuple) or not all(isinstance(text, str) for text in texts):
        return value
    return tuple(part for text in texts for part in text.split(",") if part)
