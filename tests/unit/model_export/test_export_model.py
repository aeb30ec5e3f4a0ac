"""A version is published complete and verified, or not at all."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import tensorflow as tf
from tensorflow_serving.apis.prediction_log_pb2 import PredictionLog

from heed.contract import WARMUP_FILE, Contract
from model_export.export.errors import ExportError
from model_export.export.export_model import (
    EXPORT_STEPS,
    export_model,
    verify_in_fresh_process,
)
from model_export.export.signature_table import signature_table
from tests.support.exported_model import exported_models_dir, random_exportable

__all__ = ["exported_models_dir"]

ROOT = Path(__file__).parents[3]
STUCK_EXPORT = """
import sys, time
from pathlib import Path
from model_export.export.export_model import export_model
from tests.support.exported_model import random_exportable

def stuck(version_dir):
    print(version_dir, flush=True)
    time.sleep(120)

export_model(random_exportable(), Path(sys.argv[1]), verify=stuck)
"""


def accept(version_dir: Path) -> None:
    """For the tests that are not about verification."""


def test_a_verified_version_is_published_and_nothing_else(tmp_path: Path) -> None:
    steps: list[str] = []
    verified: list[bool] = []
    exported = export_model(
        random_exportable(),
        tmp_path / "models",
        on_step=steps.append,
        verify=lambda version_dir: verified.append((version_dir / "saved_model.pb").is_file()),
    )
    assert verified == [True]
    assert steps == list(EXPORT_STEPS)
    assert exported.path == tmp_path / "models" / "g2p" / "1"
    assert exported.version == 1
    assert [path.name for path in exported.path.parent.iterdir()] == ["1"]
    files = {str(path.relative_to(exported.path)) for path in exported.path.rglob("*.*")}
    assert files >= {
        "saved_model.pb",
        "variables/variables.index",
        "assets/contract.json",
        "assets/source_tokenizer.model",
        "assets/target_tokenizer.model",
    }
    assert exported.size_bytes == sum(
        path.stat().st_size for path in exported.path.rglob("*") if path.is_file()
    )


def test_a_version_that_differs_from_its_model_is_not_published(tmp_path: Path) -> None:
    """The weights are exchanged between writing and verifying; the verification is the real one."""

    def tamper_and_verify(version_dir: Path) -> None:
        export_model(random_exportable(seed=2), tmp_path / "other", verify=accept)
        other = tmp_path / "other" / "g2p" / "1" / "variables"
        for file in other.iterdir():
            (version_dir / "variables" / file.name).write_bytes(file.read_bytes())
        verify_in_fresh_process(version_dir)

    with pytest.raises(ExportError) as raised:
        export_model(random_exportable(), tmp_path / "models", verify=tamper_and_verify)
    message = str(raised.value)
    assert message.startswith("the exported version is not right, so nothing was published: ")
    assert 'check "the graph answers as the training-side model" failed' in message
    assert "signature serving_default, output " in message
    assert not (tmp_path / "models").exists()


def test_an_export_that_is_killed_half_way_publishes_nothing(tmp_path: Path) -> None:
    command = [sys.executable, "-c", STUCK_EXPORT, str(tmp_path / "models")]
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        half_way = Path(process.stdout.readline().strip())
        assert (half_way / "saved_model.pb").is_file()
        process.kill()
    (left,) = (tmp_path / "models" / "g2p").iterdir()
    assert left.name.startswith(".export-")


def test_the_next_export_takes_the_next_number(tmp_path: Path) -> None:
    (tmp_path / "g2p" / "7").mkdir(parents=True)
    exported = export_model(random_exportable(), tmp_path, verify=accept)
    assert exported.version == 8


def test_warm_up_requests_ask_for_each_set_of_outputs_at_several_lengths(
    exported_models_dir: Path,
) -> None:
    path = exported_models_dir / "g2p" / "1" / WARMUP_FILE
    seen: dict[str, set[tuple[str, ...]]] = {}
    shapes: dict[str, set[tuple[int, ...]]] = {}
    for record in tf.data.TFRecordDataset(str(path)).as_numpy_iterator():
        request = PredictionLog.FromString(record).predict_log.request
        assert request.model_spec.name == "g2p"
        signature = request.model_spec.signature_name
        seen.setdefault(signature, set()).add(tuple(request.output_filter))
        for name in {"tokens", "request"} & set(request.inputs):
            shape = tf.make_ndarray(request.inputs[name]).shape
            shapes.setdefault(signature, set()).add(shape)
    for signature, rule in signature_table(layer_count=1, head_count=1).items():
        assert seen[signature] == {tuple(sorted(outputs)) for outputs in rule.output_sets}
    for signature in ("serving_default", "greedy", "score"):
        assert len(shapes[signature]) >= 3


def test_the_model_card_names_the_data_its_licence_the_metrics_and_the_software(
    exported_models_dir: Path,
) -> None:
    path = exported_models_dir / "g2p" / "1" / "assets" / "contract.json"
    card = Contract.from_json(path.read_bytes()).card
    assert "CMUdict" in card.training_data
    assert "Carnegie Mellon University" in card.training_data_license
    assert card.metrics == {"dev.word_accuracy": 0.0}
    assert card.software["tensorflow"] == tf.__version__
    assert {"python", "heed", "keras", "sentencepiece"} <= set(card.software)
    assert card.recipe == "g2p-tiny"


def test_no_path_of_the_exporting_machine_is_in_the_graph(exported_models_dir: Path) -> None:
    graph = (exported_models_dir / "g2p" / "1" / "saved_model.pb").read_bytes()
    assert str(ROOT).encode() not in graph
    assert b"model_export/" not in graph
