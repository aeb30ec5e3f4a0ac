"""Models and their versions as the gateway knows them."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from heed.contract import Contract
from heed.text import Tokenizer
from service.errors import InvalidRequestError


@dataclass(frozen=True, slots=True)
class ModelSelector:
    """What a caller asks for.

    Attributes:
        name: The model's name; empty for the only model of the gateway.
        version: The version, 1 or more; None for the newest that is ready.
    """

    name: str = ""
    version: int | None = None


@dataclass(frozen=True, slots=True, order=True)
class VersionKey:
    """One version of one model."""

    name: str
    version: int


@dataclass(frozen=True, slots=True)
class LoadedVersion:
    """A version whose contract was read and found to hold.

    Attributes:
        key: Which version.
        contract: What it says about itself.
        source_tokenizer: How source text becomes tokens.
        target_tokenizer_if_any: How target tokens become text; None of a classifier.
    """

    key: VersionKey
    contract: Contract
    source_tokenizer: Tokenizer
    target_tokenizer_if_any: Tokenizer | None

    @property
    def target_tokenizer(self) -> Tokenizer:
        """How target tokens become text.

        Raises:
            InvalidRequestError: The model is a classifier, and writes no text.
        """
        if self.target_tokenizer_if_any is None:
            raise InvalidRequestError.of(
                "model", f"{self.key.name!r} classifies texts and writes none: use Classify"
            )
        return self.target_tokenizer_if_any


class Readiness(StrEnum):
    """Whether a model can answer, and if not, why."""

    READY = "ready"
    LOADING = "loading"
    UNREACHABLE = "unreachable"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model at one moment; replaced whole when anything changes.

    Attributes:
        name: The model's name.
        readiness: Whether a request without a version can be answered.
        versions: The versions that are ready, newest first.
        status_message: Why it is not ready, or why a newer version was refused; else empty.
    """

    name: str
    readiness: Readiness = Readiness.LOADING
    versions: tuple[LoadedVersion, ...] = field(default=())
    status_message: str = "the model server has not been asked yet"

    @property
    def is_ready(self) -> bool:
        """Whether a request without a version can be answered."""
        return self.readiness is Readiness.READY

    @property
    def version_numbers(self) -> tuple[int, ...]:
        """The versions that are ready, newest first."""
        return tuple(loaded.key.version for loaded in self.versions)

    def find(self, version: int) -> LoadedVersion | None:
        """The version, if it is ready."""
        return next((v for v in self.versions if v.key.version == version), None)
