"""What every method shares: the limit on calls at once, and errors as gRPC statuses."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import grpc

from model_server.status import Code, StatusError, truncated

_GRPC_CODES = {code.value[0]: code for code in grpc.StatusCode}
_LONGEST_DEADLINE_S = (2**31 - 1) / 1000
logger = logging.getLogger(__name__)

Method = Callable[[Any, grpc.ServicerContext], Any]


class CallLimit:
    """Refuses calls beyond a number at once, as TensorFlow Serving's thread quota does.

    Args:
        max_calls: How many calls may run at once, 1 or more.
    """

    def __init__(self, max_calls: int) -> None:
        self._free = threading.BoundedSemaphore(max_calls)

    def answering(self, method: Method) -> Method:
        """The method as gRPC calls it: limited, and with its failures turned into statuses."""

        def answer(request: Any, context: grpc.ServicerContext) -> Any:
            if not self._free.acquire(blocking=False):
                _abort(context, Code.RESOURCE_EXHAUSTED, "Server Threadpool Exhausted")
            try:
                return method(request, context)
            except StatusError as error:
                _abort(context, error.code, error.message)
            except Exception:  # a client must never see what went wrong inside
                logger.exception("A call failed")
                _abort(context, Code.INTERNAL, "internal error of the model server")
            finally:
                self._free.release()

        return answer


def timeout_ms(context: grpc.ServicerContext) -> int | None:
    """How long the call may still take, at least 1 ms; None when it has no deadline.

    Raises:
        StatusError: DEADLINE_EXCEEDED when the deadline has passed.
    """
    remaining_s = context.time_remaining()
    if remaining_s is None or remaining_s > _LONGEST_DEADLINE_S:
        return None
    if remaining_s <= 0:
        raise StatusError(Code.DEADLINE_EXCEEDED, "Timed out waiting for notification")
    return max(1, int(remaining_s * 1000))


def _abort(context: grpc.ServicerContext, code: Code, message: str) -> NoReturn:
    context.abort(_GRPC_CODES[code], truncated(message))
    raise AssertionError("unreachable: abort raises")
