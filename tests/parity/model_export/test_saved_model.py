"""Equality 4: the exported, renamed and reloaded SavedModel = the training-side model, eagerly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from heed.contract import SEQ2SEQ_SIGNATURES, SPECIAL_IDS, Contract, Signature
from heed.text import Tokenizer
from model_export.export.graph_session import GraphSession
from model_export.export.reference_cases import training_side_outputs
from tests.support.exported_model import (
    MAX_SOURCE_TOKENS,
    MAX_TARGET_TOKENS,
    exportable,
    exported_models_dir,
    graph_session,
)

if TYPE_CHECKING:
    from model_export.export.exportable import ExportableModel

__all__ = ["exportable", "exported_models_dir", "graph_session"]


def random_request(signature: Signature, *, seed: int) -> dict[str, np.ndarray]:
    random = np.random.default_rng(seed)
    rows = int(random.integers(1, 6))
    lengths = random.integers(1, MAX_SOURCE_TOKENS, rows, endpoint=True).astype(np.int32)
    inputs = {
        "tokens": random.integers(4, 30, (rows, int(lengths.max()) + 2)).astype(np.int32),
        "lengths": lengths,
    }
    target = random.integers(4, 40, (rows, MAX_TARGET_TOKENS)).astype(np.int32)
    target_lengths = random.integers(1, MAX_TARGET_TOKENS, rows, endpoint=True).astype(np.int32)
    if signature is Signature.SCORE:
        inputs |= {"target_tokens": target, "target_lengths": target_lengths}
    if signature in (Signature.GREEDY, Signature.BEAM, Signature.SAMPLE):
        inputs |= {
            "max_lengths": target_lengths,
            "min_lengths": random.integers(0, target_lengths, endpoint=True).astype(np.int32),
            "prefix_tokens": target[:, :2],
            "prefix_lengths": np.minimum(random.integers(0, 3, rows), target_lengths).astype(
                np.int32
            ),
        }
    if signature is Signature.BEAM:
        inputs |= {
            "beam_width": random.integers(1, seed + 4, rows).astype(np.int32),
            "length_penalty": random.random(rows, np.float32),
            "coverage_penalty": random.random(rows, np.float32) * np.float32(seed > 0),
            "no_repeat_ngram": random.integers(0, 3, rows).astype(np.int32) * np.int32(seed > 1),
        }
    if signature is Signature.SAMPLE:
        inputs |= {
            "temperature": 0.5 + random.random(rows, np.float32),
            "top_k": random.integers(0, 20, rows).astype(np.int32) * np.int32(seed > 0),
            "top_p": np.float32(1) - random.random(rows, np.float32) * np.float32(seed > 1) / 2,
            "seed": random.integers(-(2**31), 2**31, rows).astype(np.int32),
        }
    return inputs


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize(
    "signature", [name for name in SEQ2SEQ_SIGNATURES if name != Signature.CONTRACT]
)
def test_the_reloaded_graph_answers_as_the_training_side_model(
    graph_session: GraphSession, exportable: ExportableModel, signature: Signature, seed: int
) -> None:
    inputs = random_request(signature, seed=seed)
    expected = training_side_outputs(exportable, signature, inputs)
    found = graph_session.run(signature, inputs)
    assert set(found) == set(expected)
    for name, array in expected.items():
        assert found[name].dtype == array.dtype
        assert found[name].shape == array.shape
        assert found[name] == pytest.approx(array, abs=1e-4), name


def test_the_contract_signature_gives_contract_and_tokenizers_in_every_row(
    graph_session: GraphSession, exportable: ExportableModel
) -> None:
    answer = graph_session.run("contract", {"request": np.zeros([3], np.int32)})
    for row in range(3):
        contract = Contract.from_json(answer["contract"][row])
        assert contract == exportable.contract
        for side in ("source_tokenizer", "target_tokenizer"):
            tokenizer = Tokenizer(answer[side][row])
            assert tokenizer.sha256 == getattr(contract, side).sha256


def test_every_input_and_output_has_the_rows_as_dimension_0(graph_session: GraphSession) -> None:
    for name in SEQ2SEQ_SIGNATURES:
        definition = graph_session.signatures[name]
        for tensor in (*definition.inputs.values(), *definition.outputs.values()):
            assert len(tensor.tensor_shape.dim) >= 1
            assert tensor.tensor_shape.dim[0].size == -1


def test_the_graph_names_no_device_and_needs_neither_cudnn_nor_xla(
    exported_models_dir: Path,
) -> None:
    saved_model = SavedModel.FromString(
        (exported_models_dir / "g2p" / "1" / "saved_model.pb").read_bytes()
    )
    (meta_graph,) = saved_model.meta_graphs
    functions = meta_graph.graph_def.library.function
    nodes = [*meta_graph.graph_def.node, *(node for f in functions for node in f.node_def)]
    assert len(nodes) > 100
    assert {node.device for node in nodes} == {""}
    assert not [node.op for node in nodes if "cudnn" in node.op.lower() or "Xla" in node.op]
    compiled = [f for f in functions if f.attr["_XlaMustCompile"].b]
    assert not compiled


def test_without_attention_the_other_outputs_stay_as_they_are(graph_session: GraphSession) -> None:
    inputs = random_request(Signature.GREEDY, seed=9)
    everything = graph_session.run("greedy", inputs)
    few = graph_session.run("greedy", inputs, [name for name in everything if name != "attention"])
    for name, array in few.items():
        assert array == pytest.approx(everything[name], abs=1e-6)
    assert SPECIAL_IDS.begin not in everything["tokens"]
