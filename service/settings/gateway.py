"""All settings of the gateway."""

from __future__ import annotations

from typing import Final

from service.settings.backends import BackendSettings
from service.settings.base import SettingsGroup
from service.settings.batching import BatchingSettings
from service.settings.limits import LimitSettings
from service.settings.listening import ListeningSettings
from service.settings.observation import ObservationSettings
from service.settings.process import ProcessSettings
from service.settings.security import SecuritySettings


class GatewaySettings(
    BackendSettings,
    ListeningSettings,
    SecuritySettings,
    LimitSettings,
    BatchingSettings,
    ObservationSettings,
    ProcessSettings,
):
    """Everything that can be set; one flag and one environment variable each."""


GROUPS: Final[tuple[tuple[str, type[SettingsGroup]], ...]] = (
    ("models", BackendSettings),
    ("listening", ListeningSettings),
    ("security", SecuritySettings),
    ("limits of a call", LimitSettings),
    ("batching", BatchingSettings),
    ("logs", ObservationSettings),
    ("beginning and end", ProcessSettings),
)
"""The groups in the order of the help, each with its heading."""
