"""Makes a version appear in one step, or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import signal
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from model_export.export.errors import ExportError


@contextmanager
def staging_directory(model_dir: Path) -> Iterator[Path]:
    """A directory beside the versions, of a name that no server takes for a version.

    When the block is left, however that happens, it is gone, and so is everything that was made
    to hold it and is still empty.

    Args:
        model_dir: The directory of the model's versions, made if it is not there.

    Raises:
        ExportError: The directories cannot be made.
    """
    made = [path for path in (model_dir, *model_dir.parents) if not path.exists()]
    staging = model_dir / f".export-{uuid.uuid4().hex}"
    try:
        try:
            staging.mkdir(parents=True)
        except OSError as error:
            raise ExportError(f"cannot write to {model_dir}: {error.strerror}") from error
        with _termination_as_interrupt():
            yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)
        for path in made:
            _remove_if_empty(path)


def publish(directory: Path, model_dir: Path) -> Path:
    """Renames a complete directory to the next version, in one step.

    Args:
        directory: On the same file system as `model_dir`.
        model_dir: The directory of the model's versions.

    Returns:
        The version's directory.

    Raises:
        ExportError: It cannot be renamed.
    """
    _flush(directory)
    while True:
        target = model_dir / str(next_version(model_dir))
        try:
            directory.rename(target)
        except OSError as error:
            if error.errno in (errno.EEXIST, errno.ENOTEMPTY):
                continue  # another export was faster: take the number behind it
            raise ExportError(f"cannot publish {target}: {error.strerror}") from error
        _flush_entry(model_dir)
        return target


def next_version(model_dir: Path) -> int:
    """One more than the highest version there is; 1 for the first."""
    versions = [int(path.name) for path in model_dir.iterdir() if path.name.isdecimal()]
    return max(versions, default=0) + 1


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Lets a polite request to end (SIGTERM) clean up as Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> NoReturn:
        raise KeyboardInterrupt

    try:
        previous = signal.signal(signal.SIGTERM, interrupt)
    except ValueError:  # signals belong to the main thread; elsewhere they stay as they are
        yield
        return
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _remove_if_empty(path: Path) -> None:
    try:
        path.rmdir()
    except OSError:  # it holds something by now, or was never made
        return


def _flush(directory: Path) -> None:
    """Brings a tree to the disk, so that a power cut cannot leave a version without its files."""
    for path in (*directory.rglob("*"), directory):
        _flush_entry(path)


def _flush_entry(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
