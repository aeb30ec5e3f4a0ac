"""Checks that a version keeps its own contract: files, signatures and tokenizers agree."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf

from heed.contract import (
    CONTRACT_ASSET,
    SOURCE_TOKENIZER_ASSET,
    TARGET_TOKENIZER_ASSET,
    Contract,
    ContractError,
    Signature,
    TokenizerInfo,
)
from heed.text import Tokenizer, TokenizerError
from model_export.export.errors import VerificationError
from model_export.export.graph_session import GraphSession
from model_export.export.signature_table import TensorRule, rules_for

CHECK: Final = "contract, tokenizers and signatures agree"


def check_contract(version_dir: Path, session: GraphSession) -> Contract:
    """Reads the contract of a version, and checks that the version keeps it.

    Raises:
        VerificationError: A file is missing or not what the contract says, or a signature is
            missing, or has other names, number formats or shapes.
    """
    contract = _contract_of(_asset(version_dir, CONTRACT_ASSET))
    _check_signatures(contract, session)
    answer = session.run(Signature.CONTRACT, {"request": np.zeros([1], np.int32)})
    if _contract_of(answer["contract"][0]) != contract:
        raise VerificationError(
            CHECK, f"signature contract, output contract: differs from assets/{CONTRACT_ASSET}"
        )
    for name, asset, info in (
        ("source_tokenizer", SOURCE_TOKENIZER_ASSET, contract.source_tokenizer),
        ("target_tokenizer", TARGET_TOKENIZER_ASSET, contract.target_tokenizer),
    ):
        if info is None:  # a classifier writes no text, a model of pictures reads none
            continue
        _check_tokenizer(_asset(version_dir, asset), info, where=f"assets/{asset}")
        _check_tokenizer(answer[name][0], info, where=f"signature contract, output {name}")
    return contract


def _asset(version_dir: Path, name: str) -> bytes:
    path = version_dir / "assets" / name
    try:
        return path.read_bytes()
    except OSError as error:
        raise VerificationError(CHECK, f"cannot read {path}: {error.strerror}") from error


def _contract_of(text: bytes) -> Contract:
    try:
        return Contract.from_json(text)
    except ContractError as error:
        raise VerificationError(CHECK, str(error)) from error


def _check_tokenizer(serialized: bytes, info: TokenizerInfo, *, where: str) -> None:
    try:
        tokenizer = Tokenizer(serialized)
    except TokenizerError as error:
        raise VerificationError(CHECK, f"{where}: {error}") from error
    if tokenizer.sha256 != info.sha256:
        raise VerificationError(
            CHECK,
            f"{where}: has the hash {tokenizer.sha256[:12]}..., "
            f"the contract says {info.sha256[:12]}...",
        )
    if tokenizer.vocabulary_size != info.vocabulary_size:
        raise VerificationError(
            CHECK,
            f"{where}: has {tokenizer.vocabulary_size} ids, "
            f"the contract says {info.vocabulary_size}",
        )


def _check_signatures(contract: Contract, session: GraphSession) -> None:
    table = rules_for(contract)
    for signature in contract.signatures:
        if signature not in session.signatures:
            raise VerificationError(CHECK, f"the graph has no signature {signature}")
        definition = session.signatures[signature]
        rule = table[signature]
        _check_tensors(definition.inputs, rule.inputs, where=f"signature {signature}, inputs")
        _check_tensors(definition.outputs, rule.outputs, where=f"signature {signature}, outputs")


def _check_tensors(
    tensors: Mapping[str, Any], rules: Mapping[str, TensorRule], *, where: str
) -> None:
    if set(tensors) != set(rules):
        raise VerificationError(CHECK, f"{where}: {sorted(tensors)}, expected {sorted(rules)}")
    for name, rule in rules.items():
        found = TensorRule(
            tf.as_dtype(tensors[name].dtype).name,
            tuple(None if dim.size < 0 else dim.size for dim in tensors[name].tensor_shape.dim),
        )
        if found != rule:
            raise VerificationError(CHECK, f"{where}: {name} is {found}, expected {rule}")
