"""The script of the publishing job, run by the shell as the job runs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.kubernetes import KUBERNETES

SCRIPT = KUBERNETES / "publish-model/publish.sh"


@pytest.fixture
def version_dir(tmp_path: Path) -> Path:
    """Something that looks like an exported version."""
    path = tmp_path / "image" / "model"
    (path / "variables").mkdir(parents=True)
    (path / "saved_model.pb").write_bytes(b"graph")
    (path / "variables" / "variables.index").write_bytes(b"weights")
    return path


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    path = tmp_path / "models"
    path.mkdir()
    return path


def publish(
    source: Path, models: Path, *, name: str = "g2p", version: str = "3"
) -> subprocess.CompletedProcess[str]:
    environment = {"PATH": "/usr/bin:/bin", "HEED_MODEL_NAME": name, "HEED_MODEL_VERSION": version}
    return subprocess.run(
        ["sh", str(SCRIPT), str(source), str(models)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_a_version_is_published_whole_and_alone(version_dir: Path, models_dir: Path) -> None:
    result = publish(version_dir, models_dir)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "published g2p version 3\n"
    assert files_below(models_dir / "g2p" / "3") == files_below(version_dir)
    assert [path.name for path in (models_dir / "g2p").iterdir()] == ["3"]


def test_a_job_that_runs_again_changes_nothing(version_dir: Path, models_dir: Path) -> None:
    publish(version_dir, models_dir)
    result = publish(version_dir, models_dir)
    assert result.returncode == 0
    assert "is published already" in result.stdout


def test_what_a_job_left_that_was_killed_is_replaced(version_dir: Path, models_dir: Path) -> None:
    left = models_dir / "g2p" / ".publish-3"
    left.mkdir(parents=True)
    (left / "half").write_bytes(b"of it")
    assert publish(version_dir, models_dir).returncode == 0
    assert files_below(models_dir / "g2p") == {
        f"3/{name}": content for name, content in files_below(version_dir).items()
    }


def test_a_version_is_never_changed(version_dir: Path, models_dir: Path) -> None:
    publish(version_dir, models_dir)
    before = files_below(models_dir)
    (version_dir / "saved_model.pb").write_bytes(b"another graph")
    result = publish(version_dir, models_dir)
    assert result.returncode == 1
    assert "publish under a higher number" in result.stderr
    assert files_below(models_dir) == before


@pytest.mark.parametrize(
    ("name", "version", "words"),
    [
        ("g2p", "v3", "expected a whole number from 1, got 'v3'"),
        ("g2p", "0", "expected a whole number from 1, got '0'"),
        ("g2p", "", "HEED_MODEL_VERSION: is not set"),
        ("../g2p", "3", "expected a name without '/'"),
        (".g2p", "3", "begins with no '.'"),
        ("", "3", "HEED_MODEL_NAME: is not set"),
    ],
)
def test_wrong_settings_are_named(
    version_dir: Path, models_dir: Path, *, name: str, version: str, words: str
) -> None:
    result = publish(version_dir, models_dir, name=name, version=version)
    assert result.returncode != 0
    assert words in result.stderr
    assert list(models_dir.iterdir()) == []


def test_an_image_without_a_model_is_refused(tmp_path: Path, models_dir: Path) -> None:
    result = publish(tmp_path, models_dir)
    assert result.returncode == 1
    assert "holds no exported version" in result.stderr
