"""Models for tests of whole processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.saved_models import publish_copy, publish_model


@pytest.fixture(scope="session")
def full_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A version folder of the full model, not below any served base path."""
    return publish_model(tmp_path_factory.mktemp("source") / "full", 1)


@pytest.fixture
def base_path(tmp_path: Path, full_model: Path) -> Path:
    """A base path with version 1 of the full model."""
    publish_copy(full_model, tmp_path / "full", 1)
    return tmp_path / "full"
