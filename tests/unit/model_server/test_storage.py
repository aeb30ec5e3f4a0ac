from __future__ import annotations

from pathlib import Path

import pytest

from model_server.lifecycle.storage import (
    All,
    BasePathError,
    Latest,
    Specific,
    VersionPolicy,
    fingerprint,
    wanted_versions,
)


def folders(base_path: Path, *names: str) -> Path:
    for name in names:
        (base_path / name).mkdir()
    return base_path


def wanted(base_path: Path, policy: VersionPolicy) -> dict[int, str]:
    return {number: path.name for number, path in wanted_versions(base_path, policy).items()}


def test_only_names_that_are_whole_numbers_count(tmp_path: Path) -> None:
    folders(tmp_path, "7", "007x", "1e9", "9_0", "v7", "7.tmp", "+8", "-3", str(2**63))
    assert wanted(tmp_path, All()) == {7: "7", 8: "+8", -3: "-3"}


def test_a_file_with_a_number_for_a_name_counts_as_well(tmp_path: Path) -> None:
    (tmp_path / "5").touch()
    assert wanted(tmp_path, All()) == {5: "5"}


def test_the_latest_are_the_highest_numbers_not_names(tmp_path: Path) -> None:
    folders(tmp_path, "9", "10", "0011")
    assert wanted(tmp_path, Latest()) == {11: "0011"}
    assert wanted(tmp_path, Latest(2)) == {10: "10", 11: "0011"}
    assert wanted(tmp_path, Latest(8)) == {9: "9", 10: "10", 11: "0011"}


def test_specific_versions_are_those_found(tmp_path: Path) -> None:
    folders(tmp_path, "1", "2", "3")
    assert wanted(tmp_path, Specific((3, 8))) == {3: "3"}
    assert wanted(tmp_path, Specific(())) == {}


@pytest.mark.parametrize(
    ("policy", "name"), [(Latest(), "1"), (Specific((1,)), "1"), (All(), "001")]
)
def test_of_two_names_for_one_number_the_policy_says_which_wins(
    tmp_path: Path, policy: VersionPolicy, name: str
) -> None:
    assert wanted(folders(tmp_path, "1", "001"), policy) == {1: name}


def test_a_missing_base_path_is_an_error_and_an_empty_one_is_not(tmp_path: Path) -> None:
    assert wanted(tmp_path, Latest()) == {}
    with pytest.raises(BasePathError, match="Could not find base path"):
        wanted_versions(tmp_path / "none", Latest())


def test_a_fingerprint_changes_with_the_files_below(tmp_path: Path) -> None:
    folder = folders(tmp_path, "1") / "1"
    empty = fingerprint(folder)
    (folder / "saved_model.pb").write_bytes(b"graph")
    filled = fingerprint(folder)
    assert (empty == filled, filled == fingerprint(folder)) == (False, True)
    (folder / "saved_model.pb").write_bytes(b"a longer graph")
    assert fingerprint(folder) != filled
