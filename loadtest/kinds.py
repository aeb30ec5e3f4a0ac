"""What is asked, and how often."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random


class AskKind(StrEnum):
    """What is asked.

    PLAIN: Generate of one text.
    ATTENTION: the same with attention.
    BEAM: the same by beam search.
    STREAM: StreamGenerate of one text.
    BULK: GenerateMany of several texts; it takes as long as its last answer.
    """

    PLAIN = "plain"
    ATTENTION = "attention"
    BEAM = "beam"
    STREAM = "stream"
    BULK = "bulk"


@dataclass(frozen=True)
class Mix:
    """How often each kind comes.

    Attributes:
        weights: By kind; 0 or more, and not all 0.
    """

    weights: Mapping[AskKind, float] = field(default_factory=lambda: {AskKind.PLAIN: 1.0})

    def __post_init__(self) -> None:
        if min(self.weights.values(), default=-1) < 0 or not sum(self.weights.values()) > 0:
            raise ValueError("a mix needs weights of 0 or more, at least one of them above 0")

    @classmethod
    def parse(cls, text: str) -> Mix:
        """Reads "plain=8,attention=1,bulk=1"; "beam" alone is "beam=1".

        Raises:
            ValueError: It is not such a list; the message says what is.
        """
        weights: dict[AskKind, float] = {}
        for part in text.split(","):
            name, _, weight = part.strip().partition("=")
            try:
                weights[AskKind(name)] = float(weight or 1)
            except ValueError as error:
                kinds = ", ".join(AskKind)
                raise ValueError(
                    f"{part.strip()!r} in the mix is not KIND=WEIGHT with a kind of {kinds}"
                ) from error
        return cls(weights)

    def draw(self, random: Random) -> AskKind:
        """A kind at random."""
        return random.choices(list(self.weights), list(self.weights.values()))[0]
