"""Debian packages that are unpacked beside the code, without fetching any."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tools.debian_package import PackageUnavailableError, apt_options, unpacked_package


def test_what_is_there_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "some-package").mkdir()
    assert unpacked_package("some-package", folder=tmp_path) == tmp_path / "some-package"


def test_another_system_is_told_why_there_is_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(PackageUnavailableError, match="this is no Debian"):
        unpacked_package("some-package", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_apt_keeps_everything_in_the_folder_that_is_thrown_away(tmp_path: Path) -> None:
    options = dict(option.split("=", 1) for option in apt_options(tmp_path, "")[1::2])
    assert options["Dir::State::Lists"] == str(tmp_path / "lists")
    assert options["Dir::Cache"] == str(tmp_path / "cache")
    assert "Dir::Etc::SourceList" not in options, "this machine's own release"


def test_a_package_that_does_not_exist_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: list[str], **_: object) -> None:
        raise subprocess.CalledProcessError(100, command, stderr="E: Unable to locate package\n")

    monkeypatch.setattr(shutil, "which", lambda program: f"/usr/bin/{program}")
    monkeypatch.setattr(subprocess, "run", fail)
    with pytest.raises(PackageUnavailableError, match="Unable to locate package"):
        unpacked_package("no-such-package", folder=tmp_path)
    assert list(tmp_path.iterdir()) == []
