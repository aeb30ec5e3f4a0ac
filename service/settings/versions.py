"""Which version answers a call that names none, and what labels mean."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Self, TypeVar

from pydantic import Field, field_validator, model_validator

from service.settings.base import SettingsGroup, split_commas

Parsed = TypeVar("Parsed")

MAX_LABELS: Final = 16
"""The most labels of a model: each is asked of each model server again and again."""

_NAME: Final = r"(?P<model>[A-Za-z0-9][A-Za-z0-9._-]{0,62})"
_CANARY: Final = re.compile(_NAME + r":(?P<version>\d{1,18})=(?P<share>\d*\.?\d+)(?P<percent>%?)")
_LABEL: Final = re.compile(
    _NAME + r":(?P<label>[A-Za-z][A-Za-z0-9._-]{0,62})(=(?P<version>\d{1,18}))?"
)


class RollOut(StrEnum):
    """How many model servers must have a new version before calls without a version go to it."""

    ONE = "one"
    HALF = "half"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Canary:
    """A version that gets a share of a model's calls without a version, above 0 to 1."""

    model: str
    version: int
    share: float

    @staticmethod
    def parse(text: str) -> Canary:
        """Reads NAME:VERSION=WEIGHT.

        Raises:
            ValueError: It is something else.
        """
        found = _CANARY.fullmatch(text)
        share = 0.0
        if found is not None:
            share = float(found["share"]) / (100 if found["percent"] else 1)
        if found is None or not 0 < share <= 1 or int(found["version"]) < 1:
            raise ValueError(
                "expected NAME:VERSION=WEIGHT with a weight above 0 and up to 100%, for example "
                f"g2p:7=5% or g2p:7=0.05, got {text!r}"
            )
        return Canary(found["model"], int(found["version"]), share)


@dataclass(frozen=True, slots=True)
class ModelLabel:
    """A label of a model, and the version it stands for; None: the model servers know."""

    model: str
    label: str
    version: int | None

    @staticmethod
    def parse(text: str) -> ModelLabel:
        """Reads NAME:LABEL or NAME:LABEL=VERSION.

        Raises:
            ValueError: It is something else.
        """
        found = _LABEL.fullmatch(text)
        if found is None or found["version"] == "0":
            raise ValueError(
                "expected NAME:LABEL=VERSION, or NAME:LABEL if the model servers know its "
                f"version, for example g2p:stable=6, got {text!r}"
            )
        version = found["version"]
        return ModelLabel(found["model"], found["label"], int(version) if version else None)


class VersionSettings(SettingsGroup):
    """Which version answers a call that names none, and what labels mean."""

    roll_out: RollOut = Field(
        default=RollOut.HALF,
        description="How many of the model servers must have a new version before calls that name "
        "no version go to it.",
    )
    canary: tuple[Canary, ...] = Field(
        default=(),
        description="A version that gets a share of its model's calls that name no version, for "
        "example g2p:7=5%; may be repeated.",
    )
    canary_seed: int = Field(
        default=0, description="Decides, with a call's request id, which calls go to canaries."
    )
    model_label: tuple[ModelLabel, ...] = Field(
        default=(),
        description="A name for a version, for example g2p:stable=6; may be repeated. Without "
        "=VERSION the model servers are asked which version it stands for.",
    )

    @field_validator("canary", mode="before")
    @classmethod
    def _parse_canaries(cls, value: object) -> object:
        return _parse_all(value, Canary.parse)

    @field_validator("model_label", mode="before")
    @classmethod
    def _parse_labels(cls, value: object) -> object:
        return _parse_all(value, ModelLabel.parse)

    @model_validator(mode="after")
    def _canaries_fit(self) -> Self:
        for model in {canary.model for canary in self.canary}:
            own = [canary for canary in self.canary if canary.model == model]
            if len({canary.version for canary in own}) != len(own):
                raise ValueError(f"--canary: names a version of {model} twice")
            if sum(canary.share for canary in own) > 1 + 1e-9:
                raise ValueError(f"--canary: the weights of {model} are more than 100% together")
        return self

    @model_validator(mode="after")
    def _labels_fit(self) -> Self:
        for model in {label.model for label in self.model_label}:
            names = [label.label for label in self.model_label if label.model == model]
            if len(set(names)) != len(names):
                raise ValueError(f"--model-label: gives a label of {model} twice")
            if len(names) > MAX_LABELS:
                raise ValueError(f"--model-label: {model} may have at most {MAX_LABELS} labels")
        return self


def check_models(settings: VersionSettings, served: Sequence[str]) -> None:
    """Checks that canaries and labels are those of models that are served.

    Raises:
        ValueError: One is not.
    """
    for flag, models in (
        ("--canary", [canary.model for canary in settings.canary]),
        ("--model-label", [label.model for label in settings.model_label]),
    ):
        for model in models:
            if model not in served:
                raise ValueError(
                    f"{flag}: no model {model!r} is served; the models are {', '.join(served)}"
                )


def _parse_all(value: object, parse: Callable[[str], Parsed]) -> object:
    """Reads a list of texts, as `split_commas` has it; leaves anything else."""
    parts = split_commas(value)
    if not isinstance(parts, list | tuple):
        return value
    return tuple(parse(part) if isinstance(part, str) else part for part in parts)
