"""How the rows of a call are decoded: at once, or in growing parts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from service.batching.batcher import RowAnswer
from service.domain.signatures import InputArray, PredictTarget


class RunRows(Protocol):
    """Takes rows of one call to the model server and awaits their answers, in order."""

    async def __call__(
        self,
        target: PredictTarget,
        inputs: Sequence[dict[str, InputArray]],
        *,
        is_admitted: bool = False,
    ) -> Sequence[RowAnswer]:
        """Runs them; `is_admitted` as in `service.pipeline.rows.run_rows`."""
        ...


class Decoding(Protocol):
    """A way to get the answers of rows."""

    async def __call__(
        self, run: RunRows, target: PredictTarget, inputs: Sequence[dict[str, InputArray]]
    ) -> Sequence[RowAnswer]:
        """The answers of the rows, in order; `run` is called as often as it takes."""
        ...


async def decode_at_once(
    run: RunRows, target: PredictTarget, inputs: Sequence[dict[str, InputArray]]
) -> Sequence[RowAnswer]:
    """Every row from its start to its end in one go."""
    return await run(target, inputs)
