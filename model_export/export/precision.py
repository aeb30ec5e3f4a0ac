"""Which models can be exported in which number format."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from heed.contract import CONTRACT_ASSET, Contract, ContractError, Precision
from model_export.config import Recipe, TransformerSettings
from model_export.export.errors import ExportError

_OF_TRANSFORMERS: Final = tuple(Precision)
_OF_OTHERS: Final = (Precision.FLOAT32,)


def precisions_of(recipe: Recipe) -> tuple[Precision, ...]:
    """The number formats that the models of a recipe can be exported in."""
    return _OF_TRANSFORMERS if isinstance(recipe.model, TransformerSettings) else _OF_OTHERS


def check_precision(recipe: Recipe, precision: Precision) -> None:
    """Refuses a number format that a model cannot have.

    Raises:
        ExportError: It cannot; the message names the flag and the formats that it can have.
    """
    choices = precisions_of(recipe)
    if precision not in choices:
        raise ExportError(
            f"--precision {precision}: a model of kind {recipe.model.kind} can be exported in "
            f"{' or '.join(choices)} alone"
        )


def has_portable_version(model_dir: Path) -> bool:
    """Whether a model has a version that every server can run.

    It computes in float32, and XLA does not compile it, which a server must allow.
    """
    for path in model_dir.glob(f"*/assets/{CONTRACT_ASSET}"):
        try:
            contract = Contract.from_json(path.read_bytes())
        except (OSError, ContractError):
            continue  # of another release, or just being removed
        is_plain = contract.precision is Precision.FLOAT32 and contract.shape_buckets is None
        if is_plain and path.parents[1].name.isdecimal():
            return True
    return False
