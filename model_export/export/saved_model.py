"""Writes a version's files."""

from __future__ import annotations

from pathlib import Path

import tensorflow as tf

from heed.contract import CONTRACT_ASSET, SOURCE_TOKENIZER_ASSET, TARGET_TOKENIZER_ASSET
from model_export.export.exportable import ExportableModel
from model_export.export.signatures import ServedModel


def write_saved_model(exportable: ExportableModel, directory: Path) -> None:
    """Writes the SavedModel and its assets, without any device or machine in it.

    Args:
        exportable: The model, its tokenizers and its contract.
        directory: Made if it is not there.
    """
    module = ServedModel(exportable)
    tf.saved_model.save(module, str(directory), signatures=module.signatures())
    assets = directory / "assets"
    assets.mkdir(exist_ok=True)
    (assets / CONTRACT_ASSET).write_text(exportable.contract.to_json() + "\n", encoding="utf-8")
    (assets / SOURCE_TOKENIZER_ASSET).write_bytes(exportable.source_tokenizer.serialized)
    (assets / TARGET_TOKENIZER_ASSET).write_bytes(exportable.target_tokenizer.serialized)
