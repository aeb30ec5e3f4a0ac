"""From the inputs of several requests to those of one run, and from its outputs back.

Padding is the request's own first element, behind the existing ones, in every dimension but the
rows. Rows are rounded up with copies of the last request's first row. Outputs are cut by rows
alone: a short request gets outputs of its batch's width.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from model_server.engine.arrays import Array, ArrayTensor, native, view
from model_server.engine.tensor import NativeTensor, Tensor
from model_server.messages import types_pb2
from model_server.status import Code, StatusError

_PADDABLE_RANKS = range(1, 7)


def request_rows(tensors: Sequence[Tensor]) -> int:
    """The rows that all inputs of a request have in common.

    Raises:
        StatusError: INVALID_ARGUMENT when they have no or different numbers of rows.
    """
    shapes = [tensor.shape for tensor in tensors]
    if not shapes:
        raise _invalid("Batching Run() must have at least one input tensor")
    if not all(shapes):
        raise _invalid("Batching Run() input tensors must have at least one dimension")
    rows = {shape[0] for shape in shapes}
    if len(rows) > 1:
        raise _invalid("Batching Run() input tensors must have equal 0th-dimension size")
    return rows.pop()


def merge(name: str, parts: Sequence[Tensor], *, rows: int, pad: bool) -> NativeTensor:
    """One input of a run from that input of each request of its batch.

    Args:
        name: The name of the graph's tensor, for messages.
        parts: The requests' values, in the order of the batch, each with its own rows only.
        rows: The rows to run, at least as many as the parts have.
        pad: Pad the parts to one shape.

    Raises:
        StatusError: When the parts cannot be brought to one shape or type.
    """
    arrays = [view(part) for part in parts]
    arrays = _padded(arrays) if pad else _of_one_shape(name, arrays)
    dtypes = [part.dtype for part in parts]
    if len(set(dtypes)) > 1:
        names = ", ".join(types_pb2.DataType.Name(dtype) for dtype in dtypes)
        raise StatusError(
            Code.INTERNAL, f"Tensor concat operation failed: different types of {name}: {names}"
        )
    if len(parts) == 1 and isinstance(parts[0], NativeTensor) and rows == arrays[0].shape[0]:
        return parts[0]
    missing = rows - sum(array.shape[0] for array in arrays)
    with_rows = [array for array in arrays if array.shape[0]]
    if missing and with_rows:
        arrays.append(np.broadcast_to(with_rows[-1][:1], (missing, *arrays[0].shape[1:])))
    return native(dtypes[0], np.concatenate(arrays) if len(arrays) > 1 else arrays[0])


def split(outputs: Sequence[Tensor], counts: Sequence[int], *, rows: int) -> list[list[Tensor]]:
    """Cuts the outputs of a run by the rows of its requests, without copying.

    Args:
        outputs: What the run returned.
        counts: The rows of each request, in the order of the batch; the surplus is dropped.
        rows: The rows that were run.

    Returns:
        For each request, its part of every output.

    Raises:
        StatusError: FAILED_PRECONDITION when an output does not have the rows that were run.
    """
    for output in outputs:
        _check_rows(output.shape, rows)
    if len(counts) == 1 and counts[0] == rows:
        return [list(outputs)]
    arrays, bounds = [view(output) for output in outputs], [0, *np.cumsum(counts).tolist()]
    return [
        [
            ArrayTensor(output.dtype, array[first:end])
            for output, array in zip(outputs, arrays, strict=True)
        ]
        for first, end in pairwise(bounds)
    ]


def join(parts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
    """The outputs of a request that was cut into several runs, put together again.

    Raises:
        StatusError: FAILED_PRECONDITION when the runs' outputs differ in more than their rows.
    """
    if len(parts) == 1:
        return list(parts[0])
    joined: list[Tensor] = []
    for pieces in zip(*parts, strict=True):
        try:
            array = np.concatenate([view(piece) for piece in pieces])
        except ValueError as error:
            message = f"Tensor concat operation failed: {error}"
            raise StatusError(Code.FAILED_PRECONDITION, message) from error
        joined.append(ArrayTensor(pieces[0].dtype, array))
    return joined


def rows_of(tensor: Tensor, first: int, count: int) -> Tensor:
    """Some of a tensor's rows, without copying; the tensor itself when these are all of them."""
    if count == tensor.shape[0]:
        return tensor
    return ArrayTensor(tensor.dtype, view(tensor)[first : first + count])


def _of_one_shape(name: str, arrays: list[Array]) -> list[Array]:
    if len({array.shape[1:] for array in arrays}) > 1:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            f"Tensors with name '{name}' from different tasks have different shapes and padding "
            "is turned off.Set pad_variable_length_inputs to true, or ensure that all tensors "
            "with the same namehave equal dimensions starting with the first dim.",
        )
    return arrays


def _padded(arrays: list[Array]) -> list[Array]:
    ranks = {array.ndim for array in arrays}
    if not all(rank in _PADDABLE_RANKS for rank in ranks):
        raise _invalid("Only tensors with rank from 1 to 6 can be padded.")
    if len(ranks) > 1:
        raise _invalid("Tensors of different ranks cannot be padded to one shape.")
    sizes = tuple(np.max([array.shape[1:] for array in arrays], axis=0).astype(int).tolist())
    return [_pad(array, sizes) for array in arrays]


def _pad(array: Array, sizes: tuple[int, ...]) -> Array:
    if array.shape[1:] == sizes or not array.shape[0]:
        return array.reshape(array.shape[:1] + sizes)
    if not array.size:
        raise _invalid("Got empty tensor in batch of non-empty tensors.")
    padded = np.full(array.shape[:1] + sizes, array.flat[0], array.dtype)
    padded[tuple(slice(size) for size in array.shape)] = array
    return padded


def _check_rows(shape: tuple[int, ...], rows: int) -> None:
    if not shape:
        raise StatusError(Code.FAILED_PRECONDITION, "Batched output tensor has 0 dimensions")
    if shape[0] != rows:
        raise StatusError(
            Code.FAILED_PRECONDITION,
            "Batched output tensor's 0th dimension does not equal the sum of the 0th dimension "
            "sizes of the input tensors",
        )


def _invalid(message: str) -> StatusError:
    return StatusError(Code.INVALID_ARGUMENT, message)
