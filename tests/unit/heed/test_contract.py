"""The model contract checks itself."""

import json
from collections.abc import Callable

import pytest
from pydantic import ValidationError

from heed.contract import (
    CLASSIFIER_SIGNATURES,
    SEQ2SEQ_SIGNATURES,
    AttentionAverage,
    AttentionLayer,
    Contract,
    ContractError,
    Task,
    TokenizerInfo,
)

TOKENIZER = TokenizerInfo(sha256="0" * 64, vocabulary_size=30)


def _contract(**changes: object) -> Contract:
    values: dict[str, object] = {
        "model_name": "g2p",
        "task": Task.PRONOUNCE,
        "source_tokenizer": TOKENIZER,
        "target_tokenizer": TOKENIZER,
        "max_source_tokens": 64,
        "max_target_tokens": 64,
        "attention": (AttentionLayer(kind="bahdanau", layer_index=0, head_count=1),),
        "attention_average": AttentionAverage(layer_indices=(0,), description="the only layer"),
        "signatures": SEQ2SEQ_SIGNATURES,
    }
    return Contract.model_validate(values | changes)


def test_a_contract_survives_json() -> None:
    contract = _contract()
    assert Contract.from_json(contract.to_json()) == contract


def _classifier(**changes: object) -> Contract:
    values: dict[str, object] = {
        "task": Task.CLASSIFY,
        "target_tokenizer": None,
        "max_target_tokens": 0,
        "labels": ("no", "yes"),
        "signatures": CLASSIFIER_SIGNATURES,
    }
    return _contract(**{**values, **changes})


def test_a_classifier_has_labels_and_writes_nothing() -> None:
    contract = _classifier(sentences={"max_count": 8, "max_tokens": 20})
    assert Contract.from_json(contract.to_json()) == contract
    assert contract.is_classifier
    assert contract.target_vocabulary_size == 0


@pytest.mark.parametrize(
    ("make", "changes", "message"),
    [
        (_classifier, {"labels": ("yes",)}, "two labels or more"),
        (_classifier, {"labels": ("yes", "yes")}, "all different"),
        (_classifier, {"labels": ("", "yes")}, "none empty"),
        (_classifier, {"target_tokenizer": TOKENIZER}, "has neither target_tokenizer"),
        (_classifier, {"max_target_tokens": 3}, "nor max_target_tokens"),
        (_classifier, {"sentences": {"max_count": 2, "max_tokens": 9}}, "cannot hold max_source"),
        (_contract, {"target_tokenizer": None}, "the task pronounce needs a target_tokenizer"),
        (_contract, {"max_target_tokens": 1}, "max_target_tokens of 2 or more"),
        (_contract, {"labels": ("a", "b")}, "has neither labels nor sentences"),
    ],
)
def test_what_does_not_fit_the_task_is_refused(
    make: Callable[..., Contract], changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValidationError, match=message):
        make(**changes)


def test_a_contract_written_before_there_were_classifiers_still_reads() -> None:
    values = json.loads(_contract().to_json())
    for name in ("labels", "sentences"):
        del values[name]
    assert Contract.from_json(json.dumps(values)) == _contract()


def test_special_ids_cannot_be_others() -> None:
    with pytest.raises(ValidationError, match=r"special_ids\.end"):
        _contract(special_ids={"end": 7})


@pytest.mark.parametrize("name", ["", "../g2p", "a b", ".hidden", "x" * 64])
def test_a_name_that_is_no_folder_name_is_refused(name: str) -> None:
    with pytest.raises(ValidationError, match="model_name"):
        _contract(model_name=name)


def test_the_average_may_not_name_a_layer_that_is_not_there() -> None:
    average = AttentionAverage(layer_indices=(1,), description="layer 1")
    with pytest.raises(ValidationError, match=r"names layers \[1\]; the model has \[0\]"):
        _contract(attention_average=average)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{"])
def test_what_is_no_contract_is_refused(text: str) -> None:
    with pytest.raises(ContractError, match="not a JSON object with a contract_version"):
        Contract.from_json(text)


def test_another_contract_version_is_named() -> None:
    with pytest.raises(ContractError, match="has version 2; this release reads version 1"):
        Contract.from_json(json.dumps({"contract_version": 2}))


def test_an_unknown_key_is_named() -> None:
    values = json.loads(_contract().to_json()) | {"colour": "red"}
    with pytest.raises(ContractError, match="colour"):
        Contract.from_json(json.dumps(values))
