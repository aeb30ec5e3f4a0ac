"""API keys: how they look, and the file that says what each of them permits."""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import re
import secrets
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Final

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
)

from service.domain.requests import Priority
from service.security.watching import RefusedFileError

_KEY: Final = re.compile(r"heed_([0-9a-f]{8})_([A-Za-z0-9_-]{43})")
_SECRET_BYTES: Final = 32
_ENTRY: Final = re.compile(r"^\s*\[\[\s*keys\s*\]\]")


class ApiKeyFileError(RefusedFileError):
    """The file of API keys cannot be used; the message names file, line and field."""


def _begin_of_day(value: object) -> object:
    """A date without a time means its first moment, in UTC."""
    if isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        value = dt.date.fromisoformat(value)
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return dt.datetime(value.year, value.month, value.day, tzinfo=dt.UTC)
    return value


Rate = Annotated[float, Field(gt=0, le=1e9, allow_inf_nan=False)]
Glob = Annotated[str, StringConstraints(min_length=1, max_length=128)]


class ApiKeyEntry(BaseModel):
    """What the gateway knows of one key.

    Attributes:
        id: The part of the key that is no secret; finds the entry.
        name: Who has the key, for logs; never a secret.
        sha256: SHA-256 of the whole key, 64 hexadecimal digits.
        models: Patterns (`*`, `?`, `[abc]`) of the models that the key permits.
        requests_per_s: The most calls in a second; None = any number.
        tokens_per_s: The most tokens of text in a second; None = any number.
        max_calls: The most calls under way at once; None = what the gateway allows everybody.
        max_priority: What is more urgent is taken for this.
        expires: When the key stops being good; None = never.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    id: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{8}$")]
    name: Annotated[str, StringConstraints(pattern=r"^[\w.@-][\w .@-]{0,63}$")]
    sha256: Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
    models: tuple[Glob, ...] = Field(default=("*",), min_length=1)
    requests_per_s: Rate | None = None
    tokens_per_s: Rate | None = None
    max_calls: int | None = Field(default=None, ge=1)
    max_priority: Priority = Priority.INTERACTIVE
    expires: Annotated[AwareDatetime | None, BeforeValidator(_begin_of_day)] = None

    def permits(self, model: str) -> bool:
        """Whether the key is good for a model."""
        return any(fnmatchcase(model, pattern) for pattern in self.models)


class _ApiKeyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    keys: tuple[ApiKeyEntry, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """The keys that are good, by their ids."""

    entries: Mapping[str, ApiKeyEntry]

    def find(self, key: str) -> ApiKeyEntry | None:
        """The entry of a key; None if there is none.

        The id leads to the one entry that the key can have, and the digests are compared in a
        time that says nothing about where they differ.
        """
        parts = _KEY.fullmatch(key)
        entry = self.entries.get(parts[1]) if parts is not None else None
        if entry is None or not hmac.compare_digest(digest_of(key), entry.sha256):
            return None
        return entry


def digest_of(key: str) -> str:
    """SHA-256 of a key, in hexadecimal digits.

    A slow hash protects what people choose, by making guesses dear. A key holds 256 random bits,
    which nobody guesses at any price; so a fast one is right, and costs a call a microsecond.
    """
    return hashlib.sha256(key.encode()).hexdigest()


def make_key() -> tuple[str, str]:
    """A new key and its id; the key is known to nobody else."""
    key_id = secrets.token_hex(4)
    return f"heed_{key_id}_{secrets.token_urlsafe(_SECRET_BYTES)}", key_id


def read_api_keys(path: Path) -> KeyRing:
    """Reads a file of API keys.

    Raises:
        ApiKeyFileError: It cannot be read, is no TOML, or an entry breaks a rule.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise ApiKeyFileError(f"{path}: cannot be read: {error.strerror}") from error
    return parse_api_keys(content, str(path))


def parse_api_keys(content: bytes, name: str) -> KeyRing:
    """Reads what a file of API keys holds.

    Args:
        content: What the file holds, TOML.
        name: The file's name, for errors.

    Raises:
        ApiKeyFileError: As `read_api_keys`.
    """
    try:
        text = content.decode()
        document = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ApiKeyFileError(f"{name}: is no UTF-8 at byte {error.start}") from error
    except tomllib.TOMLDecodeError as error:
        raise ApiKeyFileError(f"{name}: is no TOML: {error}") from error
    except (ValueError, RecursionError) as error:  # a number or a nesting beyond all measure
        raise ApiKeyFileError(f"{name}: is no TOML: {type(error).__name__}") from error
    try:
        entries = _ApiKeyFile.model_validate(document).keys
    except ValidationError as error:
        raise ApiKeyFileError(_describe(error, text, name)) from error
    _check_unique(entries, text, name)
    return KeyRing({entry.id: entry for entry in entries})


def _check_unique(entries: Sequence[ApiKeyEntry], text: str, name: str) -> None:
    for field in ("id", "name"):
        seen: set[str] = set()
        for index, entry in enumerate(entries):
            value = getattr(entry, field)
            if value in seen:
                place = _place(text, name, index, field)
                raise ApiKeyFileError(f"{place}: {field}: {value!r} is there twice")
            seen.add(value)


def _describe(error: ValidationError, text: str, name: str) -> str:
    lines = []
    problems = error.errors(include_input=False, include_url=False)
    # Where entries are wrong, pydantic says of their list that it is too short, too.
    for problem in [each for each in problems if len(each["loc"]) > 1] or problems:
        location: tuple[Any, ...] = problem["loc"]
        index = location[1] if len(location) > 1 and isinstance(location[1], int) else None
        field = str(location[2]) if len(location) > 2 else ""
        path = ".".join(map(str, location[2:])) or ".".join(map(str, location))
        lines.append(f"{_place(text, name, index, field)}: {path}: {problem['msg']}")
    return "; ".join(lines[:10])


def _place(text: str, name: str, index: int | None, field: str) -> str:
    """File and line of an entry's field; of the entry if the field is not there."""
    if index is None:
        return name
    lines = text.splitlines()
    begins = [number for number, line in enumerate(lines) if _ENTRY.match(line)]
    if index >= len(begins):  # the entries are written another way, as a list of tables
        return f"{name}, key {index + 1}"
    end = begins[index + 1] if index + 1 < len(begins) else len(lines)
    for number in range(begins[index], end):
        if re.match(rf"\s*\"?{re.escape(field)}\"?\s*=", lines[number]) and field:
            return f"{name}:{number + 1}"
    return f"{name}:{begins[index] + 1}"
