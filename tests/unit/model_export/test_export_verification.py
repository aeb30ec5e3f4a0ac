"""A version that was tampered with is found out, and the message says how."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from heed.contract import (
    CONTRACT_ASSET,
    SOURCE_TOKENIZER_ASSET,
    TARGET_TOKENIZER_ASSET,
    WARMUP_FILE,
)
from model_export.export.comparison import TOLERANCE
from model_export.export.errors import ExportError, VerificationError
from model_export.export.reference_cases import REFERENCE_FILE
from model_export.export.saved_model import write_saved_model
from model_export.export.verification import verify_version
from tests.support.exported_model import exported_models_dir, random_exportable, random_run

__all__ = ["exported_models_dir"]


@pytest.fixture
def version_dir(exported_models_dir: Path, tmp_path: Path) -> Path:
    """A copy that a test may tamper with, under another name than a version's."""
    return Path(shutil.copytree(exported_models_dir / "g2p" / "1", tmp_path / "copied"))


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same architecture with other weights."""
    directory = tmp_path_factory.mktemp("other") / "model"
    write_saved_model(random_exportable(seed=2), directory)
    return directory


def test_an_untouched_version_passes_every_check(version_dir: Path) -> None:
    results = verify_version(version_dir)
    assert [result.check for result in results] == [
        "contract, tokenizers and signatures agree",
        "the graph answers as the training-side model",
        "a row alone answers as in its batch",
        "a row answers the same in any padded batch, in any order",
        "the score of a hypothesis is what scoring gives for it",
        "warm-up requests cover every signature and run",
    ]
    for result in results[1:-1]:
        assert result.largest_difference is not None
        assert 0 < result.largest_difference < TOLERANCE


def test_a_version_is_compared_with_its_training_run_anew(version_dir: Path) -> None:
    (version_dir / REFERENCE_FILE).rename(version_dir / "kept")
    with pytest.raises(VerificationError, match=r"cannot read .*reference_cases\.npz"):
        verify_version(version_dir, random_run(seed=1))
    (version_dir / "kept").rename(version_dir / REFERENCE_FILE)
    verify_version(version_dir, random_run(seed=1))


def test_another_training_run_is_found_out(version_dir: Path) -> None:
    with pytest.raises(VerificationError, match=r"signature serving_default, output .* diff"):
        verify_version(version_dir, random_run(seed=2))


def test_the_weights_of_another_model_are_found_out(version_dir: Path, other_model: Path) -> None:
    shutil.rmtree(version_dir / "variables")
    shutil.copytree(other_model / "variables", version_dir / "variables")
    with pytest.raises(VerificationError) as raised:
        verify_version(version_dir)
    assert raised.value.check == "the graph answers as the training-side model"
    assert "signature serving_default, output " in raised.value.problem


def test_a_damaged_weights_file_is_found_out(version_dir: Path) -> None:
    (path,) = (version_dir / "variables").glob("variables.data-*")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x40
    path.write_bytes(content)
    with pytest.raises(ExportError, match="TensorFlow cannot load"):
        verify_version(version_dir)


def test_a_damaged_graph_is_found_out(version_dir: Path) -> None:
    (version_dir / "saved_model.pb").write_bytes(b"no graph")
    with pytest.raises(ExportError, match="TensorFlow cannot load"):
        verify_version(version_dir)


def test_an_edited_contract_is_found_out(version_dir: Path) -> None:
    path = version_dir / "assets" / CONTRACT_ASSET
    contract = json.loads(path.read_text())
    contract["max_target_tokens"] += 1
    path.write_text(json.dumps(contract))
    with pytest.raises(VerificationError, match=r"differs from assets/contract\.json"):
        verify_version(version_dir)


def test_a_contract_that_promises_other_heads_is_found_out(version_dir: Path) -> None:
    path = version_dir / "assets" / CONTRACT_ASSET
    contract = json.loads(path.read_text())
    contract["attention"][0]["head_count"] = 2
    path.write_text(json.dumps(contract))
    with pytest.raises(VerificationError, match="signature score, outputs: attention_heads is"):
        verify_version(version_dir)


def test_another_tokenizer_is_found_out(version_dir: Path) -> None:
    assets = version_dir / "assets"
    shutil.copy(assets / SOURCE_TOKENIZER_ASSET, assets / TARGET_TOKENIZER_ASSET)
    with pytest.raises(
        VerificationError, match=r"target_tokenizer\.model: has the hash .* the contract says"
    ):
        verify_version(version_dir)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (f"assets/{CONTRACT_ASSET}", r"cannot read .*contract\.json: No such file"),
        (f"assets/{SOURCE_TOKENIZER_ASSET}", r"cannot read .*source_tokenizer\.model: No such"),
        (REFERENCE_FILE, r"cannot read .*reference_cases\.npz"),
        (WARMUP_FILE, r"warm-up requests .* failed: request 0 of"),
    ],
)
def test_a_missing_file_is_named(version_dir: Path, missing: str, message: str) -> None:
    (version_dir / missing).unlink()
    with pytest.raises(VerificationError, match=message):
        verify_version(version_dir)


def test_warm_up_requests_that_leave_a_signature_out_are_found_out(version_dir: Path) -> None:
    (version_dir / WARMUP_FILE).write_bytes(b"")
    with pytest.raises(
        VerificationError, match="none for beam, contract, greedy, sample, score, s"
    ):
        verify_version(version_dir)


def test_a_directory_without_a_version_is_named(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match=r"is no exported version: it has no saved_model\.pb"):
        verify_version(tmp_path)
