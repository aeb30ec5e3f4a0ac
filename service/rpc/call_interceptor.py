"""What every call of Heed's own services goes through: request id, decoding, errors, log."""

from __future__ import annotations

import logging
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import grpc
import grpc.aio
from google.protobuf import descriptor_pool

from service.api.call_gate import CallGate
from service.api.error_table import to_wire
from service.errors import InvalidRequestError, ServiceError
from service.logs import request_id
from service.rpc.request_decoding import RequestDecoder, UndecodableRequest, make_decoder

logger = logging.getLogger(__name__)

REQUEST_ID_KEY: Final = "x-request-id"
_REQUEST_ID: Final = re.compile(r"[\w.:-]{1,64}")
_OWN_PREFIX: Final = "/heed."

Context = grpc.aio.ServicerContext[Any, Any]
Behaviour = Callable[[Any, Context], Awaitable[Any]]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"


class CallInterceptor(grpc.aio.ServerInterceptor):
    """Wraps the handlers of Heed's services; health and reflection pass untouched.

    Every call gets an id, the caller's own `x-request-id` if it sent one, which is sent back in
    the trailer and stands in every log line. Errors go through the one table. Cancellation passes.

    Args:
        gate: Lets calls in.
    """

    def __init__(self, gate: CallGate) -> None:
        self._gate = gate
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
        if handler is None or handler.unary_unary is None or not method.startswith(_OWN_PREFIX):
            return handler
        wrapped = grpc.unary_unary_rpc_method_handler(
            _wrap(handler.unary_unary, method, self._gate),
            request_deserializer=_decoder_of(method),
            response_serializer=handler.response_serializer,
        )
        self._handlers[method] = wrapped
        return wrapped


def _decoder_of(method: str) -> RequestDecoder:
    service, _, name = method.lstrip("/").rpartition("/")
    pool: Any = descriptor_pool.Default()  # type: ignore[no-untyped-call]
    service_type = pool.FindServiceByName(service)
    return make_decoder(service_type.methods_by_name[name].input_type)


def _wrap(behaviour: Any, method: str, gate: CallGate) -> Behaviour:
    async def call(request: Any, context: Context) -> Any:
        call_id = _request_id_of(context)
        request_id.set(call_id)
        context.set_trailing_metadata(((REQUEST_ID_KEY, call_id),))
        began = time.perf_counter()
        try:
            if isinstance(request, UndecodableRequest):
                raise InvalidRequestError(request.violations)
            with gate.pass_through():
                response = await behaviour(request, context)
        except Exception as error:  # noqa: BLE001  (the border: whatever it is becomes a status)
            _log_failure(method, error, time.perf_counter() - began)
            await _abort(context, error, call_id)
        else:
            logger.debug("%s answered in %.1f ms", method, (time.perf_counter() - began) * 1e3)
            return response

    return call


async def _abort(context: Context, error: Exception, call_id: str) -> None:
    wire = to_wire(error, call_id)
    trailer = ((REQUEST_ID_KEY, call_id), ("grpc-status-details-bin", wire.details))
    await context.abort(wire.code, wire.message, trailing_metadata=trailer)


def _log_failure(method: str, error: Exception, seconds: float) -> None:
    is_known = isinstance(error, ServiceError)
    reason = error.reason if isinstance(error, ServiceError) else "UNKNOWN"
    is_fault = not is_known or to_wire(error, "").code is grpc.StatusCode.INTERNAL
    logger.log(
        logging.ERROR if is_fault else logging.INFO,
        "%s failed after %.1f ms with %s",
        method,
        seconds * 1e3,
        reason,
        exc_info=error if is_fault else None,
    )


def _request_id_of(context: Context) -> str:
    for key, value in context.invocation_metadata() or ():
        if key == REQUEST_ID_KEY and isinstance(value, str) and _REQUEST_ID.fullmatch(value):
            return value
    return uuid.uuid4().hex
