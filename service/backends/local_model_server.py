"""The local model server as a child process: started, watched, started again, ended."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Final

from service.backends import end_with_parent

logger = logging.getLogger(__name__)

FIRST_PAUSE_S: Final = 0.2
LONGEST_PAUSE_S: Final = 10.0
STOP_TIMEOUT_S: Final = 5.0
_READY_LINE: Final = re.compile(r"Running gRPC ModelServer at (\S+:\d+)")
_NATIVE_NOTE: Final = re.compile(r"I\d{4} |WARNING: All log messages before absl")


class ModelsDirectoryError(ValueError):
    """The directory holds no exported model, or the local model server is not installed."""


def find_models(models_dir: Path, wanted: Sequence[str] = ()) -> tuple[str, ...]:
    """The models of a directory: every folder that holds a folder named by a number.

    Args:
        models_dir: The directory.
        wanted: Only these; all of them when empty.

    Raises:
        ModelsDirectoryError: There is no such directory, no model in it, or one wanted is missing.
    """
    if not models_dir.is_dir():
        raise ModelsDirectoryError(f"{models_dir} is not a directory")
    names = sorted(
        child.name
        for child in models_dir.iterdir()
        if child.is_dir() and any(version.name.isdecimal() for version in child.iterdir())
    )
    if not names:
        raise ModelsDirectoryError(
            f"{models_dir} holds no exported model (expected {models_dir}/NAME/VERSION); "
            "make one with `heed export`"
        )
    missing = sorted(set(wanted) - set(names))
    if missing:
        raise ModelsDirectoryError(
            f"{models_dir} holds no model {', '.join(missing)}; it has {', '.join(names)}"
        )
    return tuple(wanted or names)


def check_installed() -> None:
    """Checks that the local model server can run here.

    Raises:
        ModelsDirectoryError: TensorFlow is missing.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ModelsDirectoryError(
            "--models-dir needs TensorFlow: install heed[train], "
            "or use --model-server with a server that runs elsewhere"
        )


class LocalModelServer:
    """A `heed model-server` that lives as long as the gateway.

    Args:
        models_dir: Directory of exported models.
        names: Which of them to serve.
        on_ready: Called with HOST:PORT each time the server listens; the port changes.
        socket_path: Where it listens too, and always; None: at the port alone.
    """

    def __init__(
        self,
        models_dir: Path,
        names: Sequence[str],
        on_ready: Callable[[str], None],
        *,
        socket_path: Path | None = None,
    ) -> None:
        self._flags = [] if socket_path is None else [f"--grpc_socket_path={socket_path}"]
        self._models_dir = models_dir.resolve()
        self._names = names
        self._on_ready = on_ready
        self._was_ready = False

    async def run(self) -> None:
        """Keeps the server running for as long as it is not cancelled; then ends it."""
        pause_s = FIRST_PAUSE_S
        with tempfile.TemporaryDirectory(prefix="heed-") as directory:
            config = self._write_config(Path(directory))
            while True:
                self._was_ready = False
                exit_code = await self._run_once(config)
                pause_s = FIRST_PAUSE_S if self._was_ready else min(2 * pause_s, LONGEST_PAUSE_S)
                logger.error(
                    "the model server ended with %d; starting it again in %.1f s",
                    exit_code,
                    pause_s,
                )
                await asyncio.sleep(pause_s)

    def _write_config(self, directory: Path) -> Path:
        """Writes the model server's configuration, a ModelServerConfig as text."""
        entries = [
            f'  config {{ name: {json.dumps(name)} model_platform: "tensorflow" '
            f"base_path: {json.dumps(str(self._models_dir / name), ensure_ascii=False)} }}"
            for name in self._names
        ]
        config = directory / "models.config"
        config.write_text("\n".join(["model_config_list {", *entries, "}", ""]))
        return config

    async def _run_once(self, config: Path) -> int:
        async with _child_process(config, self._flags) as process:
            if process.stderr is not None:
                await self._follow(process.stderr)
            return await process.wait()

    async def _follow(self, stderr: asyncio.StreamReader) -> None:
        """Reads the server's words until it ends, and waits for the line that it is ready."""
        while line := await _read_line(stderr):
            text = line.decode(errors="replace").rstrip()
            ready = _READY_LINE.search(text)
            if ready is not None:
                self._was_ready = True
                self._on_ready(ready[1])
            logger.log(level_of(text), "model server: %s", text)


def level_of(line: str) -> int:
    """How important a line of the model server is: TensorFlow's notes to itself hardly are."""
    return logging.DEBUG if _NATIVE_NOTE.match(line) else logging.INFO


async def _read_line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:  # longer than the reader's buffer, which it has dropped
        return b"(a very long line)\n"


@contextlib.asynccontextmanager
async def _child_process(
    config: Path, flags: Sequence[str]
) -> AsyncIterator[asyncio.subprocess.Process]:
    # Of a session of its own, so that Ctrl-C in a terminal reaches the gateway alone, which
    # answers what it has accepted before it ends the model server.
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", end_with_parent.__file__, str(os.getpid())),
        *(sys.executable, "-m", "model_server", "--port", "0", "--host", "127.0.0.1"),
        *("--model_config_file", str(config), "--enable_serialization_as_tensor_content"),
        *("--max_num_load_retries=0", "--xla_cpu_compilation_enabled", *flags),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        await _end(process)


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()
