"""Models and their versions as the gateway knows them."""

from __future__ import annotations

from collections.abc import Mapping
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
        version: The version, 1 or more; None for the one that calls without a version go to.
        label: The version with this label; empty for none. Not together with a version.
    """

    name: str = ""
    version: int | None = None
    label: str = ""


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
        source_tokenizer_if_any: How source text becomes tokens; None of a model that reads
            pictures.
        target_tokenizer_if_any: How target tokens become text; None of a classifier.
        fingerprint: SHA-256 of the contract and the tokenizers as they were read.
    """

    key: VersionKey
    contract: Contract
    source_tokenizer_if_any: Tokenizer | None
    target_tokenizer_if_any: Tokenizer | None
    fingerprint: str = ""

    @property
    def source_tokenizer(self) -> Tokenizer:
        """How source text becomes tokens.

        Raises:
            InvalidRequestError: The model reads pictures, and no text.
        """
        if self.source_tokenizer_if_any is None:
            raise InvalidRequestError.of(
                "model", f"{self.key.name!r} reads pictures, and no texts: use Caption"
            )
        return self.source_tokenizer_if_any

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


class VersionCondition(StrEnum):
    """What became of a version that a model server has."""

    READY = "ready"
    LOADING = "loading"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version at one moment.

    Attributes:
        version: The version.
        condition: Ready if at least one model server answers it; refused if it breaks its
            contract; failed if the model servers could not load it.
        replica_count: How many model servers answer it.
        message: What is wrong with it, on some or all model servers; else empty.
        labels: Its labels, in the alphabet's order.
        traffic_share: Its share of the calls that name no version, 0 to 1.
    """

    version: int
    condition: VersionCondition
    replica_count: int = 0
    message: str = ""
    labels: tuple[str, ...] = ()
    traffic_share: float = 0.0


@dataclass(frozen=True, slots=True)
class CanaryShare:
    """The share of the calls that name no version which a version gets, above 0 to 1."""

    version: int
    share: float


@dataclass(frozen=True, slots=True)
class ModelState:
    """A model at one moment; replaced whole when anything changes.

    Attributes:
        name: The model's name.
        readiness: Whether a request without a version can be answered.
        versions: The versions that are ready, newest first.
        status_message: Why it is not ready, or why a newer version was refused; else empty.
        current_version: The version that answers calls without a version, but for the canaries'
            share of them; None while none is ready.
        canaries: Versions that are tried out, those that are ready.
        labels: The versions that labels stand for, ready or not.
        version_states: Every version that a model server has, newest first.
        replica_count: How many model servers there are.
        healthy_replica_count: How many of them answer and know the model.
    """

    name: str
    readiness: Readiness = Readiness.LOADING
    versions: tuple[LoadedVersion, ...] = field(default=())
    status_message: str = "the model server has not been asked yet"
    current_version: int | None = None
    canaries: tuple[CanaryShare, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    version_states: tuple[VersionState, ...] = ()
    replica_count: int = 0
    healthy_replica_count: int = 0

    @property
    def current(self) -> LoadedVersion | None:
        """The version that answers calls without a version."""
        return None if self.current_version is None else self.find(self.current_version)

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
