"""An exported classifier: its files, its checks, and inputs that no well-meaning caller sends."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf

from heed.contract import Contract, Signature
from model_export.export.comparison import TOLERANCE
from model_export.export.errors import VerificationError
from model_export.export.graph_session import GraphSession
from model_export.export.signature_table import rules_for
from model_export.export.verification import verify_version
from tests.support.exported_classifiers import (
    FLAT,
    HIERARCHICAL,
    MAX_SENTENCE_TOKENS,
    MAX_SENTENCES,
    classifier_models_dir,
)
from tests.support.exported_model import loaded_elsewhere

__all__ = ["classifier_models_dir"]

GOOD: dict[str, Any] = {
    "tokens": [[5, 6, 7, 8], [8, 9, 9, 9]],
    "lengths": [4, 2],
    "sentence_ids": [[0, 0, 1, 2], [0, 1, 77, -5]],
}
"""What stands behind a row's length is not read."""


@pytest.fixture(scope="module")
def session(
    classifier_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[GraphSession]:
    moved = tmp_path_factory.mktemp("moved") / "elsewhere"
    with loaded_elsewhere(classifier_models_dir / HIERARCHICAL / "1", moved) as one:
        yield one


def run(session: GraphSession, **changes: Any) -> dict[str, np.ndarray]:
    inputs = {name: np.array(value, np.int32) for name, value in {**GOOD, **changes}.items()}
    return session.run("classify", inputs)


def test_good_inputs_are_answered_whatever_stands_behind_a_row(session: GraphSession) -> None:
    outputs = run(session)
    assert outputs["sentence_attention"].shape == (2, 3)
    assert outputs["sentence_attention"][1, 2] == 0
    assert not outputs["attention"][1, 2:].any()
    for name in ("probabilities", "attention", "sentence_attention"):
        np.testing.assert_allclose(outputs[name].sum(axis=-1), 1.0, atol=TOLERANCE)


LONG = MAX_SENTENCE_TOKENS + 1
HOSTILE: list[tuple[dict[str, Any], str]] = [
    ({"sentence_ids": [[1, 1, 1, 2], [0, 1, 0, 0]]}, "sentence_ids: every row must begin with 0"),
    (
        {"sentence_ids": [[0, 2, 2, 2], [0, 1, 0, 0]]},
        "sentence_ids: must rise by 0 or 1 from token",
    ),
    (
        {"sentence_ids": [[0, 1, 0, 1], [0, 1, 0, 0]]},
        "sentence_ids: must rise by 0 or 1 from token",
    ),
    ({"sentence_ids": [[-1, 0, 1, 2], [0, 1, 0, 0]]}, "sentence_ids: "),
    ({"sentence_ids": [[0, 0, 0], [0, 0, 0]]}, "sentence_ids: must have as many columns as tokens"),
    ({"sentence_ids": [[0, 0, 1, 2]]}, "sentence_ids: must have as many rows as"),
    (
        {
            "tokens": np.full([1, 16], 5),
            "lengths": [MAX_SENTENCES + 1],
            "sentence_ids": [list(range(16))],
        },
        f"sentence_ids: must be 0 to {MAX_SENTENCES - 1}",
    ),
    (
        {"tokens": np.full([1, LONG], 5), "lengths": [LONG], "sentence_ids": [[0] * LONG]},
        f"a sentence must have at most {MAX_SENTENCE_TOKENS} tokens; found",
    ),
    ({"lengths": [5, 1]}, "lengths: must be 1 to the columns of tokens"),
    ({"tokens": [[5, 6, 7, 9999], [8, 9, 9, 9]]}, "tokens: ids must be 0 to"),
]


@pytest.mark.parametrize(("changes", "message"), HOSTILE)
@pytest.mark.parametrize("output", ["probabilities", "sentence_attention"])
def test_hostile_inputs_are_named_whichever_output_is_fetched(
    session: GraphSession, changes: dict[str, Any], message: str, output: str
) -> None:
    inputs = {name: np.array(value, np.int32) for name, value in {**GOOD, **changes}.items()}
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        session.run("classify", inputs, [output])
    assert message in str(caught.value)


def test_no_rows_at_all_are_answered(session: GraphSession) -> None:
    empty = np.zeros([0, 0])
    outputs = run(session, tokens=empty, lengths=[], sentence_ids=empty)
    assert outputs["probabilities"].shape == (0, 3)


@pytest.mark.parametrize("name", [FLAT, HIERARCHICAL])
def test_the_contract_tells_the_signatures_and_the_labels(
    classifier_models_dir: Path, name: str
) -> None:
    version = classifier_models_dir / name / "1"
    contract = Contract.from_json((version / "assets" / "contract.json").read_bytes())
    assert contract.labels == ("bad", "good", "so-so")
    assert set(contract.signatures) == set(rules_for(contract)) == {"classify", "contract"}
    assert not (version / "assets" / "target_tokenizer.model").exists()
    has_sentences = contract.sentences is not None
    assert has_sentences == (name == HIERARCHICAL)
    rule = rules_for(contract)[Signature.CLASSIFY]
    assert ("sentence_ids" in rule.inputs) == has_sentences
    assert len(rule.output_sets) == 3


def test_verification_finds_labels_of_another_model(
    classifier_models_dir: Path, tmp_path: Path
) -> None:
    version = tmp_path / "1"
    shutil.copytree(classifier_models_dir / FLAT / "1", version)
    path = version / "assets" / "contract.json"
    contract = json.loads(path.read_text("utf-8"))
    path.write_text(json.dumps({**contract, "labels": ["good", "bad", "so-so"]}), "utf-8")
    with pytest.raises(VerificationError, match=r"differs from assets/contract\.json"):
        verify_version(version)
