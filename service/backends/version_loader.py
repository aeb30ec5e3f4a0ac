"""Makes a version of a model ready: reads its contract and tokenizers, checks them, tries it."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Mapping
from typing import Final

import numpy as np

from heed.contract import (
    CLASSIFIER_SIGNATURES,
    IMAGES_INPUT,
    SPECIAL_IDS,
    WIDTHS_INPUT,
    Contract,
    ContractError,
    Signature,
    TokenizerInfo,
)
from heed.text import Tokenizer, TokenizerError
from service.domain.models import LoadedVersion, VersionKey
from service.domain.signatures import (
    OUTPUT_FORMS,
    Array,
    AttentionLevel,
    Predictor,
    PredictTarget,
    check_outputs,
    classify_target,
    output_names,
)
from service.errors import ModelAnswerError, ModelContractError

CONTRACT_TIMEOUT_S: Final = 10.0
TRIAL_TIMEOUT_S: Final = 60.0
"""Generous: the first run of a graph includes its optimisation."""

REQUIRED_SIGNATURES: Final = (Signature.GREEDY, Signature.SCORE, Signature.CONTRACT)
"""What a model that is no classifier must offer."""


async def load_version(
    predictor: Predictor, key: VersionKey, known: LoadedVersion | None = None
) -> LoadedVersion:
    """Reads and tries a version.

    The trial runs every signature with every set of outputs once on a source of one token. So a
    version that does not keep its contract is found before callers meet it, and the server has
    prepared each graph by the time they come.

    Args:
        predictor: Asks one model server.
        key: Which version.
        known: The same version as read from another model server.

    Raises:
        ModelContractError: The version does not fit, or is another one than is known; asking
            again will not help.
        ServiceError: The model server could not be asked; asking again may help.
    """
    loaded = await _read_version(predictor, key, known)
    await try_version(predictor, loaded)
    return loaded


async def _read_version(
    predictor: Predictor, key: VersionKey, known: LoadedVersion | None
) -> LoadedVersion:
    target = PredictTarget(key, Signature.CONTRACT, tuple(OUTPUT_FORMS[Signature.CONTRACT]))
    inputs = {"request": np.zeros(1, np.int32)}
    outputs = await predictor.predict(target, inputs, timeout_s=CONTRACT_TIMEOUT_S)
    check_outputs(target, outputs, 1)
    fingerprint = _fingerprint(outputs)
    if known is not None:
        check_same(known, fingerprint)
        return known
    try:
        contract = Contract.from_json(outputs["contract"][0])
        _check_signatures(contract)
        return LoadedVersion(
            key=key,
            contract=contract,
            source_tokenizer_if_any=_read_tokenizer(outputs, "source", contract.source_tokenizer),
            target_tokenizer_if_any=_read_tokenizer(outputs, "target", contract.target_tokenizer),
            fingerprint=fingerprint,
        )
    except (ContractError, TokenizerError) as error:
        raise ModelContractError(
            str(error), {"model": key.name, "version": str(key.version)}
        ) from error


def check_same(known: LoadedVersion, fingerprint: str) -> None:
    """Checks that a version is the same one as on other model servers.

    Raises:
        ModelContractError: It is not.
    """
    if fingerprint != known.fingerprint:
        raise ModelContractError(
            "its contract and tokenizers are not those of the same version on another model "
            f"server (SHA-256 {fingerprint[:12]}…, there {known.fingerprint[:12]}…)",
            {"model": known.key.name, "version": str(known.key.version)},
        )


def _fingerprint(outputs: Mapping[str, Array]) -> str:
    digest = hashlib.sha256()
    for name in OUTPUT_FORMS[Signature.CONTRACT]:
        content = bytes(outputs[name][0])
        digest.update(len(content).to_bytes(8, "big") + content)
    return digest.hexdigest()


def _check_signatures(contract: Contract) -> None:
    required = CLASSIFIER_SIGNATURES if contract.is_classifier else REQUIRED_SIGNATURES
    missing = [name.value for name in required if name not in contract.signatures]
    if missing:
        raise ContractError(f"the contract lacks the signatures {', '.join(missing)}")


def _read_tokenizer(
    outputs: Mapping[str, Array], side: str, expected: TokenizerInfo | None
) -> Tokenizer | None:
    """A side's tokenizer; None where the contract has none: of pictures, and of labels."""
    if expected is None:
        return None
    tokenizer = Tokenizer(outputs[f"{side}_tokenizer"][0])
    if tokenizer.sha256 != expected.sha256:
        raise TokenizerError(
            f"the {side} tokenizer has SHA-256 {tokenizer.sha256}, the contract says "
            f"{expected.sha256}"
        )
    if tokenizer.vocabulary_size != expected.vocabulary_size:
        raise TokenizerError(
            f"the {side} tokenizer has {tokenizer.vocabulary_size} ids, the contract says "
            f"{expected.vocabulary_size}"
        )
    return tokenizer


