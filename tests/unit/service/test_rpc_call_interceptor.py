from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from types import SimpleNamespace
from typing import Any

import grpc
import grpc.aio
import pytest

from heed.v1 import inference_pb2_grpc  # noqa: F401  (the methods, by their names)
from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.entrance import Entrance
from service.errors import DrainingError
from service.metrics import Metrics
from service.rpc.call_interceptor import CallInterceptor


class LeftContext:
    """A call whose caller has left, before gRPC came to cancel it: nothing can be sent."""

    def invocation_metadata(self) -> None:
        return None

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    def set_trailing_metadata(self, metadata: object) -> None:
        return None

    async def write(self, response: object) -> None:
        raise grpc.aio.InternalError

    async def abort(self, *args: object, **kwargs: object) -> None:
        raise grpc.aio.InternalError


async def refuse(request: object, context: object) -> None:
    raise DrainingError


async def stream(request: object, context: object) -> AsyncGenerator[str]:
    yield "a message"


@pytest.mark.parametrize(
    ("method", "handler"),
    [
        ("Generate", grpc.unary_unary_rpc_method_handler(refuse)),
        ("StreamGenerate", grpc.unary_stream_rpc_method_handler(stream)),
    ],
)
async def test_a_caller_who_left_before_the_answer_is_no_fault(
    method: str, handler: Any, caplog: pytest.LogCaptureFixture
) -> None:
    metrics = Metrics()
    interceptor = CallInterceptor(Entrance(CallGate(), metrics, log=CallLog(metrics)))
    details: Any = SimpleNamespace(method=f"/heed.v1.InferenceService/{method}")
    wrapped: Any = await interceptor.intercept_service(
        lambda _: asyncio.sleep(0, handler),
        details,
    )
    with pytest.raises(asyncio.CancelledError):
        await (wrapped.unary_unary or wrapped.unary_stream)(None, LeftContext())
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    counted = metrics.exposition()[0].decode()
    assert 'code="INTERNAL"' not in counted
    assert 'code="UNKNOWN"' not in counted
