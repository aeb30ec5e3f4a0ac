"""The methods that HTTP offers: where each is found, what it takes, and how it is answered.

The rule of the paths: a method that works is POST /v1/ and its name in lowerCamelCase, with its
request as the body; one that reads has a path that names what is read, as Google's APIs have them.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from heed.v1 import inference_pb2
from service.api.caption_messages import read_caption, write_caption
from service.api.classify_messages import read_classify, write_classify
from service.api.from_messages import read_generate, read_score, read_selector
from service.api.stream_messages import read_stream_generate, write_stream_event
from service.api.to_messages import write_generate, write_model, write_models, write_score
from service.api.tokenize_messages import read_tokenize, write_tokenize
from service.pipeline.inference import InferencePipeline

Answer = Callable[[InferencePipeline, Any, float | None], Coroutine[Any, Any, Message]]
Stream = Callable[[InferencePipeline, Any, float | None], AsyncGenerator[Message]]


@dataclass(frozen=True, slots=True)
class Path:
    """A path, and the fields of the request that stand in it.

    Attributes:
        template: The path with parameters in braces.
        fields: The path of the request's field for each parameter.
    """

    template: str
    fields: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class HttpMethod:
    """A method of heed.v1.InferenceService over HTTP.

    Attributes:
        name: Its name in the proto.
        verb: GET or POST; with POST the body is the request.
        paths: Where it is found.
        answer: Converts, calls the pipeline, converts back; takes the request and its deadline.
        stream: The same for a method that answers with any number of messages.
    """

    name: str
    verb: str
    paths: tuple[Path, ...]
    answer: Answer | None = None
    stream: Stream | None = None


async def _generate(
    pipeline: InferencePipeline, request: inference_pb2.GenerateRequest, deadline: float | None
) -> Message:
    return write_generate(await pipeline.generate(read_generate(request, deadline)))


async def _stream_generate(
    pipeline: InferencePipeline,
    request: inference_pb2.StreamGenerateRequest,
    deadline: float | None,
) -> AsyncGenerator[Message]:
    call = read_stream_generate(request, deadline)
    async with aclosing(pipeline.stream_generate(call)) as events:
        async for event in events:
            yield write_stream_event(event)


async def _score(
    pipeline: InferencePipeline, request: inference_pb2.ScoreRequest, deadline: float | None
) -> Message:
    return write_score(await pipeline.score(read_score(request, deadline)))


async def _classify(
    pipeline: InferencePipeline, request: inference_pb2.ClassifyRequest, deadline: float | None
) -> Message:
    return write_classify(await pipeline.classify(read_classify(request, deadline)))


async def _caption(
    pipeline: InferencePipeline, request: inference_pb2.CaptionRequest, deadline: float | None
) -> Message:
    return write_caption(await pipeline.caption(read_caption(request, deadline)))


async def _tokenize(
    pipeline: InferencePipeline, request: inference_pb2.TokenizeRequest, deadline: float | None
) -> Message:
    return write_tokenize(await pipeline.tokenize(read_tokenize(request)))


async def _list_models(
    pipeline: InferencePipeline, request: inference_pb2.ListModelsRequest, deadline: float | None
) -> Message:
    return write_models(pipeline.list_models())


async def _get_model(
    pipeline: InferencePipeline, request: inference_pb2.GetModelRequest, deadline: float | None
) -> Message:
    return write_model(*pipeline.get_model(read_selector(request.model)))


def _posted(name: str, answer: Answer | None = None, *, stream: Stream | None = None) -> HttpMethod:
    path = Path(f"/v1/{name[0].lower()}{name[1:]}")
    return HttpMethod(name, "POST", (path,), answer, stream)


METHODS: Final = (
    _posted("Generate", _generate),
    _posted("StreamGenerate", stream=_stream_generate),
    _posted("Score", _score),
    _posted("Classify", _classify),
    _posted("Caption", _caption),
    _posted("Tokenize", _tokenize),
    HttpMethod("ListModels", "GET", (Path("/v1/models"),), _list_models),
    HttpMethod(
        "GetModel",
        "GET",
        (
            Path("/v1/models/{name}", (("name", "model.name"),)),
            Path(
                "/v1/models/{name}/versions/{version}",
                (("name", "model.name"), ("version", "model.version")),
            ),
            Path(
                "/v1/models/{name}/labels/{label}",
                (("name", "model.name"), ("label", "model.label")),
            ),
        ),
        _get_model,
    ),
)
"""Every method that HTTP offers."""
