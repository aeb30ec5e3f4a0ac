"""Errors of export and verification.

ModelExportError
    ExportError          the version could not be written
    VerificationError    the version is not what it should be
"""

from __future__ import annotations

from model_export.errors import ModelExportError


class ExportError(ModelExportError):
    """A version could not be written; nothing was published."""


class VerificationError(ModelExportError):
    """A version differs from its training-side model, from its contract or from itself.

    Args:
        check: The check that failed.
        problem: Which signature and output, and by how much.
    """

    def __init__(self, check: str, problem: str) -> None:
        super().__init__(f'check "{check}" failed: {problem}')
        self.check = check
        self.problem = problem
