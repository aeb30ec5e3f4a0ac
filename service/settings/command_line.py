"""The gateway's settings: flags first, then the environment, then defaults."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any, Final, NoReturn

from pydantic import ValidationError

from service.settings.gateway import GROUPS, GatewaySettings

ENVIRONMENT_PREFIX: Final = "HEED_"


class SettingsError(ValueError):
    """A flag or an environment variable is missing or has a value that it cannot have."""


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the flags."""

    def error(self, message: str) -> NoReturn:
        """Ends the process with status 2."""
        self.exit(2, f"heed: error: {message} (see `{self.prog} --help`)\n")


def build_parser(program: str = "heed serve") -> argparse.ArgumentParser:
    """The command line: one flag for each setting."""
    parser = _Parser(
        prog=program,
        description="Serve exported attention models over gRPC and HTTP.",
        epilog="Every flag can also be set in the environment: --grpc-port as "
        f"{ENVIRONMENT_PREFIX}GRPC_PORT; what may be repeated is separated by commas. "
        "Flags win.",
        allow_abbrev=False,
    )
    for heading, group in GROUPS:
        arguments = parser.add_argument_group(heading)
        for name, field in group.model_fields.items():
            arguments.add_argument(_flag(name), **_argument(name, field.default, field.description))
    return parser


def read_settings(argv: Sequence[str], environment: Mapping[str, str]) -> GatewaySettings:
    """Reads the command line and the environment.

    Raises:
        SettingsError: A value is wrong; the message names the flag and what was expected.
        SystemExit: The command line asked for help or has an unknown flag.
    """
    given = {k: v for k, v in vars(build_parser().parse_args(argv)).items() if v is not None}
    for name in GatewaySettings.model_fields:
        variable = environment.get(ENVIRONMENT_PREFIX + name.upper())
        if variable is not None and variable != "" and not _is_overridden(name, given):
            given[name] = variable
    try:
        return GatewaySettings.model_validate(given)
    except ValidationError as error:
        raise SettingsError(_describe(error)) from error


def _is_overridden(name: str, given: Mapping[str, object]) -> bool:
    """A flag wins over its variable, and one backend's flag over the other one's variable."""
    backends = {"models_dir", "model_server"}
    return name in given or (name in backends and bool(backends & given.keys()))


def _flag(name: str) -> str:
    return "--" + name.replace("_", "-")


def _argument(name: str, default: object, description: str | None) -> dict[str, Any]:
    text = (description or "").replace("%", "%%")
    if isinstance(default, bool):
        return {
            "action": argparse.BooleanOptionalAction,
            "default": None,
            "help": f"{text} (default: {'yes' if default else 'no'})",
        }
    if isinstance(default, tuple):
        return {"action": "append", "metavar": _METAVARS.get(name, "NAME"), "help": text}
    if isinstance(default, StrEnum):
        choices = [str(choice) for choice in type(default)]
        return {"choices": choices, "help": f"{text} (default: {default})"}
    suffix = "" if default in (None, "") else f" (default: {default})"
    return {"metavar": _METAVARS.get(name, "N"), "help": text + suffix}


_METAVARS: Final = {
    "models_dir": "MODELS",
    "model_server": "HOST:PORT",
    "host": "HOST",
    "http_cors_origin": "ORIGIN",
    "http_allowed_host": "HOST",
    "otlp_endpoint": "URL",
    "canary": "NAME:VERSION=WEIGHT",
    "model_label": "NAME:LABEL=VERSION",
    **dict.fromkeys(
        (
            *("tls_cert", "tls_key", "tls_client_ca"),
            *("model_server_ca", "model_server_cert", "model_server_key", "api_keys"),
        ),
        "FILE",
    ),
}


def _describe(error: ValidationError) -> str:
    lines = []
    for problem in error.errors():
        flag = f"{_flag(str(problem['loc'][0]))}: " if problem["loc"] else ""
        message = problem["msg"].removeprefix("Value error, ")
        got = f", got {problem['input']!r}" if problem["loc"] and "got" not in message else ""
        lines.append(f"{flag}{message}{got}")
    return "; ".join(lines)
