"""The small model of `exported_model` once more, its decoding compiled by XLA.

    from tests.support.exported_xla import xla_models_dir

    def test_something(xla_models_dir: Path) -> None: ...

`xla_models_dir` holds the model "g2p" in version 1, for batches of up to 8 rows and beams of up to
4 hypotheses, with its warm-up. It is made once, in a process of its own.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Final

import pytest

from tests.support.exported_model import models_dir_of, random_exportable

ROWS: Final = 8
BEAM_WIDTH: Final = 4


@pytest.fixture(scope="session")
def xla_models_dir() -> Path:
    """A models directory with the model "g2p", version 1."""
    return models_dir_of("tests.support.exported_xla")


def _export(models_dir: Path) -> None:
    from model_export.export.export_model import export_model
    from model_export.export.xla import with_xla

    exportable = with_xla(
        random_exportable(), rows=(ROWS,), source_tokens=(), beam_width=BEAM_WIDTH
    )
    export_model(exportable, models_dir, verify=_check)


def _check(version_dir: Path) -> None:
    """The checks of the contract alone: the others would compile every shape once more."""
    from model_export.export.contract_check import check_contract
    from model_export.export.graph_session import GraphSession

    with GraphSession(version_dir) as session:
        check_contract(version_dir, session)


if __name__ == "__main__":
    _export(Path(sys.argv[1]))