async def try_version(predictor: Predictor, loaded: LoadedVersion) -> None:
    """Runs every signature that callers use, with every set of outputs, on one token.

    Raises:
        ModelContractError: An answer breaks the contract.
        ServiceError: The model server could not be asked.
    """
    for signature, level in _TRIALS:
        if signature not in loaded.contract.signatures:
            continue
        if signature is Signature.CLASSIFY:
            target = classify_target(loaded.key, loaded.contract, level)
        else:
            target = PredictTarget(loaded.key, signature, output_names(signature, level))
        inputs = _trial_inputs(signature, loaded.contract)
        outputs = await predictor.predict(target, inputs, timeout_s=TRIAL_TIMEOUT_S)
        check_outputs(target, outputs, 1)
        _check_finite(target, outputs)


def _check_finite(target: PredictTarget, outputs: Mapping[str, Array]) -> None:
    for name in target.outputs:
        if outputs[name].dtype.kind == "f" and not np.isfinite(outputs[name]).all():
            raise ModelAnswerError(
                f"output {name!r} of signature {target.signature.value!r} holds NaN or infinity",
                {"model": target.model.name, "version": str(target.model.version)},
            )


_TRIALS: Final = (
    *itertools.product(
        (Signature.GREEDY, Signature.BEAM, Signature.SAMPLE),
        (AttentionLevel.NONE, AttentionLevel.PIECES),
    ),
    *itertools.product((Signature.SCORE, Signature.CLASSIFY), AttentionLevel),
)


def _trial_source(contract: Contract) -> dict[str, Array]:
    """One token, or a picture of one column."""
    image, one = contract.image, np.ones(1, np.int32)
    if image is None:
        return {"tokens": np.full((1, 1), SPECIAL_IDS.unknown, np.int32), "lengths": one}
    column = np.zeros((1, 1, image.height, image.channel_count), np.uint8)
    return {IMAGES_INPUT: column, WIDTHS_INPUT: one}


def _trial_inputs(signature: Signature, contract: Contract) -> dict[str, Array]:
    one = np.ones(1, np.int32)
    source = _trial_source(contract)
    if signature is Signature.SCORE:
        end = np.full((1, 1), SPECIAL_IDS.end, np.int32)
        return {**source, "target_tokens": end, "target_lengths": one}
    if signature is Signature.CLASSIFY:
        ids = {"sentence_ids": np.zeros((1, 1), np.int32)}
        return {**source, **(ids if contract.sentences is not None else {})}
    nothing, number = np.zeros(1, np.int32), np.ones(1, np.float32)
    limits: dict[str, Array] = {
        **source,
        "max_lengths": one,
        "min_lengths": nothing,
        "prefix_tokens": np.zeros((1, 0), np.int32),
        "prefix_lengths": nothing,
    }
    if signature is Signature.BEAM:
        penalties = {"length_penalty": number, "coverage_penalty": number}
        return {**limits, **penalties, "beam_width": one, "no_repeat_ngram": one}
    if signature is Signature.SAMPLE:
        return {**limits, "temperature": number, "top_k": one, "top_p": number, "seed": nothing}
    return limits
