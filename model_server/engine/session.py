"""The session of one SavedModel: loaded by TensorFlow's own loader, shared by all threads."""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Mapping, Sequence
from ctypes import c_char_p, c_void_p
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from model_server.engine.library import CallStatus, Library, Output, library
from model_server.engine.tensor import NativeTensor, Tensor, handles
from model_server.engine.wire import varint
from model_server.status import Code, StatusError

_TIMEOUT_FIELD = b"\x10"  # RunOptions.timeout_in_ms: field 2, a varint
_MAX_TIMEOUT_MS = 2**31 - 1


@dataclass(frozen=True)
class SessionConfig:
    """How sessions are made.

    Attributes:
        serialized: A serialised `tensorflow.ConfigProto`: thread counts and the like.
        tags: The tags of the graph to load from each SavedModel.
    """

    serialized: bytes
    tags: tuple[str, ...]


class GraphSession(Protocol):
    """What runs a graph: a `Session`, or something that gathers runs before it."""

    def run(
        self, feeds: Mapping[str, NativeTensor], fetches: Sequence[str], *, timeout_ms: int | None
    ) -> Sequence[Tensor]:
        """Run; see `Session.run`."""

    def cancel(self) -> None:
        """Cancels what still runs; later runs fail."""

    def close(self) -> None:
        """Frees everything. No run may be under way or follow."""


class Session:
    """A SavedModel's graph in a DirectSession, which is what TensorFlow Serving runs.

    `run` may be called from any number of threads at once.

    Args:
        path: The SavedModel's folder.
        config: Threads and tags.

    Raises:
        StatusError: With the loader's code and message when the folder holds no such model.
    """

    def __init__(self, path: Path, config: SessionConfig) -> None:
        self._library = library()
        self._graph = self._library.TF_NewGraph()
        try:
            self._handle, self.meta_graph = _load(self._library, path, config, graph=self._graph)
        except StatusError:
            self._library.TF_DeleteGraph(self._graph)
            raise
        self._closing = threading.Lock()
        self._endpoints: dict[tuple[str, ...], ctypes.Array[Output]] = {}

    def run(
        self, feeds: Mapping[str, NativeTensor], fetches: Sequence[str], *, timeout_ms: int | None
    ) -> list[NativeTensor]:
        """Runs the part of the graph that the fetches need.

        Args:
            feeds: Tensor name (`operation:index`) to value. Types and shapes are not checked here.
            fetches: Names of the tensors to return.
            timeout_ms: Cancel the run after this long, 1 or more; None: never.

        Returns:
            One tensor per fetch, in that order.

        Raises:
            StatusError: With the session's code and message.
        """
        native, status = self._library, CallStatus()
        inputs, outputs = self._resolve(tuple(feeds), "feed"), self._resolve(tuple(fetches))
        values = (c_void_p * len(fetches))()
        options = None if timeout_ms is None else _run_options(native, timeout_ms)
        try:
            native.TF_SessionRun(
                *(self._handle, options),
                *(inputs, handles(list(feeds.values())), len(feeds)),
                *(outputs, values, len(fetches)),
                *(None, 0, None, status.handle),
            )
        finally:
            if options is not None:
                native.TF_DeleteBuffer(options)
        status.check()
        return [NativeTensor(value, native) for value in values if value]

    def cancel(self) -> None:
        """Cancels what still runs; later runs fail. The session must still be closed."""
        with self._closing:
            if self._handle:
                status = CallStatus()
                self._library.TF_CloseSession(self._handle, status.handle)

    def close(self) -> None:
        """Frees the graph and its variables. No run may be under way or follow."""
        self.cancel()
        with self._closing:
            handle, self._handle = self._handle, 0
            if handle:
                status = CallStatus()
                self._library.TF_DeleteSession(handle, status.handle)
                self._library.TF_DeleteGraph(self._graph)

    def _resolve(self, names: tuple[str, ...], use: str = "fetch") -> ctypes.Array[Output]:
        found = self._endpoints.get(names)
        if found is None:
            found = (Output * len(names))(*(self._endpoint(name, use) for name in names))
            self._endpoints[names] = found
        return found

    def _endpoint(self, name: str, use: str) -> Output:
        operation_name, _, index_text = name.partition(":")
        index = int(index_text) if index_text.isdecimal() else 0
        operation = self._library.TF_GraphOperationByName(self._graph, operation_name.encode())
        if not operation or index >= self._library.TF_OperationNumOutputs(operation):
            message = (
                f"FeedInputs: unable to find feed output {name}"
                if use == "feed"
                else f"FetchOutputs node {name}: not found"
            )
            raise StatusError(Code.NOT_FOUND, message)
        return Output(operation=operation, index=index)


def _load(native: Library, path: Path, config: SessionConfig, *, graph: int) -> tuple[int, bytes]:
    options, meta_graph, status = native.TF_NewSessionOptions(), native.TF_NewBuffer(), CallStatus()
    tags = (c_char_p * len(config.tags))(*(tag.encode() for tag in config.tags))
    try:
        native.TF_SetConfig(options, config.serialized, len(config.serialized), status.handle)
        status.check()
        handle = native.TF_LoadSessionFromSavedModel(
            *(options, None, os.fsencode(path), tags, len(tags)),
            *(graph, meta_graph, status.handle),
        )
        status.check()
        buffer = meta_graph.contents
        return handle, ctypes.string_at(buffer.data, buffer.length)
    finally:
        native.TF_DeleteBuffer(meta_graph)
        native.TF_DeleteSessionOptions(options)


def _run_options(native: Library, timeout_ms: int) -> Any:
    serialized = _TIMEOUT_FIELD + varint(min(timeout_ms, _MAX_TIMEOUT_MS))
    return native.TF_NewBufferFromString(serialized, len(serialized))
