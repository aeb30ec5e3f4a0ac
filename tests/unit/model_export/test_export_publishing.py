import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from model_export.export.errors import ExportError
from model_export.export.publishing import next_version, publish, staging_directory


def test_the_first_version_is_1_and_the_next_is_one_more_than_the_highest(tmp_path: Path) -> None:
    assert next_version(tmp_path) == 1
    for name in ("1", "003", ".export-4", "9.old", "latest"):
        (tmp_path / name).mkdir()
    assert next_version(tmp_path) == 4


def test_a_directory_is_published_by_renaming_it(tmp_path: Path) -> None:
    with staging_directory(tmp_path / "g2p") as staging:
        (staging / "written").mkdir()
        (staging / "written" / "saved_model.pb").write_bytes(b"graph")
        path = publish(staging / "written", tmp_path / "g2p")
    assert path == tmp_path / "g2p" / "1"
    assert (path / "saved_model.pb").read_bytes() == b"graph"
    assert [entry.name for entry in (tmp_path / "g2p").iterdir()] == ["1"]


def test_exports_at_the_same_time_each_get_a_version_of_their_own(tmp_path: Path) -> None:
    directories = [tmp_path / f"written-{index}" for index in range(16)]
    for directory in directories:
        directory.mkdir()
        (directory / directory.name).touch()
    with ThreadPoolExecutor(8) as pool:
        paths = list(pool.map(lambda directory: publish(directory, tmp_path), directories))
    assert {path.name for path in paths} == {str(version) for version in range(1, 17)}
    for directory, path in zip(directories, paths, strict=True):
        assert (path / directory.name).exists()


def test_no_server_takes_the_staging_directory_for_a_version(tmp_path: Path) -> None:
    with staging_directory(tmp_path) as staging:
        assert not staging.name.isdecimal()
        assert staging.parent == tmp_path


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt])
def test_a_failure_leaves_nothing_behind(tmp_path: Path, failure: type[BaseException]) -> None:
    def fail() -> None:
        with staging_directory(tmp_path / "models" / "g2p") as staging:
            (staging / "written").mkdir()
            raise failure

    with pytest.raises(failure):
        fail()
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there_before(tmp_path: Path) -> None:
    (tmp_path / "g2p" / "1").mkdir(parents=True)
    with pytest.raises(ValueError, match="broken"), staging_directory(tmp_path / "g2p"):
        raise ValueError("broken")
    assert [entry.name for entry in (tmp_path / "g2p").iterdir()] == ["1"]


def test_a_request_to_terminate_cleans_up_as_an_interrupt_does(tmp_path: Path) -> None:
    def be_terminated() -> None:
        with staging_directory(tmp_path / "g2p"):
            os.kill(os.getpid(), signal.SIGTERM)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(KeyboardInterrupt):
        be_terminated()
    assert list(tmp_path.iterdir()) == []
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with (
        pytest.raises(ExportError, match=r"cannot write to .*file/g2p: Not a directory"),
        staging_directory(tmp_path / "file" / "g2p"),
    ):
        pass
