"""How large a call may be."""

from __future__ import annotations

from pydantic import Field

from service.settings.base import SettingsGroup


class LimitSettings(SettingsGroup):
    """How large a call may be."""

    max_texts_per_call: int = Field(default=256, ge=1, description="The most texts in one call.")
    max_text_characters: int = Field(
        default=20_000,
        ge=1,
        description="The longest text in Unicode code points; looked at before tokenizing.",
    )
    max_image_bytes: int = Field(
        default=1024 * 1024, ge=1, description="The largest picture file, in bytes."
    )
    max_image_pixels: int = Field(
        default=4 * 1024 * 1024,
        ge=1,
        le=64 * 1024 * 1024,
        description="The most pixels of a picture; looked at before it is decoded.",
    )
    max_message_bytes: int = Field(
        default=4 * 1024 * 1024,
        ge=1024,
        le=2**31 - 1,
        description="The largest request, in bytes.",
    )
