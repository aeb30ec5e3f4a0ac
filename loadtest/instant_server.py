"""A server that answers `Generate` at once with the same bytes: what a load generator can send.

Usage: python -m loadtest.instant_server
"""

from __future__ import annotations

import asyncio
import signal
from typing import Any, Final

import grpc
import grpc.aio

from heed.v1 import inference_pb2

SERVICE: Final = "heed.v1.InferenceService"
READY: Final = "instant server ready at"
_TOKENS: Final = 12


def _answer() -> bytes:
    """An answer as long as that to a short text."""
    response = inference_pb2.GenerateResponse()
    response.model.name, response.model.version = "instant", 1
    result = response.results.add()
    hypothesis = result.hypotheses.add(text="word " * _TOKENS, score=-1.0)
    for index in range(_TOKENS):
        for tokens in (result.source_tokens, hypothesis.tokens):
            tokens.add(text="word", id=index + 4, begin_offset=5 * index, end_offset=5 * index + 4)
    return response.SerializeToString()


async def serve() -> None:
    """Answers until it is told to end."""
    answer = _answer()

    async def generate(request: bytes, context: Any) -> bytes:
        del request, context
        return answer

    handlers: dict[str, Any] = {"Generate": grpc.unary_unary_rpc_method_handler(generate)}
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ended = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ended.set)
    print(f"{READY} 127.0.0.1:{port}", flush=True)
    await ended.wait()
    await server.stop(1.0)


if __name__ == "__main__":
    asyncio.run(serve())
