"""Predict: the checks in TensorFlow Serving's order, the run, and the answer in its encoding."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from model_server.engine.encoding import encode_tensor
from model_server.engine.tensor import NativeTensor, Tensor
from model_server.engine.wire import bytes_field
from model_server.messages import model_pb2
from model_server.servables.servable import DEFAULT_SIGNATURE, Servable, Signature
from model_server.status import Code, StatusError

_OUTPUTS_FIELD, _MODEL_SPEC_FIELD = 1, 2
_ENTRY_KEY_FIELD, _ENTRY_VALUE_FIELD = 1, 2


@dataclass(frozen=True)
class Prediction:
    """The outputs of one run.

    Attributes:
        signature_name: The signature that ran.
        outputs: Alias to tensor, for the outputs that were asked for.
        run_s: How long the session took, in seconds; the wait for a batch counts.
    """

    signature_name: str
    outputs: Mapping[str, Tensor]
    run_s: float


def run_prediction(servable: Servable, request: Any, *, timeout_ms: int | None) -> Prediction:
    """Runs a `PredictRequest` on one version.

    Args:
        servable: The version; the request's own name, version and label are not looked at.
        request: The request.
        timeout_ms: Stop the run after this long, 1 or more; None: never.

    Raises:
        StatusError: As TensorFlow Serving would answer.
    """
    key = request.model_spec.signature_name
    signature = servable.signature(key)
    feeds = _feeds(signature, request.inputs)
    aliases = _output_aliases(signature, request.output_filter)
    fetches = [signature.outputs[alias] for alias in aliases]
    began = time.perf_counter()
    tensors = servable.session.run(feeds, fetches, timeout_ms=timeout_ms)
    run_s = time.perf_counter() - began
    return Prediction(key or DEFAULT_SIGNATURE, dict(zip(aliases, tensors, strict=True)), run_s)


def encode_response(servable: Servable, prediction: Prediction, *, as_content: bool) -> bytes:
    """The serialised `PredictResponse`. The version that ran is always named, a label never."""
    parts = []
    for alias, tensor in prediction.outputs.items():
        entry = bytes_field(_ENTRY_KEY_FIELD, alias.encode()) + bytes_field(
            _ENTRY_VALUE_FIELD, encode_tensor(tensor, as_content=as_content)
        )
        parts.append(bytes_field(_OUTPUTS_FIELD, entry))
    spec = model_spec(servable, prediction.signature_name)
    parts.append(bytes_field(_MODEL_SPEC_FIELD, spec.SerializeToString()))
    return b"".join(parts)


def model_spec(servable: Servable, signature_name: str = "") -> Any:
    """The `ModelSpec` that an answer carries."""
    spec = model_pb2.ModelSpec(name=servable.servable_id.name, signature_name=signature_name)
    spec.version.value = servable.servable_id.version
    return spec


def _feeds(signature: Signature, sent: Mapping[str, Any]) -> dict[str, NativeTensor]:
    _check_count(signature, sent)
    feeds = {
        tensor_name: _input(signature, sent, alias=alias)
        for alias, tensor_name in signature.inputs.items()
    }
    used = [alias for alias in signature.inputs if alias in sent]
    if len(used) != len(sent):
        raise StatusError(
            Code.INVALID_ARGUMENT,
            f"Inputs contains invalid name. Used request inputs: {_listed(used)}, "
            f"request input: {_listed(sent)}",
        )
    return feeds


def _check_count(signature: Signature, sent: Mapping[str, Any]) -> None:
    """Too many inputs are always refused; too few only when no input has a default value."""
    wanted = signature.inputs
    if len(sent) == len(wanted) or (len(sent) < len(wanted) and signature.defaults):
        return
    raise StatusError(
        Code.INVALID_ARGUMENT,
        f"input size does not match signature: {len(sent)}!={len(wanted)} "
        f"len({{{_listed(sent)}}}) != len({{{_listed(wanted)}}}). "
        f"Sent extra: {{{_listed(set(sent) - set(wanted))}}}. "
        f"Missing but required: {{{_listed(set(wanted) - set(sent))}}}.",
    )


def _input(signature: Signature, sent: Mapping[str, Any], *, alias: str) -> NativeTensor:
    try:
        if alias in sent:
            return _decode(sent[alias])
        if alias in signature.defaults:
            return NativeTensor.from_proto(signature.defaults[alias])
    except StatusError as error:
        message = f"tensor parsing error: {alias}"
        raise StatusError(Code.INVALID_ARGUMENT, message) from error
    raise StatusError(
        Code.INVALID_ARGUMENT,
        f"Signature input alias: {alias}(feed name: {signature.inputs[alias]}) not found in "
        "request and no default value provided. Inputs expected to be in the request "
        f"{{{_listed(sent)}}}, or default input alias set: {_listed(signature.defaults)}",
    )


def _decode(proto: Any) -> NativeTensor:
    sizes = [dim.size for dim in proto.tensor_shape.dim]
    return NativeTensor.from_proto(proto.SerializeToString(), dtype=proto.dtype, sizes=sizes)


def _output_aliases(signature: Signature, output_filter: Sequence[str]) -> list[str]:
    """The outputs to return, sorted, so that their order makes no new executor in the session."""
    if not output_filter:
        return list(signature.outputs)
    chosen: set[str] = set()
    for alias in output_filter:
        if alias not in signature.outputs:
            raise StatusError(
                Code.INVALID_ARGUMENT,
                f"output tensor alias not found in signature: {alias} "
                f"Outputs expected to be in the set {{{_listed(signature.outputs)}}}.",
            )
        if alias in chosen:
            raise StatusError(Code.INVALID_ARGUMENT, f"duplicate output tensor alias: {alias}")
        chosen.add(alias)
    return sorted(chosen)


def _listed(names: Iterable[str]) -> str:
    return ",".join(sorted(names))
