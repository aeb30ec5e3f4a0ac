"""From a trained model to a published version."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import tensorflow as tf

from model_export.export.errors import ExportError
from model_export.export.exportable import ExportableModel
from model_export.export.publishing import publish, staging_directory
from model_export.export.reference_cases import compute_reference_cases, save_reference_cases
from model_export.export.saved_model import write_saved_model
from model_export.export.warmup import write_warmup_requests

EXPORT_STEPS: Final = (
    "Asking the training-side model",
    "Writing the graph",
    "Writing warm-up requests",
    "Verifying in a fresh process",
    "Publishing",
)
"""What `on_step` is called with, in order."""


@dataclass(frozen=True, slots=True)
class ExportedVersion:
    """A published version.

    Attributes:
        path: Its directory.
        size_bytes: The size of its files.
        warmup_requests: How many warm-up requests it brings.
    """

    path: Path
    size_bytes: int
    warmup_requests: int

    @property
    def version(self) -> int:
        """Its number."""
        return int(self.path.name)


def export_model(
    exportable: ExportableModel,
    models_dir: Path,
    *,
    on_step: Callable[[str], None] = lambda step: None,
    verify: Callable[[Path], None] | None = None,
) -> ExportedVersion:
    """Writes the next version of a model, verifies it under another name, and publishes it.

    Args:
        exportable: The model, its tokenizers and its contract.
        models_dir: The directory of all models; the version goes to
            `models_dir`/model name/number.
        on_step: Called with each of `EXPORT_STEPS` when it begins.
        verify: Raises if the version in the given directory is not what it should be; by
            default `heed verify`, in a process of its own.

    Raises:
        ExportError: It could not be written or is not right. Then nothing is published, and
            nothing is left behind.
    """
    steps = iter(EXPORT_STEPS)
    model_dir = models_dir / exportable.contract.model_name
    on_step(next(steps))
    cases = compute_reference_cases(exportable)
    with staging_directory(model_dir) as staging:
        written = staging / "written"
        try:
            on_step(next(steps))
            write_saved_model(exportable, written)
            on_step(next(steps))
            save_reference_cases(cases, written)
            warmup_requests = write_warmup_requests(exportable, cases, written)
            moved = written.rename(staging / "moved")
        except (OSError, tf.errors.OpError) as error:  # TensorFlow has its own, for a full disk
            raise ExportError(f"cannot write to {model_dir}: {error}") from error
        on_step(next(steps))
        (verify or verify_in_fresh_process)(moved)
        on_step(next(steps))
        path = publish(moved, model_dir)
    size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return ExportedVersion(path, size, warmup_requests)


def verify_in_fresh_process(version_dir: Path) -> None:
    """Runs `heed verify` in a process that knows nothing but the directory.

    Raises:
        ExportError: It found a difference; the message is its own.
    """
    command = [sys.executable, "-m", "model_export", "verify", str(version_dir)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode != 0:
        lines = result.stderr.strip().splitlines() or [f"exit status {result.returncode}"]
        reason = lines[-1].removeprefix("heed: error: ")
        raise ExportError(f"the exported version is not right, so nothing was published: {reason}")
