"""Tiny SavedModels, written by hand, with answers that a person can work out.

Each is a version folder that TensorFlow Serving can load as well. `publish_model` puts a version
in place in one step, as an export does.

The full model has these signatures:

    serving_default   x float [B] -> y = x / 2 + offset, kind = its version's mark, int64 [B]
    sum               a, b float [B] -> total = a + b, difference = a - b
    with_default      a, b float [B], b is 10 when not sent -> total = a + b
    loop              steps int64 [1] -> count int64 [1], counted one by one in a while loop
    zeros             count int32 [1] -> values float [count], all 0
    matrix            x float [B, 2] -> y float [B, 1], the sum of both columns
    batch             x float [B, W] -> rows = B, int64 [B], last = the last row, float [B, W]
    scalar            a float [B] -> y = their sum, float, without rows
    first_row         a float [B] -> y = the first row alone, float [1]
    compiled          x float [B] -> y = 2 x, to be compiled by XLA
    echo_DTYPE        x -> y = x, for each type in ECHO_DTYPES
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

WARMUP_FILE = Path("assets.extra", "tf_serving_warmup_requests")
ECHO_DTYPES = (
    *("float32", "float64", "float16", "bfloat16"),
    *("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64"),
    *("bool", "string", "complex64", "complex128"),
)


def publish_model(
    base_path: Path, version: int | str, *, offset: float = 2.0, mark: int = 0
) -> Path:
    """Write the full model beside its place and rename it into place; returns its folder."""
    staging = _staging_folder(base_path, version)
    save_full_model(staging, offset=offset, mark=mark)
    return move_into_place(staging, base_path / str(version))


def publish_tiny_model(base_path: Path, version: int | str, *, offset: float = 2.0) -> Path:
    """Like `publish_model` with `serving_default` alone, which is written and loaded faster."""
    staging = _staging_folder(base_path, version)
    save_tiny_model(staging, offset=offset, mark=int(version))
    return move_into_place(staging, base_path / str(version))


def publish_copy(source: Path, base_path: Path, version: int | str) -> Path:
    """Publish a copy of a version that was written before; the fastest way to a new one."""
    staging = _staging_folder(base_path, version)
    shutil.copytree(source, staging)
    return move_into_place(staging, base_path / str(version))


def move_into_place(staging: Path, target: Path) -> Path:
    """Publish a finished folder in one step."""
    target.parent.mkdir(parents=True, exist_ok=True)
    return staging.rename(target)


def save_tiny_model(path: Path, *, offset: float, mark: int) -> None:
    """Write a model with `serving_default` alone."""
    import tensorflow as tf

    module = _line_module(tf, offset=offset, mark=mark)
    tf.saved_model.save(module, str(path), signatures={"serving_default": module.line})


def save_full_model(path: Path, *, offset: float, mark: int) -> None:
    """Write the model with all the signatures of this module."""
    import tensorflow as tf

    module = _line_module(tf, offset=offset, mark=mark)
    functions = {"serving_default": module.line, **_functions(tf)}
    functions |= _batch_functions(tf) | _echo_functions(tf)
    module.functions = list(functions.values())
    tf.saved_model.save(module, str(path), signatures=functions)
    _add_default(path, "with_default", alias="b", values=[10.0])


def write_warmup(path: Path, records: Sequence[Any]) -> None:
    """Write `PredictionLog` messages, or raw bytes, as the warm-up file of a version's folder."""
    import tensorflow as tf

    file = path / WARMUP_FILE
    file.parent.mkdir(exist_ok=True)
    with tf.io.TFRecordWriter(str(file)) as writer:
        for record in records:
            data = record if isinstance(record, bytes) else record.SerializeToString()
            writer.write(data)


def _staging_folder(base_path: Path, version: int | str) -> Path:
    base_path.mkdir(parents=True, exist_ok=True)
    return base_path / f".{version}.{os.getpid()}.tmp"


def _line_module(tf: Any, *, offset: float, mark: int) -> Any:
    class Line(tf.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.offset = tf.Variable(offset)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def line(self, x: Any) -> dict[str, Any]:
            marks = tf.fill(tf.shape(x), tf.constant(mark, tf.int64))
            return {"y": x / 2.0 + self.offset, "kind": marks}

    return Line()


def _functions(tf: Any) -> dict[str, Any]:
    floats = [tf.TensorSpec([None], tf.float32, name=name) for name in ("a", "b")]

    @tf.function(input_signature=floats)
    def total(a: Any, b: Any) -> dict[str, Any]:
        return {"total": a + b, "difference": a - b}

    @tf.function(input_signature=floats)
    def with_default(a: Any, b: Any) -> dict[str, Any]:
        return {"total": a + b}

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int64, name="steps")])
    def loop(steps: Any) -> dict[str, Any]:
        count = tf.zeros([1], tf.int64)
        for _ in tf.range(steps[0]):
            count += 1
        return {"count": count}

    @tf.function(input_signature=[tf.TensorSpec([1], tf.int32, name="count")])
    def zeros(count: Any) -> dict[str, Any]:
        return {"values": tf.zeros(count, tf.float32)}

    @tf.function(input_signature=[tf.TensorSpec([None, 2], tf.float32, name="x")])
    def matrix(x: Any) -> dict[str, Any]:
        return {"y": tf.matmul(x, tf.ones([2, 1]))}

    @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
    def compiled(x: Any) -> dict[str, Any]:
        return {"y": tf.function(lambda value: 2.0 * value, jit_compile=True)(x)}

    return {
        "sum": total,
        "with_default": with_default,
        "loop": loop,
        "zeros": zeros,
        "matrix": matrix,
        "compiled": compiled,
    }


def _batch_functions(tf: Any) -> dict[str, Any]:
    """Functions that tell how they were batched, or cannot be batched at all."""
    floats = [tf.TensorSpec([None], tf.float32, name="a")]

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.float32, name="x")])
    def batch(x: Any) -> dict[str, Any]:
        rows = tf.shape(x, tf.int64)[:1]
        return {"rows": tf.repeat(rows, rows[0]), "last": tf.zeros_like(x) + x[-1:]}

    @tf.function(input_signature=floats)
    def scalar(a: Any) -> dict[str, Any]:
        return {"y": tf.reduce_sum(a)}

    @tf.function(input_signature=floats)
    def first_row(a: Any) -> dict[str, Any]:
        return {"y": a[:1]}

    return {"batch": batch, "scalar": scalar, "first_row": first_row}


def _echo_functions(tf: Any) -> dict[str, Any]:
    def echo(dtype: str) -> Any:
        spec = tf.TensorSpec(None, tf.dtypes.as_dtype(dtype), name="x")
        return tf.function(lambda x: {"y": tf.identity(x)}, input_signature=[spec])

    return {f"echo_{dtype}": echo(dtype) for dtype in ECHO_DTYPES}


def _add_default(path: Path, signature: str, *, alias: str, values: list[float]) -> None:
    import tensorflow as tf
    from tensorflow.core.protobuf import saved_model_pb2

    file = path / "saved_model.pb"
    model = saved_model_pb2.SavedModel.FromString(file.read_bytes())
    definition = model.meta_graphs[0].signature_def[signature]
    definition.defaults[alias].CopyFrom(tf.make_tensor_proto(values, tf.float32))
    file.write_bytes(model.SerializeToString())
