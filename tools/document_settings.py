"""Writes the gateway's settings into docker-compose.yml and .env.example from the code.

Usage: python tools/document_settings.py [--check]
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

from service.settings.gateway import GROUPS

ROOT = Path(__file__).parents[1]
COMPOSE = ROOT / "docker-compose.yml"
EXAMPLE = ROOT / ".env.example"
BEGIN = "# Settings of the gateway: made by `make docs`\n"
END = "# End of the settings of the gateway\n"
DECIDED_ELSEWHERE = {
    *("host", "grpc_port", "http_port", "http", "models_dir"),  # by the image
    *("model_server", "model", "log_format", "drain_s"),  # by docker-compose.yml
}
"""Settings that both files name by themselves, or that containers leave alone."""


def in_compose() -> str:
    """The settings as the names of environment variables that are handed on where they are set."""
    return "".join(f"      {_variable(name)}:\n" for _, name, _, _ in _settings())


def in_example() -> str:
    """The settings with their defaults, each below what it means."""
    text, group = "", ""
    for heading, name, default, meaning in _settings():
        if heading != group:
            text, group = f"{text}\n# {heading}\n", heading
        lines = textwrap.wrap(meaning, 98, initial_indent="#   ", subsequent_indent="#   ")
        text += "\n".join([*lines, f"#{_variable(name)}={_shown(default)}\n"])
    return text + "\n"


def _settings() -> Iterator[tuple[str, str, object, str]]:
    for heading, group in GROUPS:
        for name, field in group.model_fields.items():
            if name not in DECIDED_ELSEWHERE:
                yield heading, name, field.default, field.description or ""


def _variable(name: str) -> str:
    return f"HEED_{name.upper()}"


def _shown(default: object) -> str:
    if default in (None, ()):
        return ""
    return ("yes" if default else "no") if isinstance(default, bool) else str(default)


def with_settings(text: str, settings: str) -> str:
    """A file's text with the settings between its marks.

    Raises:
        ValueError: The marks are missing.
    """
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the marks of the settings of the gateway are missing")
    indent = before.rpartition("\n")[2]
    return before + begin + settings + indent + end + after


def main() -> int:
    """Writes both files; with --check only says whether they are up to date."""
    for path, settings in ((COMPOSE, in_compose()), (EXAMPLE, in_example())):
        text = path.read_text(encoding="utf-8")
        made = with_settings(text, settings)
        if "--check" not in sys.argv[1:]:
            path.write_text(made, encoding="utf-8")
        elif text != made:
            print(f"{path.name} is not what the code says; mend it with: make docs")
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
