"""A SavedModel run the way TensorFlow Serving runs it: by a session, from its graph alone."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf.config_pb2 import CallableOptions

from model_export.export.batching import Arrays
from model_export.export.errors import ExportError


class GraphSession:
    """The signatures of a version, in a session of their own.

    Shapes and number formats go to the graph as they are given, without a check or a cast, as
    they do in TensorFlow Serving. Close it, or use it in a `with` block.

    Args:
        version_dir: A version's directory.
        config: The session's settings, for example its threads; none = TensorFlow's own.

    Raises:
        ExportError: TensorFlow cannot load it.
    """

    def __init__(self, version_dir: Path, config: Any = None) -> None:
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph, config=config)
        try:
            with self._graph.as_default():
                meta_graph = tf.compat.v1.saved_model.loader.load(
                    self._session, [tf.saved_model.SERVING], str(version_dir)
                )
        except (OSError, ValueError, RuntimeError, tf.errors.OpError) as error:
            self._session.close()
            raise ExportError(f"TensorFlow cannot load {version_dir}: {error}") from error
        self._signatures = dict(meta_graph.signature_def)
        self._callables: dict[tuple[str, tuple[str, ...]], Callable[..., Any]] = {}

    @property
    def signatures(self) -> Mapping[str, Any]:
        """TensorFlow's `SignatureDef` by name."""
        return self._signatures

    def run(
        self, signature: str, inputs: Mapping[str, Any], outputs: Collection[str] | None = None
    ) -> Arrays:
        """Runs a signature.

        Args:
            signature: Its name.
            inputs: Arrays by name.
            outputs: Names of the outputs wanted; none = all. Nothing else is computed.

        Raises:
            tf.errors.OpError: The graph refused the inputs.
        """
        wanted = tuple(sorted(outputs or self._signatures[signature].outputs))
        names = sorted(self._signatures[signature].inputs)
        run = self._callable(signature, wanted)
        results = run(*(np.asarray(inputs[name]) for name in names))
        return dict(zip(wanted, results, strict=True))

    def _callable(self, signature: str, wanted: tuple[str, ...]) -> Callable[..., Any]:
        key = (signature, wanted)
        if key not in self._callables:
            definition = self._signatures[signature]
            options = CallableOptions()
            options.feed.extend(definition.inputs[name].name for name in sorted(definition.inputs))
            options.fetch.extend(definition.outputs[name].name for name in wanted)
            # `Session.run` would cast the inputs and check their shapes first.
            self._callables[key] = self._session._make_callable_from_options(options)
        return self._callables[key]

    def close(self) -> None:
        """Frees the session. A second call does nothing."""
        self._callables.clear()
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
