"""The official protocol messages of TensorFlow Serving, without the import of TensorFlow.

The generated modules live below the package `tensorflow`, whose own import takes seconds and
hundreds of megabytes. While they are imported here, an empty package stands in for it; it is
removed again, so a later `import tensorflow` in the same process gets the real one.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import Any

_PACKAGE = "tensorflow"


@contextmanager
def _light_tensorflow_package() -> Iterator[None]:
    if _PACKAGE in sys.modules:
        yield
        return
    spec = PathFinder.find_spec(_PACKAGE)
    if spec is None or spec.submodule_search_locations is None:
        raise ImportError(
            "the model server needs TensorFlow and tensorflow-serving-api: "
            "install heed with its `train` extra"
        )
    stand_in = ModuleType(_PACKAGE)
    stand_in.__path__ = list(spec.submodule_search_locations)
    stand_in.__spec__ = ModuleSpec(_PACKAGE, loader=None, is_package=True)
    sys.modules[_PACKAGE] = stand_in
    try:
        yield
    finally:
        del sys.modules[_PACKAGE]


def _load(module: str) -> Any:
    return importlib.import_module(module)


with _light_tensorflow_package():
    config_pb2 = _load("tensorflow.core.protobuf.config_pb2")
    meta_graph_pb2 = _load("tensorflow.core.protobuf.meta_graph_pb2")
    tensor_pb2 = _load("tensorflow.core.framework.tensor_pb2")
    types_pb2 = _load("tensorflow.core.framework.types_pb2")
    get_model_metadata_pb2 = _load("tensorflow_serving.apis.get_model_metadata_pb2")
    get_model_status_pb2 = _load("tensorflow_serving.apis.get_model_status_pb2")
    model_management_pb2 = _load("tensorflow_serving.apis.model_management_pb2")
    model_pb2 = _load("tensorflow_serving.apis.model_pb2")
    predict_pb2 = _load("tensorflow_serving.apis.predict_pb2")
    prediction_log_pb2 = _load("tensorflow_serving.apis.prediction_log_pb2")
    model_server_config_pb2 = _load("tensorflow_serving.config.model_server_config_pb2")


def tensorflow_folder() -> str:
    """The folder of the installed TensorFlow, found without importing it."""
    spec = PathFinder.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("TensorFlow is not installed: install heed with its `train` extra")
    return str(next(iter(spec.submodule_search_locations)))
