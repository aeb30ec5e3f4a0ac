"""Which versions the benchmark of decoding measures, and which it says that it left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.decoding.exporting import exported_versions
from benchmarks.decoding.random_run import random_run
from benchmarks.decoding.sizes import SIZES
from model_export.inference import PrecisionError


def test_a_machine_without_the_operation_of_int8_leaves_it_out_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise PrecisionError("--precision int8: not with this TensorFlow")

    monkeypatch.setattr("model_export.inference.build.check_operation", refuse)
    versions = exported_versions(
        random_run(SIZES["tiny"]),
        tmp_path,
        precisions=["float32", "int8"],
        calibration=[("w1 w2", "w3")],
    )
    assert versions.folders == {"Heed float32": tmp_path / "heed-float32"}
    assert versions.left_out == {"Heed int8": "--precision int8: not with this TensorFlow"}
    assert (tmp_path / "heed-float32" / "saved_model.pb").is_file()
