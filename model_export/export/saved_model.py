"""Writes a version's files."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.saved_model.fingerprinting_utils import write_fingerprint

from heed.contract import CONTRACT_ASSET, SOURCE_TOKENIZER_ASSET, TARGET_TOKENIZER_ASSET
from model_export.export.exportable import ExportableModel
from model_export.export.signatures import ServedModel

GRAPH_FILE: Final = "saved_model.pb"


def write_saved_model(exportable: ExportableModel, directory: Path) -> None:
    """Writes the SavedModel and its assets, without any device or machine in it.

    Args:
        exportable: The model, its tokenizers and its contract.
        directory: Made if it is not there.
    """
    module = ServedModel(exportable)
    tf.saved_model.save(module, str(directory), signatures=module.signatures())
    _clear_devices(directory)
    assets = directory / "assets"
    assets.mkdir(exist_ok=True)
    (assets / CONTRACT_ASSET).write_text(exportable.contract.to_json() + "\n", encoding="utf-8")
    for name, tokenizer in (
        (SOURCE_TOKENIZER_ASSET, exportable.source_tokenizer),
        (TARGET_TOKENIZER_ASSET, exportable.target_tokenizer),
    ):
        if tokenizer is not None:
            (assets / name).write_bytes(tokenizer.serialized)


def _clear_devices(directory: Path) -> None:
    """Leaves it to the server where each operation runs.

    TensorFlow writes the restoring of the weights as a task for the CPU; a server with a GPU
    would then keep the weights there and copy them at every step.
    """
    path = directory / GRAPH_FILE
    saved_model = SavedModel.FromString(path.read_bytes())
    for meta_graph in saved_model.meta_graphs:
        graph = meta_graph.graph_def
        for nodes in (graph.node, *(function.node_def for function in graph.library.function)):
            for node in nodes:
                node.device = ""
    path.write_bytes(saved_model.SerializeToString(deterministic=True))
    write_fingerprint(str(directory))
