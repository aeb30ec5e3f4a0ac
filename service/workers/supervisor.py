"""Starts several gateway processes on one port, and keeps them running."""

from __future__ import annotations

import asyncio
import collections
import contextlib
import logging
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

from service.api.listening import AddressError
from service.backends.assembly import model_names
from service.backends.local_model_server import LocalModelServer, ModelsDirectoryError
from service.gateway import signals_set
from service.logs import announce, configure_logs
from service.metrics.registry import FOLDER_VARIABLE
from service.settings import GatewaySettings
from service.workers.ports import SharedPort
from service.workers.process import INTERRUPTED
from service.workers.slot import WorkerFailedError, WorkerSlot

logger = logging.getLogger(__name__)

_ANNOUNCEMENT: Final = "Heed gateway "
LONGER_THAN_A_DRAIN_S: Final = 10.0
"""How much longer than `--drain-s` a worker may take to end, before it is killed."""


def run_workers(settings: GatewaySettings) -> int:
    """Runs several gateway processes until told to end.

    Returns:
        The exit status: 0 after an orderly end, that of a worker that failed at its start, 1 after
        another failure.
    """
    configure_logs(settings.log_format, settings.log_level)
    try:
        with tempfile.TemporaryDirectory(prefix="heed-") as folder:
            return asyncio.run(_supervise(settings, Path(folder)))
    except (AddressError, ModelsDirectoryError) as error:
        announce(f"heed: error: {error}")
        return 1
    except WorkerFailedError as error:
        announce(str(error) or f"heed: error: a worker ended with {error.status}")
        return error.status if error.status > 0 else 1
    except KeyboardInterrupt:  # a second Ctrl-C: do not wait for the answers
        return INTERRUPTED


async def _supervise(settings: GatewaySettings, folder: Path) -> int:
    ports = [SharedPort(settings.host, settings.grpc_port)]
    changes: dict[str, object] = {"grpc_port": ports[0].port}
    if settings.http:
        ports.append(SharedPort(settings.host, settings.http_port))
        changes["http_port"] = ports[1].port
    metrics = folder / "metrics"
    metrics.mkdir()
    os.environ[FOLDER_VARIABLE] = str(metrics)
    try:
        async with _model_server(settings, folder / "models.sock") as its_settings:
            shared = settings.model_copy(update={**changes, **its_settings})
            return await _run_all(shared)
    finally:
        for port in ports:
            port.close()


@contextlib.asynccontextmanager
async def _model_server(
    settings: GatewaySettings, socket_path: Path
) -> AsyncIterator[dict[str, object]]:
    """Runs the local model server, if there is one, once for all; yields what workers know of it.

    It listens on a path that stays the same when it is started again.
    """
    if settings.models_dir is None:
        yield {}
        return
    names = model_names(settings)
    server = LocalModelServer(settings.models_dir, names, lambda _: None, socket_path=socket_path)
    task = asyncio.create_task(server.run(), name="local model server")
    try:
        yield {"models_dir": None, "model_server": (f"unix:{socket_path}",), "model": names}
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _run_all(settings: GatewaySettings) -> int:
    chorus = _Chorus(settings.workers)
    slots = [WorkerSlot(number, settings, chorus.hear) for number in range(1, settings.workers + 1)]
    stop = asyncio.Event()
    waiting = asyncio.create_task(stop.wait(), name="wait for the end")
    with signals_set(stop):
        tasks = [asyncio.create_task(slot.run(), name="worker") for slot in slots]
        await asyncio.wait([waiting, *tasks], return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    logger.info("stopping: the workers answer what they have accepted")
    for slot in slots:
        slot.end()
    _, late = await asyncio.wait(tasks, timeout=settings.drain_s + LONGER_THAN_A_DRAIN_S)
    if late:
        logger.error("%d workers do not end; killing them", len(late))
        for slot in slots:
            slot.kill()
    await asyncio.gather(*tasks)
    return 0 if all(slot.status == 0 for slot in slots) else 1


class _Chorus:
    """Says a line once, when every worker has said it.

    Args:
        voices: How many workers there are.
    """

    def __init__(self, voices: int) -> None:
        self._voices = voices
        self._heard: dict[str, set[int]] = collections.defaultdict(set)

    def hear(self, number: int, line: str) -> None:
        """A worker said a line."""
        if not line.startswith(_ANNOUNCEMENT):
            return  # why it failed; the last word is kept by its slot
        speakers = self._heard[line]
        is_new = number not in speakers
        speakers.add(number)
        if is_new and len(speakers) == self._voices:
            announce(line)
