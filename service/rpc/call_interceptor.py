"""What every call of Heed's own services goes through: request id, decoding, errors, log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio
from google.protobuf import descriptor_pool

from service.api.entrance import REQUEST_ID_KEY, Arrival, Entrance, Protocol, request_id_of
from service.api.error_table import to_wire
from service.call_record import note_chunk, note_request
from service.errors import InvalidRequestError
from service.rpc.request_decoding import RequestDecoder, UndecodableRequest, make_decoder

_OWN_PREFIXES: Final = ("/heed.", "/inference.")
_OPEN_METHODS: Final = frozenset(
    {
        "/inference.GRPCInferenceService/ServerLive",
        "/inference.GRPCInferenceService/ServerReady",
    }
)
"""What load balancers ask, as they ask for health: without a key, also while the gateway ends."""

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Awaitable[Any]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of Heed's services; health and reflection pass untouched.

    Every call gets an id, the caller's own `x-request-id` if it sent one, which is sent back in
    the trailer and stands in every log line. Errors go through the one table. Cancellation passes.

    Args:
        entrance: Lets calls in.
    """

    def __init__(self, entrance: Entrance) -> None:
        self._entrance = entrance
        self._handlers: dict[str, Handler] = {}

    async def intercept_service(
        self,
        continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Handler | None]],
        handler_call_details: grpc.HandlerCallDetails,
    ) -> Handler | None:
        """Gives gRPC the wrapped handler of a method."""
        method = str(handler_call_details.method)
        known = self._handlers.get(method)
        if known is not None:
            return known
        handler = await continuation(handler_call_details)
        if handler is None or not method.startswith(_OWN_PREFIXES) or method in _OPEN_METHODS:
            return handler
        wrapped = _wrapped(handler, method, self._entrance)
        self._handlers[method] = wrapped
        return wrapped


def _wrapped(handler: Handler, method: str, entrance: Entrance) -> Handler:
    """The handler with everything around it that every call goes through."""
    codecs: dict[str, Any] = {
        "request_deserializer": _decoder_of(method),
        "response_serializer": handler.response_serializer,
    }
    if handler.unary_unary is not None:
        behaviour = _answering(handler.unary_unary, method, entrance)
        return grpc.unary_unary_rpc_method_handler(behaviour, **codecs)
    if handler.unary_stream is not None:
        behaviour = _streaming(handler.unary_stream, method, entrance, decoded=_decoded)
        return grpc.unary_stream_rpc_method_handler(behaviour, **codecs)
    behaviour = _streaming(handler.stream_stream, method, entrance, decoded=_all_decoded)
    return grpc.stream_stream_rpc_method_handler(behaviour, **codecs)


def _decoder_of(method: str) -> RequestDecoder:
    service, _, name = method.lstrip("/").rpartition("/")
    pool: Any = descriptor_pool.Default()  # type: ignore[no-untyped-call]
    service_type = pool.FindServiceByName(service)
    return make_decoder(service_type.methods_by_name[name].input_type)


def _answering(behaviour: Any, method: str, entrance: Entrance) -> Behaviour:
    async def call(request: Any, context: Context) -> Any:
        arrival = _arrival_of(context, method)
        context.set_trailing_metadata(((REQUEST_ID_KEY, arrival.request_id),))
        try:
            with entrance.admit(arrival):
                return await behaviour(_decoded(request), context)
        except Exception as error:  # noqa: BLE001  (the border: whatever it is becomes a status)
            await _abort(context, error, arrival.request_id)

    return call


def _streaming(
    behaviour: Any, method: str, entrance: Entrance, *, decoded: Callable[[Any], Any]
) -> Behaviour:
    """Writes what an asynchronous generator yields, and closes it whatever happens.

    A write waits while the caller does not read.
    """

    async def call(request: Any, context: Context) -> None:
        arrival = _arrival_of(context, method, is_stream=True)
        context.set_trailing_metadata(((REQUEST_ID_KEY, arrival.request_id),))
        try:
            with entrance.admit(arrival):
                async with aclosing(behaviour(decoded(request), context)) as responses:
                    async for response in responses:
                        with _cancelled_if_left():
                            await context.write(response)
                        note_chunk()
        except Exception as error:  # noqa: BLE001  (the border: whatever it is becomes a status)
            await _abort(context, error, arrival.request_id)

    return call


def _decoded(request: Any) -> Any:
    """The request.

    Raises:
        InvalidRequestError: Its bytes are none.
    """
    if isinstance(request, UndecodableRequest):
        raise InvalidRequestError(request.violations)
    note_request(request)
    return request


async def _all_decoded(requests: AsyncIterable[Any]) -> AsyncIterator[Any]:
    async for request in requests:
        yield _decoded(request)


def _arrival_of(context: Context, method: str, *, is_stream: bool = False) -> Arrival:
    pairs = context.invocation_metadata() or ()
    metadata = {str(key): value for key, value in pairs if isinstance(value, str)}
    return Arrival(
        protocol=Protocol.GRPC,
        method=method.rpartition("/")[2],
        request_id=request_id_of(metadata),
        metadata=metadata,
        is_stream=is_stream,
        peer=context.peer(),
    )


async def _abort(context: Context, error: Exception, call_id: str) -> None:
    wire = to_wire(error, call_id)
    trailer = ((REQUEST_ID_KEY, call_id), ("grpc-status-details-bin", wire.details))
    with _cancelled_if_left():
        await context.abort(wire.code, wire.message, trailing_metadata=trailer)


@contextmanager
def _cancelled_if_left() -> Iterator[None]:
    """Around what is sent to a caller, who may leave just before gRPC cancels the call.

    Raises:
        CancelledError: The caller left.
    """
    try:
        yield
    except grpc.aio.InternalError as error:
        raise asyncio.CancelledError from error
