"""`heed make-api-key`: a new API key, and the entry that lets it in."""

from __future__ import annotations

import argparse
import datetime as dt
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from service.domain.requests import Priority
from service.security.api_keys import (
    ApiKeyEntry,
    ApiKeyFileError,
    digest_of,
    make_key,
    parse_api_keys,
)

_EXAMPLES: Final = """\
examples:
  heed make-api-key --name search-team --keys-file keys.toml
  heed make-api-key --name nightly --models 'en-*' --tokens-per-s 20000 --max-priority bulk
"""


def main(argv: Sequence[str]) -> int:
    """Makes a key.

    The key alone goes to standard output, and this once; only its digest is kept.

    Args:
        argv: The subcommand, then its flags.

    Returns:
        The exit status: 0 for success, 1 if the file cannot be written, 2 for wrong flags.
    """
    arguments = vars(_parser().parse_args(argv[1:]))
    keys_file: Path | None = arguments.pop("keys_file")
    key, key_id = make_key()
    given = {name: value for name, value in arguments.items() if value is not None}
    try:
        entry = ApiKeyEntry(id=key_id, sha256=digest_of(key), **given)
    except ValidationError as error:
        return _fail(f"{_flag(error)}: {error.errors()[0]['msg']}", 2)
    try:
        _hand_over(entry_as_toml(entry), key, keys_file)
    except (ApiKeyFileError, OSError) as error:
        return _fail(str(error), 1)
    return 0


def entry_as_toml(entry: ApiKeyEntry) -> str:
    """The entry as a file of keys holds it; what it leaves at its default is left out."""
    lines = ["[[keys]]"]
    for name, value in entry.model_dump(exclude_defaults=True).items():
        lines.append(f"{name} = {_toml(value)}")
    return "\n".join(lines) + "\n"


def _toml(value: Any) -> str:
    if isinstance(value, dt.datetime):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False)


def _hand_over(entry: str, key: str, keys_file: Path | None) -> None:
    if keys_file is None:
        print(f"# Put this entry into the file of --api-keys:\n{entry}\n# The key:", flush=True)
    else:
        _append(keys_file, entry)
        print(f"heed: the entry is in {keys_file}; the key is shown this once:", file=sys.stderr)
    print(key)


def _append(path: Path, entry: str) -> None:
    """Adds an entry in one step, so that a gateway never reads half of the file."""
    old = path.read_text(encoding="utf-8") if path.exists() else ""
    new = f"{old.rstrip()}\n\n{entry}" if old.strip() else entry
    parse_api_keys(new.encode(), str(path))
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    beside.touch(mode, exist_ok=False)
    beside.write_text(new, encoding="utf-8")
    beside.replace(path.resolve())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="heed make-api-key",
        description="Makes an API key for `heed serve --api-keys FILE`.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--name", required=True, help="who gets the key; stands in logs")
    parser.add_argument(
        "--keys-file", type=Path, metavar="FILE", help="add the entry to this file (default: print)"
    )
    parser.add_argument(
        "--models", nargs="+", metavar="PATTERN", help="the models that it permits (default: all)"
    )
    parser.add_argument("--requests-per-s", metavar="N", help="the most calls in a second")
    parser.add_argument("--tokens-per-s", metavar="N", help="the most tokens of text in a second")
    parser.add_argument("--max-calls", metavar="N", help="the most calls under way at once")
    parser.add_argument(
        "--max-priority", choices=[str(each) for each in Priority], help="default: interactive"
    )
    parser.add_argument(
        "--expires", metavar="TIME", help="when it stops being good, as 2030-12-31T00:00:00Z"
    )
    return parser


def _flag(error: ValidationError) -> str:
    return "--" + str(error.errors()[0]["loc"][0]).replace("_", "-")


def _fail(message: str, status: int) -> int:
    print(f"heed: error: {message}", file=sys.stderr)
    return status
