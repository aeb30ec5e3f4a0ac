"""What can be set of the gateway: groups of settings, and how they are read."""

from service.settings.command_line import SettingsError, build_parser, read_settings
from service.settings.gateway import GatewaySettings
from service.settings.observation import LogFormat, LogLevel

__all__ = [
    "GatewaySettings",
    "LogFormat",
    "LogLevel",
    "SettingsError",
    "build_parser",
    "read_settings",
]
