"""What the queue tells whoever measures it."""

from __future__ import annotations

from enum import StrEnum
from typing import Protocol


class DropReason(StrEnum):
    """Why a row left the queue unanswered."""

    CANCELLED = "cancelled"
    DEADLINE = "deadline"


class BatchObserver(Protocol):
    """Hears of everything that happens to waiting rows and batches."""

    def queue(self, *, tokens: int, rows: int) -> None:
        """What waits now."""

    def queue_limit(self, tokens: int) -> None:
        """The most tokens that may wait."""

    def dropped(self, reason: str, rows: int = 1) -> None:
        """Rows left the queue unanswered, for a `DropReason`."""

    def batch_sent(
        self, *, model: str, rows: int, tokens: int, padded_tokens: int, max_tokens: int
    ) -> None:
        """A batch left for a model server; tokens are without padding."""

    def batch_ended(self, *, model: str, seconds: float, is_ok: bool) -> None:
        """A batch came back, answered or failed."""

    def in_flight(self, batches: int, *, limit: int) -> None:
        """How many batches are in the model servers, and how many of the last model may be."""


class NoObserver:
    """Hears and does nothing."""

    def queue(self, *, tokens: int, rows: int) -> None:
        """Does nothing."""

    def queue_limit(self, tokens: int) -> None:
        """Does nothing."""

    def dropped(self, reason: str, rows: int = 1) -> None:
        """Does nothing."""

    def batch_sent(
        self, *, model: str, rows: int, tokens: int, padded_tokens: int, max_tokens: int
    ) -> None:
        """Does nothing."""

    def batch_ended(self, *, model: str, seconds: float, is_ok: bool) -> None:
        """Does nothing."""

    def in_flight(self, batches: int, *, limit: int) -> None:
        """Does nothing."""
