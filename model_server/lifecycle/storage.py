"""Which versions lie below a model's base path, and which of them are wanted."""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass
from pathlib import Path

_INT64 = range(-(2**63), 2**63)
_WHOLE_NUMBER = re.compile(r"\s*[+-]?\d+\s*", re.ASCII)
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Latest:
    """The highest version numbers on disk, loadable or not.

    Attributes:
        count: How many, 1 or more.
    """

    count: int = 1


@dataclass(frozen=True)
class All:
    """Every version on disk."""


@dataclass(frozen=True)
class Specific:
    """Exactly these versions, as far as they are on disk."""

    versions: tuple[int, ...]


VersionPolicy = Latest | All | Specific
Fingerprint = tuple[tuple[str, int, int], ...]


class BasePathError(Exception):
    """The base path is missing or cannot be read."""


def wanted_versions(base_path: Path, policy: VersionPolicy) -> dict[int, Path]:
    """The versions that the policy picks, each with its folder.

    A child counts when its whole name is a number: `7`, `00000123`. Nothing else is checked, so a
    version must be put in place by a rename.

    Raises:
        BasePathError: When the base path cannot be listed.
    """
    found = _versions_on_disk(base_path, first_name_wins=isinstance(policy, All))
    match policy:
        case All():
            return found
        case Latest(count=count):
            return {version: found[version] for version in sorted(found)[-max(1, count) :]}
        case Specific(versions=versions):
            _log_missing(base_path, set(versions) - set(found))
            return {version: found[version] for version in versions if version in found}


def fingerprint(path: Path) -> Fingerprint:
    """What a folder holds: name, size and time of change (ns) of each file, sorted.

    Two equal fingerprints mean that trying a failed load again would be pointless.
    """
    entries = []
    for folder, _, names in os.walk(path):
        for name in names:
            file = Path(folder, name)
            try:
                stat = file.stat()
            except OSError:  # it vanished meanwhile, or is a broken link: the next look differs
                continue
            entries.append((str(file.relative_to(path)), stat.st_size, stat.st_mtime_ns))
    return tuple(sorted(entries))


def _versions_on_disk(base_path: Path, *, first_name_wins: bool) -> dict[int, Path]:
    try:
        names = sorted((child.name for child in base_path.iterdir()), reverse=first_name_wins)
    except OSError as error:
        raise BasePathError(
            f"Could not find base path {base_path} for servable: {error.strerror}"
        ) from error
    found: dict[int, Path] = {}
    for name in names:
        version = _version_number(name)
        if version is None:
            continue
        if version in found:
            logger.warning("Duplicate version directories: %s in %s", name, base_path)
        found[version] = base_path / name
    return found


def _version_number(name: str) -> int | None:
    if not _WHOLE_NUMBER.fullmatch(name):
        return None
    number = int(name)
    return number if number in _INT64 else None


def _log_missing(base_path: Path, missing: set[int]) -> None:
    for version in sorted(missing):
        logger.warning("Version %d is wanted but not found in %s", version, base_path)
