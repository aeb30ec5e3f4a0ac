"""Equality 4 for every attention of a recurrent model: exported, moved, reloaded = eager."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from heed.contract import Contract, Precision
from model_export.config import RnnSettings
from model_export.export.export_model import export_model
from model_export.export.exportable import exportable_from_run
from model_export.export.verification import verify_version
from model_export.models import build_model
from model_export.runs.training_run import TrainingRun
from tests.support.exported_model import random_run

VARIANTS: dict[str, dict[str, Any]] = {
    "luong_dot": {},
    "luong_general": {"cell": "lstm", "encoder_layers": 2, "decoder_layers": 2},
    "luong_concat": {"input_feeding": False},
    "luong_location": {},
    "luong_local_m": {},
    "luong_local_p": {},
    "xu_soft": {"bidirectional": False},
    "xu_hard": {},
    "bahdanau, counting": {"attention": {"kind": "bahdanau", "coverage": "count"}},
    "bahdanau, coverage vector": {"attention": {"kind": "bahdanau", "coverage": "vector"}},
}
"""Plain Bahdanau attention is that of the model that all other tests export."""


def _run(settings: RnnSettings) -> TrainingRun:
    run = random_run()
    model = build_model(
        settings,
        source_vocabulary_size=run.source_tokenizer.vocabulary_size,
        target_vocabulary_size=run.target_tokenizer.vocabulary_size,
    )
    recipe = run.recipe.model_copy(update={"model": settings})
    return replace(run, recipe=recipe, model=model)


@pytest.mark.parametrize("kind", list(VARIANTS))
def test_the_exported_model_answers_as_the_trained_one(kind: str, tmp_path: Path) -> None:
    values = {
        "embedding_width": 6,
        "encoder_width": 6,
        "decoder_width": 12,
        "readout_width": 8,
        "max_source_tokens": 12,
        "max_target_tokens": 6,
        "attention": kind,
        **VARIANTS[kind],
    }
    exportable = exportable_from_run(
        _run(RnnSettings.model_validate(values)), model_name="any", precision=Precision.FLOAT32
    )
    # Verified once, here, in the process that has TensorFlow.
    version = export_model(
        exportable, tmp_path, verify=lambda moved: verify_version(moved) and None
    )
    contract = Contract.from_json((version.path / "assets" / "contract.json").read_bytes())
    (layer,) = contract.attention
    assert layer.kind == kind.split(",", maxsplit=1)[0]
    assert layer.layer_index == values.get("decoder_layers", 1) - 1
    assert layer.normalized == (not kind.startswith("luong_local"))
    assert ("need not sum to 1" in contract.attention_average.description) != layer.normalized
