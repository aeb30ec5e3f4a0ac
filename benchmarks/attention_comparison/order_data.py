"""Letters to be copied or reversed, with the right alignment."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from benchmarks.attention_comparison.results import make_folder
from model_export.runs.training_run import write_atomically

COPY: Final = "copy"
REVERSE: Final = "reverse"
TRAIN_COUNT: Final = 16_000
DEV_COUNT: Final = 500
_LETTERS: Final = string.ascii_lowercase[:20]
_LENGTHS: Final = (3, 7)


def write_order_data(folder: Path) -> None:
    """Writes train.tsv, dev.tsv and dev.links, always the same, if they are not there.

    Raises:
        RunError: They cannot be written.
    """
    make_folder(folder)
    sources = list(_different_sources(TRAIN_COUNT + DEV_COUNT))
    dev, train = sources[:DEV_COUNT], sources[DEV_COUNT:]
    links = [" ".join(f"{source}-{target}" for source, target in links_of(text)) for text in dev]
    for name, lines in (
        ("train.tsv", [f"{text}\t{target_of(text)}" for text in train]),
        ("dev.tsv", [f"{text}\t{target_of(text)}" for text in dev]),
        ("dev.links", links),
    ):
        write_atomically(folder / name, ("\n".join(lines) + "\n").encode())


def target_of(text: str) -> str:
    """What is right for a source such as "reverse a b c"."""
    order, *letters = text.split()
    return " ".join(letters if order == COPY else reversed(letters))


def links_of(text: str) -> list[tuple[int, int]]:
    """Source and target word of every letter, from 0."""
    order, *letters = text.split()
    places = range(1, len(letters) + 1)
    right = places if order == COPY else reversed(places)
    return [(source, target) for target, source in enumerate(right)]


def _different_sources(count: int) -> Iterator[str]:
    chance = random.Random(1)
    known: set[str] = set()
    while len(known) < count:
        letters = chance.choices(_LETTERS, k=chance.randint(*_LENGTHS))
        text = " ".join([chance.choice((COPY, REVERSE)), *letters])
        if text not in known:
            known.add(text)
            yield text
