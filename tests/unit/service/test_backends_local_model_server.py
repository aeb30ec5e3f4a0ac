from pathlib import Path

import pytest

from service.backends.local_model_server import ModelsDirectoryError, find_models


def test_models_are_folders_with_a_numbered_folder_inside(tmp_path: Path) -> None:
    for path in ("b/1", "a/20", "empty", "other/v1", "c/.staging-1"):
        (tmp_path / path).mkdir(parents=True)
    (tmp_path / "file").touch()
    assert find_models(tmp_path) == ("a", "b")
    assert find_models(tmp_path, ["b"]) == ("b",)
    with pytest.raises(ModelsDirectoryError, match="holds no model x; it has a, b"):
        find_models(tmp_path, ["b", "x"])


def test_a_directory_without_models_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ModelsDirectoryError, match="make one with `heed export`"):
        find_models(tmp_path)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(ModelsDirectoryError, match="nowhere is not a directory"):
        find_models(tmp_path / "nowhere")
