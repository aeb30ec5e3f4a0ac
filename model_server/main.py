"""Starts the server, says when it is ready, and stops it in an orderly way."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING

from model_server.flags import FlagError, flags_without_effect, parse_flags

if TYPE_CHECKING:
    from model_server.lifecycle.registry import ModelRegistry
    from model_server.metrics import ServerMetrics
    from model_server.rpc.server import RpcServer
    from model_server.settings import Settings

_BAD_FLAGS, _FAILED = 2, 1
_DRAIN_S = 25.0
_LOG_LEVEL = "TF_CPP_MIN_LOG_LEVEL"
_WAIT_STEP_S = 0.5
logger = logging.getLogger("model_server")


def main(arguments: Sequence[str]) -> int:
    """Runs the server until SIGTERM or SIGINT.

    Args:
        arguments: The command line after the program's name.

    Returns:
        The exit status: 0 after a stop, 1 when a model or the address failed, 2 for bad flags.
    """
    try:
        values = parse_flags(arguments, version=_versions())
        _prepare_environment()
        from model_server.settings import Settings

        settings = Settings.from_flags(values)
        for name in flags_without_effect(values):
            logger.warning("--%s has nothing to act on in the local model server", name)
    except FlagError as error:
        return _fail(str(error), _BAD_FLAGS)
    return _serve(settings)


def _serve(settings: Settings) -> int:
    from model_server.assembly import build_batching, build_registry
    from model_server.engine.library import library
    from model_server.metrics import ServerMetrics
    from model_server.status import StatusError

    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    metrics = ServerMetrics()
    try:
        library().set_log_level(_tensorflow_log_level())
        if not (settings.xla_cpu_compilation_enabled or settings.xla_gpu_compilation_enabled):
            library().disable_xla()
        batching = build_batching(settings)
        registry = build_registry(settings, metrics, batching=batching)
    except (FlagError, ImportError) as error:
        return _fail(str(error), _FAILED)
    except StatusError as error:
        return _fail(f"Failed to start server. Error: {error}", _FAILED)
    registry.start()
    try:
        return _run(settings, registry, metrics=metrics, stopped=stopped)
    finally:
        registry.stop()
        if batching:
            batching.scheduler.stop()


def _run(
    settings: Settings,
    registry: ModelRegistry,
    *,
    metrics: ServerMetrics,
    stopped: threading.Event,
) -> int:
    """Loads the models, answers until told to stop, and lets running calls finish."""
    from model_server.assembly import start_rest_server, start_rpc_server
    from model_server.calls import Calls
    from model_server.rest.server import RestAddressError
    from model_server.rpc.server import AddressError
    from model_server.status import StatusError

    rest = None
    try:
        if not _wait_for_models(registry, settings, stopped):
            return 0
        registry.end_start()
        calls = Calls(registry, metrics)
        rest = start_rest_server(settings, calls, metrics=metrics)
        rpc = start_rpc_server(settings, calls, metrics=metrics)
    except (StatusError, AddressError, RestAddressError) as error:
        if rest:
            rest.stop(0)
        return _fail(f"Failed to start server. Error: {error}", _FAILED)
    registry.watch_config(settings.read_models)
    print(f"Running gRPC ModelServer at {_address(settings, rpc)} ...", file=sys.stderr)
    if rest:
        print(f"Exporting HTTP/REST API at:{_host(settings)}:{rest.port} ...", file=sys.stderr)
    sys.stderr.flush()
    stopped.wait()
    logger.info("Stopping: running calls have %.0f s to finish", _DRAIN_S)
    rpc.stop(_DRAIN_S)
    if rest:
        rest.stop(_DRAIN_S)
    return 0


def _wait_for_models(registry: ModelRegistry, settings: Settings, stopped: threading.Event) -> bool:
    """Waits, for ever if need be, until every model can be used; False when told to stop."""
    models = registry.apply(settings.read_models())
    while not stopped.is_set():
        if registry.wait_until_available(models, timeout_s=_WAIT_STEP_S, called="servable(s)"):
            return True
    return False


def _host(settings: Settings) -> str:
    return settings.addresses[0].rpartition(":")[0]


def _address(settings: Settings, server: RpcServer) -> str:
    return f"{_host(settings)}:{server.ports[0]}"


def _prepare_environment() -> None:
    """What TensorFlow reads when it is loaded: no GPU and little noise, unless told otherwise."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "")
    os.environ.setdefault(_LOG_LEVEL, "3")
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s", stream=sys.stderr
    )


def _tensorflow_log_level() -> int:
    level = os.environ.get(_LOG_LEVEL, "")
    return int(level) if level.isdecimal() else 0


def _versions() -> str:
    try:
        return f"heed {version('heed')}, TensorFlow {version('tensorflow')}"
    except PackageNotFoundError as error:
        raise FlagError(f"{error.name} is not installed: install heed[train]") from error


def _fail(message: str, exit_status: int) -> int:
    print(f"heed: error: {message}", file=sys.stderr)
    return exit_status
