"""What a gateway has to keep to under load."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from loadtest.errors import LoadTestError
from loadtest.samples import Load

_Milliseconds = Annotated[float, Field(gt=0)]


class _Table(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class LatencyObjectives(_Table):
    """The longest latencies, in milliseconds: of half, of 95 % and of 99 % of the answers."""

    p50: _Milliseconds
    p95: _Milliseconds
    p99: _Milliseconds

    @property
    def by_share(self) -> dict[str, tuple[float, float]]:
        """The share of the answers and its bound in seconds, by name."""
        return {
            "p50": (0.50, self.p50 / 1e3),
            "p95": (0.95, self.p95 / 1e3),
            "p99": (0.99, self.p99 / 1e3),
        }


class ErrorObjectives(_Table):
    """The largest share of requests that may fail, 0 to 1."""

    max_share: float = Field(ge=0, le=1)


class RateObjectives(_Table):
    """The least requests a second that have to be carried."""

    least: float = Field(default=0.0, ge=0)


class Objectives(_Table):
    """All of them; the highest rate that meets the first two is searched for."""

    latency_ms: LatencyObjectives
    errors: ErrorObjectives
    requests_per_s: RateObjectives = RateObjectives()

    def broken_by(self, load: Load) -> list[str]:
        """What a load does not keep to, in words; empty: it meets them."""
        broken = [
            f"{name} {1e3 * load.latency_s(share):.0f} ms over {1e3 * bound_s:.0f} ms"
            for name, (share, bound_s) in self.latency_ms.by_share.items()
            if load.latency_s(share) > bound_s
        ]
        if load.error_share > self.errors.max_share:
            broken.append(f"{load.error_share:.2%} failed, over {self.errors.max_share:.2%}")
        return broken


def read_objectives(path: Path) -> Objectives:
    """Reads a file of objectives.

    Raises:
        LoadTestError: It cannot be read, or a value is missing, unknown or out of range.
    """
    try:
        return Objectives.model_validate(tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LoadTestError(f"cannot read objectives from {path}: {error}") from error
    except ValidationError as error:
        places = "; ".join(
            f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors()
        )
        raise LoadTestError(f"the objectives in {path} are wrong: {places}") from error
