"""Callers that ask a gateway without a pause, and model servers that freeze meanwhile.

load = Load(gateway)
with stopped(server):
    load.wait_for("OK", 20)
load.end()
"""

from __future__ import annotations

import collections
import concurrent.futures
import threading
import time

import grpc
import psutil

from tests.support.gateway import GatewayProcess, generate_request
from tests.support.model_server import ModelServerProcess
from tests.support.waiting import wait_until


class stopped:  # noqa: N801  (reads as a statement)
    """Freezes a model server for a block, as if it hung."""

    def __init__(self, server: ModelServerProcess) -> None:
        self._server = server

    def __enter__(self) -> None:
        process = psutil.Process(self._server.process.pid)
        process.suspend()
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        time.sleep(0.1)  # until every thread has stopped, too

    def __exit__(self, *exception: object) -> None:
        psutil.Process(self._server.process.pid).resume()


class Load:
    """Callers that ask without a pause, and what came back.

    Attributes:
        outcomes: How many calls ended how: "OK", or the name of the status.
        versions: The versions that answered.
        failures: What was said of the first failures.
        longest_s: How long the slowest call took, in seconds.

    Args:
        gateway: Whom they ask.
        callers: How many there are.
        give_up: Whether a caller leaves after a failure, as one that knows another gateway.
        pause_s: How long a caller rests between two calls, in seconds.
    """

    def __init__(
        self,
        gateway: GatewayProcess,
        callers: int = 6,
        *,
        give_up: bool = False,
        pause_s: float = 0.0,
    ) -> None:
        self._give_up = give_up
        self._pause_s = pause_s
        self.outcomes: collections.Counter[str] = collections.Counter()
        self.versions: set[int] = set()
        self.failures: list[str] = []
        self.longest_s = 0.0
        self._gateway = gateway
        self._end = threading.Event()
        self._pool = concurrent.futures.ThreadPoolExecutor(callers)
        self._callers = [self._pool.submit(self._ask) for _ in range(callers)]

    def _ask(self) -> None:
        while not self._end.is_set():
            began = time.monotonic()
            try:
                request = generate_request("heed", "attention")
                answer = self._gateway.stub.Generate(request, timeout=20)
                self.versions.add(answer.model.version)
                self.outcomes["OK"] += 1
            except grpc.RpcError as error:
                self.outcomes[error.code().name] += 1
                if len(self.failures) < 5:
                    self.failures.append(f"{error.code().name}: {error.details()}")
                if self._give_up:
                    return
                time.sleep(0.01)
            self.longest_s = max(self.longest_s, time.monotonic() - began)
            time.sleep(self._pause_s)

    def wait_for(self, outcome: str, more: int, timeout_s: float = 20) -> float:
        """Waits for so many more calls to end so; returns how long that took, in seconds."""
        enough = self.outcomes[outcome] + more
        return wait_until(lambda: self.outcomes[outcome] >= enough, timeout_s=timeout_s)

    def end(self) -> None:
        """Lets every caller finish."""
        self._end.set()
        for caller in self._callers:
            caller.result(timeout=30)
        self._pool.shutdown()
