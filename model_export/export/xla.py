"""The variant of a model whose decoding XLA compiles."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Final

from pydantic import ValidationError

from heed.contract import Contract, Precision, ShapeBuckets
from model_export.export.errors import ExportError
from model_export.export.exportable import ExportableModel

DEFAULT_ROWS: Final = (1, 8, 32, 128)
"""Up to the most rows that the gateway sends unless told otherwise."""
DEFAULT_BEAM_WIDTH: Final = 4
LEAST_ROWS: Final = 8
"""The largest batch must hold the reference cases, with which a version is verified."""


def with_xla(
    exportable: ExportableModel,
    *,
    rows: Sequence[int] = DEFAULT_ROWS,
    source_tokens: Sequence[int] | None = None,
    beam_width: int = DEFAULT_BEAM_WIDTH,
) -> ExportableModel:
    """The same model, to be exported with its shapes fixed.

    Args:
        exportable: The model.
        rows: Rows of the batches to compile for, ascending; the last is `LEAST_ROWS` or more.
        source_tokens: Longest sources to compile for, ascending; the model's longest comes on top.
            None: a quarter of that.
        beam_width: The widest beam: every beam has room for so many hypotheses.

    Raises:
        ExportError: The model reads no texts or writes none, or a number is out of range.
    """
    contract = exportable.contract
    if contract.is_classifier or contract.source_tokenizer is None:
        raise ExportError(f"--xla is for models that write texts for texts, not {contract.task}")
    if contract.precision is not Precision.FLOAT32:
        raise ExportError(f"--xla goes with --precision float32, not {contract.precision}")
    if not rows or rows[-1] < LEAST_ROWS:
        raise ExportError(f"--xla-rows must end with {LEAST_ROWS} or more")
    if not 1 <= beam_width <= contract.max_beam_width:
        raise ExportError(f"--xla-beam-width must be 1 to {contract.max_beam_width}")
    longest = contract.max_source_tokens
    if source_tokens is None:
        source_tokens = (longest // 4,) if longest >= 8 else ()
    if any(length >= longest for length in source_tokens):
        raise ExportError(f"--xla-source-tokens must be below the model's longest, {longest}")
    try:
        buckets = ShapeBuckets(rows=tuple(rows), source_tokens=(*source_tokens, longest))
    except ValidationError as error:
        raise ExportError(f"--xla: {error.errors()[0]['msg']}") from error
    fields = {**dict(contract), "shape_buckets": buckets, "max_beam_width": beam_width}
    return dataclasses.replace(exportable, contract=Contract.model_validate(fields))
