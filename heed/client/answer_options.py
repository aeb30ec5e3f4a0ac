"""What answers tell beside texts and scores. `docs/answers.md` says what each option brings."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class WeightFormat(StrEnum):
    """The number format in which weights travel."""

    FLOAT32 = "float32"
    FLOAT16 = "float16"


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """What answers tell beside texts and scores; used with `Client.with_answers`.

    Attributes:
        alignments: Which source word each word of an output comes from; needs no attention level.
        min_alignment_weight: Leaves out pairs with a smaller weight, 0 to 1.
        heads_of_words: With attention="heads": rows and columns are words, not pieces.
        top_weights: Fetch so many of the largest weights of each row, 1 to 1000; the others read
            as 0. None: every weight.
        weight_format: "float32", or "float16" for half the size: at most 0.05 % off.
        replace_unknown: Of generated outputs alone: write the source word that was looked at most
            in the place of a token that is unknown.

    Raises:
        ValueError: There is no such number format.
    """

    alignments: bool = False
    min_alignment_weight: float = 0.0
    heads_of_words: bool = False
    top_weights: int | None = None
    weight_format: WeightFormat | str = WeightFormat.FLOAT32
    replace_unknown: bool = False

    def __post_init__(self) -> None:
        try:
            WeightFormat(self.weight_format)
        except ValueError as error:
            choices = ", ".join(f'"{choice}"' for choice in WeightFormat)
            raise ValueError(
                f"weight_format is {self.weight_format!r}; it must be one of {choices}"
            ) from error
