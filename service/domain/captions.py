"""Captions: what callers ask for and what they get, free of any protocol."""

from __future__ import annotations

from dataclasses import dataclass

from service.domain.answers import Hypothesis, Timings
from service.domain.models import ModelSelector, VersionKey
from service.domain.requests import GenerateOptions, Priority


@dataclass(frozen=True, slots=True)
class CaptionCall:
    """Pictures to describe or read.

    Attributes:
        model: Which model.
        images: The pictures' files.
        options: Options for all of them.
        deadline: When the answer is of no use any more, on the event loop's clock in seconds.
        priority: Whether somebody waits for it.
    """

    model: ModelSelector
    images: tuple[bytes, ...]
    options: GenerateOptions
    deadline: float | None = None
    priority: Priority = Priority.INTERACTIVE


@dataclass(frozen=True, slots=True)
class ImageGrid:
    """The places of a picture that attention is over, numbered row by row from the top.

    Attributes:
        image_width: Width of the picture in its own pixels, upright.
        image_height: Its height, likewise.
        column_count: Columns of the grid.
        row_count: Rows of the grid.
        cell_width: Width of a place in the picture's own pixels.
        cell_height: Height of a place, likewise.
    """

    image_width: int
    image_height: int
    column_count: int
    row_count: int
    cell_width: float
    cell_height: float


@dataclass(frozen=True, slots=True)
class CaptionedImage:
    """The answer to one picture.

    Attributes:
        grid: What the columns of its attention are.
        hypotheses: The outputs, best first; at least one.
    """

    grid: ImageGrid
    hypotheses: tuple[Hypothesis, ...]


@dataclass(frozen=True, slots=True)
class CaptionAnswer:
    """The answer to a call; every result comes from one version, in the order of the request."""

    model: VersionKey
    results: tuple[CaptionedImage, ...]
    timings: Timings
