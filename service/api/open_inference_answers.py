"""Answers as tensors of the Open Inference Protocol. Pure.

Letters: N texts, K hypotheses, T longest output, S longest source. Shorter rows are filled up:
texts and tokens with nothing, scores of hypotheses that there are not with -inf, all else with 0.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

import numpy as np

import heed
from heed.wire.inference import grpc_inference_pb2 as wire
from service.api.open_inference_requests import DEFAULT_OUTPUTS, INPUT, TEXTS_DATATYPE, InferCall
from service.domain.answers import Answer, Hypothesis, TextResult, Token
from service.domain.models import ModelState
from service.domain.signatures import Array

PLATFORM: Final = "heed"
_ANY: Final = -1
_DATATYPES: Final[Mapping[str, str]] = {"text": TEXTS_DATATYPE, "score": "FP32"}
_CONFIG_TYPES: Final = {TEXTS_DATATYPE: wire.TYPE_STRING, "FP32": wire.TYPE_FP32}

Tensor = Callable[[Sequence[TextResult], int], Array]
"""From N results and K to a tensor [N, K, ...]; texts are objects."""


def write_infer(call: InferCall, answer: Answer, request_id: str) -> wire.ModelInferResponse:
    """The answer to ModelInferRequest.

    Args:
        call: What was asked.
        answer: What the model said.
        request_id: The caller's id of the request, which goes back.
    """
    response = wire.ModelInferResponse(
        model_name=answer.model.name, model_version=str(answer.model.version), id=request_id
    )
    most = max(len(result.hypotheses) for result in answer.results)
    for name in call.outputs:
        tensor = _TENSORS[name](answer.results, most if call.has_hypotheses else 1)
        if name != "source_tokens" and not call.has_hypotheses:
            tensor = tensor[:, 0]
        is_text = tensor.dtype == np.object_
        response.outputs.add(
            name=name, datatype=TEXTS_DATATYPE if is_text else "FP32", shape=tensor.shape
        )
        response.raw_output_contents.append(
            _raw_texts(tensor.ravel()) if is_text else tensor.astype("<f4").tobytes()
        )
    return response


def write_metadata(state: ModelState) -> wire.ModelMetadataResponse:
    """The tensors of a model.

    Outputs that have to be asked for are left out: some clients ask for whatever is named here.
    """
    response = wire.ModelMetadataResponse(
        name=state.name, versions=map(str, state.version_numbers), platform=PLATFORM
    )
    response.inputs.add(name=INPUT, datatype=TEXTS_DATATYPE, shape=[_ANY])
    for name in DEFAULT_OUTPUTS:
        response.outputs.add(name=name, datatype=_DATATYPES[name], shape=[_ANY])
    return response


def write_config(state: ModelState) -> wire.ModelConfigResponse:
    """The same as a configuration of Triton's."""
    config = wire.ModelConfig(name=state.name, platform=PLATFORM, backend=PLATFORM)
    config.input.add(name=INPUT, data_type=wire.TYPE_STRING, dims=[_ANY])
    for name in DEFAULT_OUTPUTS:
        config.output.add(name=name, data_type=_CONFIG_TYPES[_DATATYPES[name]], dims=[_ANY])
    return wire.ModelConfigResponse(config=config)


def write_server_metadata() -> wire.ServerMetadataResponse:
    """What the gateway is."""
    return wire.ServerMetadataResponse(
        name="heed", version=heed.__version__, extensions=["model_configuration"]
    )


def _texts(results: Sequence[TextResult], most: int) -> Array:
    return _per_hypothesis(results, most, lambda hypothesis: hypothesis.text, fill="")


def _scores(results: Sequence[TextResult], most: int) -> Array:
    return _per_hypothesis(results, most, lambda hypothesis: hypothesis.score, fill=-np.inf)


def _per_hypothesis(
    results: Sequence[TextResult], most: int, value: Callable[[Hypothesis], Any], *, fill: Any
) -> Array:
    dtype = object if isinstance(fill, str) else np.float32
    tensor = np.full((len(results), most), fill, dtype)
    for row, result in enumerate(results):
        for place, hypothesis in enumerate(result.hypotheses[:most]):
            tensor[row, place] = value(hypothesis)
    return tensor


def _tokens(results: Sequence[TextResult], most: int) -> Array:
    tensor = np.full((len(results), most, _longest_output(results, most)), "", object)
    for row, place, hypothesis in _hypotheses(results, most):
        tensor[row, place, : len(hypothesis.tokens)] = _token_texts(hypothesis.tokens)
    return tensor


def _token_scores(results: Sequence[TextResult], most: int) -> Array:
    tensor = np.zeros((len(results), most, _longest_output(results, most)), np.float32)
    for row, place, hypothesis in _hypotheses(results, most):
        tensor[row, place, : len(hypothesis.tokens)] = [t.score or 0.0 for t in hypothesis.tokens]
    return tensor


def _source_tokens(results: Sequence[TextResult], most: int) -> Array:
    """[N, S]: no axis of hypotheses."""
    tensor = np.full((len(results), _longest_source(results)), "", object)
    for row, result in enumerate(results):
        tensor[row, : len(result.source_tokens)] = _token_texts(result.source_tokens)
    return tensor


def _attention(results: Sequence[TextResult], most: int) -> Array:
    shape = (len(results), most, _longest_output(results, most), _longest_source(results))
    tensor = np.zeros(shape, np.float32)
    for row, place, hypothesis in _hypotheses(results, most):
        if hypothesis.attention is not None:
            weights = hypothesis.attention.weights
            tensor[row, place, : weights.shape[0], : weights.shape[1]] = weights
    return tensor


def _hypotheses(results: Sequence[TextResult], most: int) -> Iterable[tuple[int, int, Hypothesis]]:
    for row, result in enumerate(results):
        for place, hypothesis in enumerate(result.hypotheses[:most]):
            yield row, place, hypothesis


def _token_texts(tokens: Iterable[Token]) -> list[str]:
    return [token.text for token in tokens]


def _longest_output(results: Sequence[TextResult], most: int) -> int:
    return max(len(hypothesis.tokens) for _, _, hypothesis in _hypotheses(results, most))


def _longest_source(results: Sequence[TextResult]) -> int:
    return max(len(result.source_tokens) for result in results)


_TENSORS: Final[Mapping[str, Tensor]] = {
    "text": _texts,
    "score": _scores,
    "tokens": _tokens,
    "token_scores": _token_scores,
    "source_tokens": _source_tokens,
    "attention": _attention,
}


def _raw_texts(texts: Iterable[str]) -> bytes:
    encoded = [text.encode() for text in texts]
    return b"".join(struct.pack("<I", len(element)) + element for element in encoded)
