"""Examples, and the splits they come in."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, TypeVar

from heed.contract import ImageInput
from model_export.data.pictures import Picture
from model_export.errors import DataError

_Item = TypeVar("_Item")


class Split(StrEnum):
    """What examples are for."""

    TRAIN = "train"
    DEV = "dev"
    TEST = "test"


class Link(NamedTuple):
    """A word of the source and a word of its translation that belong together.

    Attributes:
        source: The source's word, from 0.
        target: The target's word, from 0.
        is_sure: Whether it must be found; else it may be.
    """

    source: int
    target: int
    is_sure: bool = True


@dataclass(frozen=True, slots=True)
class Example:
    """A source with every target text that is right for it, one or more.

    Attributes:
        source: The source text; of a picture, its name.
        references: What is right for it; of a labelled text, its label.
        marks: Parts of the source where attention ought to be, if that is known: begin and end
            (exclusive) of each, in Unicode code points.
        links: Which words of the source and of the first reference belong together; none = that
            is not known.
        picture: The source, if it is a picture.
    """

    source: str
    references: tuple[str, ...]
    marks: tuple[tuple[int, int], ...] = ()
    links: tuple[Link, ...] | None = None
    picture: Picture | None = None


@dataclass(frozen=True, slots=True)
class ExampleSet:
    """A data set; no source is in two splits."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    test: tuple[Example, ...]

    def split(self, split: Split) -> tuple[Example, ...]:
        """The examples of a split."""
        return {Split.TRAIN: self.train, Split.DEV: self.dev, Split.TEST: self.test}[split]


def training_pairs(examples: Sequence[Example]) -> list[tuple[str, str]]:
    """A pair of source and target for every reference."""
    return [(example.source, target) for example in examples for target in example.references]


def picture_pairs(
    examples: Sequence[Example], image: ImageInput
) -> tuple[list[Picture], list[str]]:
    """A picture and a target for every reference.

    Args:
        examples: Pictures.
        image: What pictures the model reads.

    Raises:
        DataError: An example is no picture, or one of another height or other channels.
    """
    pictures, targets = [], []
    form = (image.height, image.channel_count)
    for example in examples:
        picture = example.picture
        if picture is None or picture.columns.shape[1:] != form:
            found = "is none" if picture is None else f"is {picture.columns.shape[1:]}"
            raise DataError(
                f"{example.source}: expected a picture of (height, channels) {form}, but it {found}"
            )
        for target in example.references:
            pictures.append(picture)
            targets.append(target)
    return pictures, targets


def take_evenly(items: Sequence[_Item], limit: int | None) -> list[_Item]:
    """At most `limit` items, spread over the whole sequence; all of them if `limit` is None."""
    if limit is None or limit >= len(items):
        return list(items)
    return [items[index * len(items) // limit] for index in range(limit)]


def fingerprint(
    pairs: Sequence[tuple[str, str]], links: Sequence[Sequence[tuple[int, int]]] | None = None
) -> str:
    """SHA-256 of training pairs, their order, and their links if there are any; 64 hex digits."""
    digest = hashlib.sha256("\n".join("\t".join(pair) for pair in pairs).encode())
    if links is not None:
        digest.update(repr([list(row) for row in links]).encode())
    return digest.hexdigest()
