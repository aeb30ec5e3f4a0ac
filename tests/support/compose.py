"""Reads Docker Compose files without Docker: what a service is once `extends` has been followed."""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE_FILES = ("docker-compose.yml", "docker-compose.cpu.yml", "docker-compose.local.yml")
SECRETS_FILE = "docker-compose.secrets.yml"
EXAMPLE = ROOT / ".env.example"
_VARIABLE = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*)|:\?[^}]*)?\}")
_RESET = object()


@dataclass(frozen=True)
class Variable:
    """A `${NAME:-default}` of a Compose file; `default` is None where there is none."""

    name: str
    default: str | None


class _Loader(yaml.SafeLoader):
    """YAML with Compose's `!reset`, which takes a value away that was inherited."""


_Loader.add_constructor("!reset", lambda loader, node: _RESET)


def services(file: str) -> dict[str, dict[str, Any]]:
    """The services of a file by name, with all that they extend, variables as they stand."""
    return {name: _extended(file, name) for name in _parsed(file)["services"]}


def variables(file: str) -> list[Variable]:
    """Every variable of a file, comments left out."""
    text = re.sub(r"(?m)(^|\s)#.*$", "", (ROOT / file).read_text(encoding="utf-8"))
    return [Variable(found["name"], found["default"]) for found in _VARIABLE.finditer(text)]


def with_defaults(text: str) -> str:
    """A text of a file with the default in each variable's place."""
    return _VARIABLE.sub(lambda found: found["default"] or "", text)


def example_settings() -> dict[str, str]:
    """Names and values of `.env.example`, those behind a # too."""
    return dict(_example_lines(r"^#?(?P<name>HEED_\w+)=(?P<value>.*)$"))


def example_settings_that_count() -> dict[str, str]:
    """Names and values of `.env.example` without those behind a #."""
    return dict(_example_lines(r"^(?P<name>HEED_\w+)=(?P<value>.*)$"))


def _example_lines(pattern: str) -> Iterator[tuple[str, str]]:
    text = EXAMPLE.read_text(encoding="utf-8")
    for found in re.finditer(pattern, text, re.MULTILINE):
        yield found["name"], found["value"]


@functools.cache
def _parsed(file: str) -> dict[str, Any]:
    content = yaml.load((ROOT / file).read_text(encoding="utf-8"), _Loader)
    return dict(content)


def _extended(file: str, name: str) -> dict[str, Any]:
    own = dict(_parsed(file)["services"][name])
    source = own.pop("extends", None)
    return own if source is None else _merged(_extended(source["file"], source["service"]), own)


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for key, value in over.items():
        if value is _RESET:
            merged.pop(key, None)
        elif isinstance(value, Mapping) and isinstance(merged.get(key), Mapping):
            merged[key] = _merged(merged[key], value)
        else:
            merged[key] = value
    return merged
