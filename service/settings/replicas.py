"""How calls are spread over several model servers, and what follows a failure."""

from __future__ import annotations

from typing import Self

from pydantic import Field, model_validator

from service.settings.base import SettingsGroup


class ReplicaSettings(SettingsGroup):
    """How calls are spread over several model servers, and what follows a failure."""

    retry_budget: float = Field(
        default=0.2,
        ge=0,
        le=1,
        description="Batches sent again to another model server after a failure, as a share of "
        "all batches; 0 turns repetitions off.",
    )
    hedge_after_ms: float | None = Field(
        default=None,
        gt=0,
        description="Milliseconds after which a batch is sent to a second model server too; the "
        "first answer counts. Off unless set.",
    )
    hedge_percentile: float | None = Field(
        default=None,
        ge=50,
        lt=100,
        description="The same after what so many percent of like batches take. Off unless set.",
    )
    eject_after_failures: int = Field(
        default=5,
        ge=0,
        description="Failed batches in a row after which a model server gets no calls for a while; "
        "0 turns every ejection off.",
    )
    eject_failed_share: float = Field(
        default=0.5,
        gt=0,
        le=1,
        description="Share of failed batches that ejects a model server, if the others do better.",
    )
    eject_slower_than: float = Field(
        default=5.0,
        gt=1,
        description="A model server that takes so many times as long as the others is ejected.",
    )
    ejection_s: float = Field(
        default=5.0,
        gt=0,
        description="Seconds of the first ejection; each further one is twice as long.",
    )
    longest_ejection_s: float = Field(
        default=300.0, gt=0, description="Seconds of the longest ejection."
    )

    @model_validator(mode="after")
    def _one_rule_hedges(self) -> Self:
        if self.hedge_after_ms is not None and self.hedge_percentile is not None:
            raise ValueError("give either --hedge-after-ms or --hedge-percentile")
        return self

    @model_validator(mode="after")
    def _ejections_grow(self) -> Self:
        if self.longest_ejection_s < self.ejection_s:
            raise ValueError(
                f"--longest-ejection-s: must be at least --ejection-s, {self.ejection_s:g}"
            )
        return self
