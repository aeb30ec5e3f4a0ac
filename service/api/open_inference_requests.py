"""Requests of the Open Inference Protocol into calls. Pure."""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from heed.v1 import inference_pb2
from heed.wire.inference import grpc_inference_pb2 as wire
from service.api.deadlines import deadline_after
from service.api.from_messages import read_generate
from service.domain.models import ModelSelector
from service.domain.requests import GenerateCall
from service.errors import InvalidRequestError
from service.pipeline.field_paths import with_paths
from service.settings.backends import MAX_NAME_CHARACTERS

INPUT: Final = "text"
TEXTS_DATATYPE: Final = "BYTES"
DEFAULT_OUTPUTS: Final = ("text", "score")
ATTENTION_OUTPUT: Final = "attention"
OUTPUTS: Final = (*DEFAULT_OUTPUTS, "tokens", "token_scores", "source_tokens", ATTENTION_OUTPUT)
"""Every output that can be asked for."""

_OPTIONS: Final[Mapping[str, type[Any]]] = {
    "max_length": int,
    "min_length": int,
    "prefix": str,
    "beam_width": int,
    "num_hypotheses": int,
    "length_penalty": float,
    "coverage_penalty": float,
    "no_repeat_ngram_size": int,
    "replace_unknown": bool,
}
_SAMPLING: Final[Mapping[str, type[Any]]] = {
    "temperature": float,
    "top_k": int,
    "top_p": float,
    "seed": int,
    "num_samples": int,
}
_SAMPLE: Final = "sample"
_PRIORITY: Final = "priority"
_TIMEOUT: Final = "timeout"
_PRIORITIES: Final = {
    "interactive": inference_pb2.PRIORITY_INTERACTIVE,
    "bulk": inference_pb2.PRIORITY_BULK,
}
_KINDS: Final[Mapping[type[Any], str]] = {
    bool: "true or false",
    str: "a text",
    int: "an integer of 32 bits",
    float: "a number",
}
_KNOWN: Final = (*_OPTIONS, *_SAMPLING, _SAMPLE, _PRIORITY, _TIMEOUT)
_CLIENTS_OWN: Final = "triton_"
"""Begins the parameters that Triton's clients add by themselves. They are about models whose calls
have several answers, which no model here is."""
_LARGEST_NUMBER: Final = 2**31 - 1


@dataclass(frozen=True, slots=True)
class InferCall:
    """A request of the protocol, understood.

    Attributes:
        generate: What is asked of the model.
        outputs: The tensors that are to come back.
        has_hypotheses: Whether the tensors have an axis of hypotheses: several were asked for.
    """

    generate: GenerateCall
    outputs: tuple[str, ...]
    has_hypotheses: bool


def read_infer(message: wire.ModelInferRequest, remaining_s: float | None) -> InferCall:
    """The call.

    Args:
        message: The request.
        remaining_s: How long the caller still waits, in seconds; None if it did not say.

    Raises:
        InvalidRequestError: A tensor or a parameter is not as it must be.
    """
    outputs = _read_outputs(message)
    options = _read_options(message.parameters)
    if ATTENTION_OUTPUT in outputs:
        options.attention = inference_pb2.ATTENTION_LEVEL_PIECES
    selector = read_model(message.model_name, message.model_version)
    request = inference_pb2.GenerateRequest(
        texts=_read_texts(message), options=options, priority=_read_priority(message.parameters)
    )
    request.model.name = selector.name
    if selector.version is not None:
        request.model.version = selector.version
    try:
        call = read_generate(request, deadline_after(_time_left_s(message, remaining_s)))
    except InvalidRequestError as error:
        raise renamed(error) from error
    several = max(options.num_hypotheses, options.sampling.num_samples) > 1
    return InferCall(call, outputs, several)


def read_model(name: str, version: str) -> ModelSelector:
    """The model asked for.

    Raises:
        InvalidRequestError: The name is too long, or the version no number.
    """
    if len(name) > MAX_NAME_CHARACTERS:
        raise InvalidRequestError.of(
            "model_name", f"must have at most {MAX_NAME_CHARACTERS} characters, got {len(name)}"
        )
    if not version:
        return ModelSelector(name)
    if not (version.isascii() and version.isdecimal() and len(version) < 19 and int(version) > 0):
        raise InvalidRequestError.of("model_version", "must be empty, or a number of 1 or more")
    return ModelSelector(name, int(version))


def renamed(error: InvalidRequestError) -> InvalidRequestError:
    """The error under the protocol's names."""
    options = {f"options.{name}": _parameter(name) for name in _OPTIONS}
    sampling = {f"options.sampling.{name}": _parameter(name) for name in _SAMPLING}
    others = {
        "options.sampling": _parameter(_SAMPLE),
        "texts": f'inputs["{INPUT}"]',
        "model.name": "model_name",
        "model.version": "model_version",
    }
    return with_paths(error, {**options, **sampling, **others})


def _read_outputs(message: wire.ModelInferRequest) -> tuple[str, ...]:
    for output in message.outputs:
        if output.name not in OUTPUTS:
            raise InvalidRequestError.of(
                "outputs", f"must be some of {', '.join(OUTPUTS)}; got {output.name[:64]!r}"
            )
        for name in output.parameters:
            raise InvalidRequestError.of(
                f'outputs["{output.name}"].parameters', f"{name[:64]!r} is not offered here"
            )
    return tuple(dict.fromkeys(output.name for output in message.outputs)) or DEFAULT_OUTPUTS


