"""The functions of TensorFlow's C API that the server uses, with their C types.

`TF_SessionRun` and the other long calls release Python's global lock. The short ones keep it
(`PyDLL`): giving it up and taking it back would cost more than the call itself.
"""

from __future__ import annotations

import ctypes
import functools
import logging
from ctypes import POINTER, c_char_p, c_int, c_int64, c_size_t, c_void_p
from pathlib import Path
from typing import Any

from model_server.messages import tensorflow_folder
from model_server.status import Code, StatusError

_LIBRARY_NAME = "libtensorflow_cc.so.2"
_DISABLE_XLA = "_ZN10tensorflow21DisableXlaCompilationEv"
_SET_LOG_LEVEL = "_ZN4absl12lts_2025012714SetMinLogLevelENS0_18LogSeverityAtLeastE"
logger = logging.getLogger(__name__)


class Output(ctypes.Structure):
    """`TF_Output`: one output of one operation of a graph."""

    _fields_ = (("operation", c_void_p), ("index", c_int))


class Buffer(ctypes.Structure):
    """`TF_Buffer`: a serialised message."""

    _fields_ = (("data", c_void_p), ("length", c_size_t), ("deallocator", c_void_p))


_LONG_CALLS: dict[str, tuple[Any, list[Any]]] = {
    "TF_LoadSessionFromSavedModel": (
        c_void_p,
        [c_void_p, c_void_p, c_char_p, POINTER(c_char_p), c_int, c_void_p, c_void_p, c_void_p],
    ),
    "TF_SessionRun": (
        None,
        [
            *(c_void_p, c_void_p),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(POINTER(Output), POINTER(c_void_p), c_int),
            *(c_void_p, c_int, c_void_p, c_void_p),
        ],
    ),
    "TF_CloseSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteSession": (None, [c_void_p, c_void_p]),
    "TF_DeleteGraph": (None, [c_void_p]),
}

_SHORT_CALLS: dict[str, tuple[Any, list[Any]]] = {
    "TF_Version": (c_char_p, []),
    "TF_NewStatus": (c_void_p, []),
    "TF_DeleteStatus": (None, [c_void_p]),
    "TF_GetCode": (c_int, [c_void_p]),
    "TF_Message": (c_char_p, [c_void_p]),
    "TF_NewBuffer": (POINTER(Buffer), []),
    "TF_NewBufferFromString": (POINTER(Buffer), [c_char_p, c_size_t]),
    "TF_DeleteBuffer": (None, [POINTER(Buffer)]),
    "TF_NewGraph": (c_void_p, []),
    "TF_GraphOperationByName": (c_void_p, [c_void_p, c_char_p]),
    "TF_OperationNumOutputs": (c_int, [c_void_p]),
    "TF_NewSessionOptions": (c_void_p, []),
    "TF_SetConfig": (None, [c_void_p, c_char_p, c_size_t, c_void_p]),
    "TF_DeleteSessionOptions": (None, [c_void_p]),
    "TF_AllocateTensor": (c_void_p, [c_int, POINTER(c_int64), c_int, c_size_t]),
    "TF_TensorFromProto": (None, [POINTER(Buffer), c_void_p, c_void_p]),
    "TF_DataTypeSize": (c_size_t, [c_int]),
    "TF_DeleteTensor": (None, [c_void_p]),
    "TF_TensorType": (c_int, [c_void_p]),
    "TF_NumDims": (c_int, [c_void_p]),
    "TF_Dim": (c_int64, [c_void_p, c_int]),
    "TF_TensorByteSize": (c_size_t, [c_void_p]),
    "TF_TensorData": (c_void_p, [c_void_p]),
    "TF_StringGetSize": (c_size_t, [c_void_p]),
    "TF_StringGetDataPointer": (c_void_p, [c_void_p]),
}


class Library:
    """The loaded library; each C function is an attribute of the same name."""

    def __init__(self, path: Path) -> None:
        releasing, keeping = ctypes.CDLL(str(path)), ctypes.PyDLL(str(path))
        for functions, source in ((_LONG_CALLS, releasing), (_SHORT_CALLS, keeping)):
            for name, (result, arguments) in functions.items():
                function = getattr(source, name)
                function.restype, function.argtypes = result, arguments
                setattr(self, name, function)
        self.decode_large_tensor = releasing.TF_TensorFromProto
        self.decode_large_tensor.restype, self.decode_large_tensor.argtypes = _SHORT_CALLS[
            "TF_TensorFromProto"
        ]
        self._disable_xla = getattr(keeping, _DISABLE_XLA, None)
        self._set_log_level = getattr(keeping, _SET_LOG_LEVEL, None)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(f"{name} is not among the C functions that the server declares")

    def version(self) -> str:
        """TensorFlow's version, such as `2.20.0`."""
        return str(self.TF_Version().decode())

    def set_log_level(self, level: int) -> None:
        """Holds back what TensorFlow logs below a level; another TensorFlow may ignore it.

        TF_CPP_MIN_LOG_LEVEL holds back most of it, but not what is logged through Abseil.

        Args:
            level: 0 for everything, 1 from warnings on, 2 from errors on, 3 for what is fatal.
        """
        if self._set_log_level is not None:
            self._set_log_level(level)

    def disable_xla(self) -> None:
        """Refuses XLA compilation, as TensorFlow Serving does unless a flag allows it."""
        if self._disable_xla is None:
            logger.warning("This TensorFlow cannot switch XLA off: jit_compile graphs will run.")
            return
        self._disable_xla()


@functools.cache
def library() -> Library:
    """TensorFlow's library, loaded at the first call (a quarter of a second)."""
    path = Path(tensorflow_folder()) / _LIBRARY_NAME
    if not path.exists():
        raise ImportError(
            f"TensorFlow's library {_LIBRARY_NAME} was not found in {path.parent}: the model "
            "server needs the CPU or GPU wheel of TensorFlow for Linux"
        )
    return Library(path)


class CallStatus:
    """`TF_Status`: the outcome of one C call, turned into a `StatusError` when it failed."""

    __slots__ = ("_library", "handle")

    def __init__(self) -> None:
        self._library = library()
        self.handle = self._library.TF_NewStatus()

    def check(self) -> None:
        """Raises what the call reported, if it failed.

        Raises:
            StatusError: With TensorFlow's code and message.
        """
        code = self._library.TF_GetCode(self.handle)
        if code:
            message = self._library.TF_Message(self.handle).decode(errors="replace")
            raise StatusError(Code(code), message)

    def __del__(self) -> None:
        self._library.TF_DeleteStatus(self.handle)
