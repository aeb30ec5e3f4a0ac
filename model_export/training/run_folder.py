"""Who may train in a folder."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from model_export.config import Recipe
from model_export.errors import RunError
from model_export.runs.training_run import (
    METRICS_FILE,
    RECIPE_FILE,
    load_run_recipe,
    write_atomically,
)

_LOCK_FILE: Final = ".lock"


@contextmanager
def held_run_folder(folder: Path, recipe: Recipe) -> Iterator[bool]:
    """Makes a folder a run of a recipe, and keeps every other training out of it.

    Args:
        folder: A new or empty folder, or one with a run of the same recipe.
        recipe: The run's recipe.

    Yields:
        Whether the run there is finished.

    Raises:
        RunError: The folder holds something else, is in use, or cannot be written.
    """
    _enter(folder, recipe)
    with _locked(folder):
        yield (folder / METRICS_FILE).is_file()


def _enter(folder: Path, recipe: Recipe) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        names = {entry.name for entry in folder.iterdir()} - {_LOCK_FILE}
    except OSError as error:
        raise RunError(f"cannot write the run's folder {folder}: {error.strerror}") from error
    if RECIPE_FILE in names:
        _check_same_recipe(folder, recipe)
    elif names:
        raise RunError(f"{folder} is neither empty nor a training run: choose another --out")
    else:
        content = recipe.model_dump_json(indent=2) + "\n"
        write_atomically(folder / RECIPE_FILE, content.encode())


def _check_same_recipe(folder: Path, recipe: Recipe) -> None:
    there = _flat(load_run_recipe(folder).model_dump(mode="json"))
    here = _flat(recipe.model_dump(mode="json"))
    differences = [
        f"{key}: {there.get(key)!r} there, {here.get(key)!r} now"
        for key in sorted({*there, *here})
        if there.get(key) != here.get(key)
    ]
    if differences:
        raise RunError(
            f"{folder} holds a run of another recipe ({'; '.join(differences)}): choose another "
            f"--out, or go on with `heed train {folder / RECIPE_FILE} --out {folder}`"
        )


def _flat(values: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted key."""
    flat: dict[str, Any] = {}
    for key, value in values.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{key}.")
        else:
            flat[f"{prefix}{key}"] = value
    return flat


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Keeps a second training out of the folder; the lock goes with the process."""
    try:
        file = (folder / _LOCK_FILE).open("w")
    except OSError as error:
        raise RunError(f"cannot write the run's folder {folder}: {error.strerror}") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise RunError(f"another training is at work in {folder}") from error
        yield