def _read_options(
    parameters: Mapping[str, wire.InferParameter],
) -> inference_pb2.GenerateOptions:
    options = inference_pb2.GenerateOptions()
    for name, parameter in parameters.items():
        if name in _OPTIONS:
            setattr(options, name, _read_value(name, parameter, _OPTIONS[name]))
        elif name in _SAMPLING:
            setattr(options.sampling, name, _read_value(name, parameter, _SAMPLING[name]))
        elif name == _SAMPLE:
            if _read_value(name, parameter, bool):
                options.sampling.SetInParent()
        elif name not in _KNOWN and not name.startswith(_CLIENTS_OWN):
            raise InvalidRequestError.of(
                "parameters", f"must be some of {', '.join(_KNOWN)}; got {name[:64]!r}"
            )
    return options


def _read_priority(parameters: Mapping[str, wire.InferParameter]) -> inference_pb2.Priority:
    if _PRIORITY not in parameters:
        return inference_pb2.PRIORITY_UNSPECIFIED
    value = _read_value(_PRIORITY, parameters[_PRIORITY], str)
    if value not in _PRIORITIES:
        choices = " or ".join(f'"{choice}"' for choice in _PRIORITIES)
        raise InvalidRequestError.of(_parameter(_PRIORITY), f"must be {choices}")
    return _PRIORITIES[value]


def _time_left_s(message: wire.ModelInferRequest, remaining_s: float | None) -> float | None:
    """The shorter of gRPC's time and the protocol's own, which counts in microseconds."""
    if _TIMEOUT not in message.parameters:
        return remaining_s
    microseconds: int = _read_value(_TIMEOUT, message.parameters[_TIMEOUT], int)
    if microseconds < 1:
        raise InvalidRequestError.of(_parameter(_TIMEOUT), "must be 1 microsecond or more")
    timeout_s = microseconds / 1e6
    return timeout_s if remaining_s is None else min(timeout_s, remaining_s)


def _read_value(name: str, parameter: wire.InferParameter, kind: type[Any]) -> Any:
    """The value; numbers may come as text, since some clients send nothing else."""
    choice = parameter.WhichOneof("parameter_choice")
    value = getattr(parameter, choice) if choice else None
    if kind in (bool, str):
        if isinstance(value, kind):
            return value
    elif isinstance(value, str | int | float) and not isinstance(value, bool):
        number = _number(value, kind)
        if number is not None:
            return number
    raise InvalidRequestError.of(_parameter(name), f"must be {_KINDS[kind]}")


def _number(value: str | float, kind: type[Any]) -> float | None:
    """The number; None if there is none of this kind, or it does not fit any option."""
    try:
        number: float = kind(value)
    except (ValueError, OverflowError):
        return None
    is_whole = not isinstance(value, float) or kind is float or number == value
    return number if is_whole and abs(number) <= _LARGEST_NUMBER else None


def _read_texts(message: wire.ModelInferRequest) -> list[str]:
    names = [tensor.name for tensor in message.inputs]
    if names != [INPUT]:
        shown = ", ".join(name[:64] for name in names[:4]) or "none"
        raise InvalidRequestError.of("inputs", f'must be one tensor, "{INPUT}"; got {shown}')
    (tensor,) = message.inputs
    path = f'inputs["{INPUT}"]'
    if tensor.datatype != TEXTS_DATATYPE:
        raise InvalidRequestError.of(
            f"{path}.datatype", f"must be {TEXTS_DATATYPE}, got {tensor.datatype[:64]!r}"
        )
    for name in tensor.parameters:
        raise InvalidRequestError.of(f"{path}.parameters", f"{name[:64]!r} is not offered here")
    elements = _read_elements(message, tensor)
    _check_shape(path, tensor.shape, len(elements))
    return [_decoded(path, index, element) for index, element in enumerate(elements)]


def _read_elements(
    message: wire.ModelInferRequest, tensor: wire.ModelInferRequest.InferInputTensor
) -> Sequence[bytes]:
    if not message.raw_input_contents:
        return tensor.contents.bytes_contents
    if len(message.raw_input_contents) != 1 or tensor.contents.bytes_contents:
        raise InvalidRequestError.of(
            "raw_input_contents", "must hold the one input, which then has no other contents"
        )
    return list(_raw_elements(message.raw_input_contents[0]))


def _raw_elements(raw: bytes) -> Iterator[bytes]:
    """Elements one after another, each behind its length in 4 bytes, the lowest first."""
    position = 0
    while position < len(raw):
        begin = position + 4
        length = struct.unpack_from("<I", raw, position)[0] if begin <= len(raw) else len(raw)
        position = begin + length
        if position > len(raw):
            raise InvalidRequestError.of(
                "raw_input_contents", "ends within an element: each needs its length before it"
            )
        yield raw[begin:position]


def _check_shape(path: str, shape: Sequence[int], count: int) -> None:
    if list(shape) not in ([count], [count, 1]):
        shown = [int(size) for size in shape[:4]]
        raise InvalidRequestError.of(
            f"{path}.shape", f"must be [N] or [N, 1] for N texts; got {shown} for {count}"
        )


def _decoded(path: str, index: int, element: bytes) -> str:
    try:
        return element.decode()
    except UnicodeDecodeError as error:
        raise InvalidRequestError.of(
            f"{path}[{index}]", f"must be valid UTF-8: {error.reason} at byte {error.start}"
        ) from error


def _parameter(name: str) -> str:
    return f'parameters["{name}"]'
