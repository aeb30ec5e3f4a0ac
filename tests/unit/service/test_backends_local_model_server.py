import logging
from pathlib import Path

import pytest

from service.backends.local_model_server import ModelsDirectoryError, find_models, level_of


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


@pytest.mark.parametrize(
    ("line", "level"),
    [
        ("I0000 00:00:1795157140.9 24666 mlir_graph_optimization_pass.cc:437] MLIR", logging.DEBUG),
        ("WARNING: All log messages before absl::InitializeLog() is called", logging.DEBUG),
        ("E0000 00:00:1795157140.9 24666 executor.cc:437] out of memory", logging.INFO),
        ("2026-11-20 06:40:03,563 INFO Ran 29 warm-up requests", logging.INFO),
        ("Running gRPC ModelServer at 127.0.0.1:33791 ...", logging.INFO),
    ],
)
def test_tensorflows_notes_to_itself_are_for_debugging(line: str, level: int) -> None:
    assert level_of(line) == level
