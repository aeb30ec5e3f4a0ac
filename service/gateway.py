"""The gateway as a whole: its parts, its tasks, its beginning and its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from typing import Any, Final

from service.api.call_gate import CallGate
from service.api.call_log import CallLog
from service.api.entrance import Entrance
from service.api.listening import listen_on
from service.backends.assembly import make_backends
from service.backends.registry import ModelRegistry
from service.backends.replicas.pool import ReplicaPool
from service.batching.batcher import Batcher
from service.batching.rules import scheduling_rules
from service.logs import on_lost_lines
from service.metrics import Metrics
from service.pipeline.cached_answers import CachedAnswers
from service.pipeline.inference import InferencePipeline
from service.rpc.health import HealthReporter
from service.rpc.server import make_server
from service.security.security import make_security
from service.settings import GatewaySettings
from service.tracing.starting import make_tracing

logger = logging.getLogger(__name__)

LAST_BYTES_S: Final = 1.0
"""How long answers already given may take to leave, in seconds."""


class GatewayFailedError(Exception):
    """A task that the gateway cannot do without has ended."""


async def run_gateway(settings: GatewaySettings, announce: Callable[[str], None]) -> None:
    """Serves until SIGTERM, SIGINT or SIGHUP, then answers what was accepted and returns.

    Args:
        settings: Its settings.
        announce: Gets the lines that scripts wait for.

    Raises:
        RefusedFileError: A certificate, key or file of API keys cannot be used.
        ModelsDirectoryError: There is nothing to serve in --models-dir.
        AddressError: The address cannot be used.
        GatewayFailedError: A part of the gateway died; the log says why.
    """
    metrics = Metrics()
    security = make_security(settings, metrics.security)
    backends = make_backends(settings, metrics, security.channel_tls)
    registry = backends.registry
    batcher = _make_batcher(settings, backends.pool, metrics=metrics)
    health, gate = HealthReporter(registry), CallGate()
    answers = CachedAnswers.of_size(settings.cache_bytes, metrics.cache)
    pipeline = InferencePipeline(registry, batcher, settings=settings, answers=answers)
    log = CallLog(metrics, settings.log_calls, with_requests=settings.log_texts)
    on_lost_lines(lambda count: metrics.process.log_lines_dropped("unwritable", count))
    tracing = make_tracing(settings, os.environ)
    entrance = Entrance(gate, metrics, log=log, authorizer=security.authorizer, tracing=tracing)
    server, address = make_server(
        settings,
        pipeline,
        health_reporter=health,
        entrance=entrance,
        tls=security.server_tls,
    )
    listener = _listen_for_http(settings)
    await server.start()
    announce(f"Heed gateway listening at {address}")
    tasks: dict[str, Coroutine[Any, Any, None]] = {
        "batcher": batcher.run(),
        "answer cache": answers.follow_versions(registry),
        **backends.coroutines(),
        "health": health.run(),
        "security": security.run(),
        "ready line": _announce_when_ready(registry, address, announce),
    }
    http = None
    if listener is not None:
        from service.http.app import HttpParts
        from service.http.server import HttpServer  # takes some time to load

        parts = HttpParts(pipeline, entrance, gate, metrics)
        http = HttpServer(settings, parts, listener, tls=security.server_tls)
        tasks["HTTP"] = http.run()
        announce(f"Heed gateway HTTP at {http.url}")
    async with _running(tasks) as failed:
        await _wait_for_end(failed)
        logger.info("stopping: answering what was accepted")
        await health.stop()
        await gate.drain(settings.drain_s)
        if http is not None:
            await http.stop(LAST_BYTES_S)
        await server.stop(LAST_BYTES_S)
    await backends.pool.close()
    await tracing.close()
    if failed.is_set():
        raise GatewayFailedError("a part of the gateway died; the log says which and why")


def _make_batcher(settings: GatewaySettings, pool: ReplicaPool, *, metrics: Metrics) -> Batcher:
    return Batcher(
        pool,
        scheduling_rules(settings),
        max_predict_s=settings.max_predict_s,
        observer=metrics.batching,
        replica_count=pool.replica_count,
    )


def _listen_for_http(settings: GatewaySettings) -> socket.socket | None:
    if not settings.http:
        return None
    return listen_on(settings.host, settings.http_port, is_shared=settings.workers > 1)


async def _announce_when_ready(
    registry: ModelRegistry, address: str, announce: Callable[[str], None]
) -> None:
    await registry.wait_until_ready()
    announce(f"Heed gateway ready at {address}")


@contextlib.asynccontextmanager
async def _running(
    coroutines: dict[str, Coroutine[Any, Any, None]],
) -> AsyncIterator[asyncio.Event]:
    """Runs the gateway's tasks; the event is set when one of them fails."""
    failed = asyncio.Event()

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            logger.critical("%s died", task.get_name(), exc_info=task.exception())
            failed.set()

    tasks = [
        asyncio.get_running_loop().create_task(coroutine, name=name)
        for name, coroutine in coroutines.items()
    ]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield failed
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _wait_for_end(failed: asyncio.Event) -> None:
    """Returns on a signal that asks for the end, or when a task died."""
    with signals_set(failed_or_stopped := asyncio.Event()):
        waiters = [asyncio.ensure_future(event.wait()) for event in (failed_or_stopped, failed)]
        await asyncio.wait(waiters, return_when=asyncio.FIRST_COMPLETED)
        for waiter in waiters:
            waiter.cancel()


@contextlib.contextmanager
def signals_set(event: asyncio.Event) -> Iterator[None]:
    """Sets the event on the first SIGTERM, SIGINT or SIGHUP; a second has its usual effect.

    SIGHUP, of a terminal that was closed, stays ignored for whom `nohup` started.
    """
    loop = asyncio.get_running_loop()
    signals = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signals.append(signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, event.set)
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)
