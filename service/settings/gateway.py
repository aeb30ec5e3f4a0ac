"""All settings of the gateway."""

from __future__ import annotations

from typing import Final, Self

from pydantic import model_validator

from service.settings.backends import BackendSettings
from service.settings.base import SettingsGroup
from service.settings.batching import BatchingSettings
from service.settings.cache import CacheSettings
from service.settings.http import HttpSettings
from service.settings.limits import LimitSettings
from service.settings.listening import ListeningSettings
from service.settings.observation import ObservationSettings
from service.settings.process import ProcessSettings
from service.settings.replicas import ReplicaSettings
from service.settings.security import SecuritySettings
from service.settings.streams import StreamSettings
from service.settings.versions import VersionSettings, check_models


class GatewaySettings(
    BackendSettings,
    ReplicaSettings,
    VersionSettings,
    ListeningSettings,
    HttpSettings,
    SecuritySettings,
    LimitSettings,
    StreamSettings,
    BatchingSettings,
    CacheSettings,
    ObservationSettings,
    ProcessSettings,
):
    """Everything that can be set; one flag and one environment variable each."""

    @model_validator(mode="after")
    def _local_model_server_needs_no_certificate(self) -> Self:
        if self.models_dir is not None and self.model_server_ca is not None:
            raise ValueError(
                "--model-server-ca goes with --model-server; the model server of --models-dir "
                "listens on this machine alone, without TLS"
            )
        return self

    @model_validator(mode="after")
    def _models_are_served(self) -> Self:
        if self.model:
            check_models(self, self.model)
        return self


GROUPS: Final[tuple[tuple[str, type[SettingsGroup]], ...]] = (
    ("models", BackendSettings),
    ("several model servers", ReplicaSettings),
    ("versions", VersionSettings),
    ("listening", ListeningSettings),
    ("HTTP", HttpSettings),
    ("security", SecuritySettings),
    ("limits of a call", LimitSettings),
    ("streams", StreamSettings),
    ("batching", BatchingSettings),
    ("answers that are kept", CacheSettings),
    ("logs and traces", ObservationSettings),
    ("beginning and end", ProcessSettings),
)
"""The groups in the order of the help, each with its heading."""
