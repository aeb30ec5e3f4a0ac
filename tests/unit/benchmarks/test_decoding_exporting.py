"""Which versions the benchmark of decoding measures, and which it says that it left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.decoding.exporting import exported_versions, published_versions
from benchmarks.decoding.random_run import random_run
from benchmarks.decoding.sizes import SIZES
from benchmarks.decoding.subject import BenchmarkError
from heed.contract import CONTRACT_ASSET, Contract
from model_export.export.precision import has_portable_version
from model_export.export.xla import with_xla
from model_export.inference import PrecisionError
from tests.support.exported_model import random_exportable


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


def publish(contract: Contract, model_dir: Path, number: str) -> Path:
    assets = model_dir / number / "assets"
    assets.mkdir(parents=True)
    (assets / CONTRACT_ASSET).write_text(contract.to_json(), encoding="utf-8")
    return model_dir / number


def test_a_version_for_xla_stands_for_none_that_runs_everywhere(tmp_path: Path) -> None:
    plain = random_exportable()
    publish(with_xla(plain).contract, tmp_path, "2")
    assert not has_portable_version(tmp_path)
    with pytest.raises(BenchmarkError, match="no version in float32"):
        published_versions(tmp_path, ["float32"])

    first = publish(plain.contract, tmp_path, "1")
    assert has_portable_version(tmp_path)
    assert published_versions(tmp_path, ["float32"]).folders == {"Heed float32": first}
