"""Which words of a source belong to which words of its translation."""

from __future__ import annotations

import gzip
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Final

from heed.text import TextToken, Tokenizer
from model_export.config import LinkFiles, LinkUnit
from model_export.data.examples import Example, ExampleSet, Link
from model_export.errors import DataError

_LINK: Final = re.compile(r"(\d+)([-p?])(\d+)")
_WORD: Final = re.compile(r"\S+")


def read_links(path: Path) -> list[tuple[Link, ...]]:
    """Reads a file in Pharaoh's format: a line for each pair, with links such as `0-0 1-2 2p1`.

    The first number is the source's word or piece, the second the target's, from 0; `-` stands
    for a sure link, `p` or `?` for a possible one. A line may be empty.

    Args:
        path: The file; with ".gz" at the end it is unpacked.

    Raises:
        DataError: It is missing, or a line is not of this format.
    """
    try:
        content = path.read_bytes()
        text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    except (OSError, EOFError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {path}: {error}") from error
    rows = text.removesuffix("\n").split("\n") if text else []
    return [_parse(row, path, number) for number, row in enumerate(rows, start=1)]


def with_links(examples: ExampleSet, files: LinkFiles, data_dir: Path | None) -> ExampleSet:
    """Examples with the links that files have for them.

    Args:
        examples: All examples of a data set.
        files: Names of files in `data_dir`, or paths; each has a line for every example.
        data_dir: The folder of the data; none = the current folder.

    Raises:
        DataError: A file is missing, not in the format, or has not as many lines as there are
            examples, or links words that an example does not have.
    """
    folder = data_dir or Path()
    return ExampleSet(
        train=_linked(examples.train, folder, files.train, files.unit),
        dev=_linked(examples.dev, folder, files.dev, files.unit),
        test=_linked(examples.test, folder, files.test, files.unit),
    )


def piece_links(
    links: Sequence[Link], *, source: Sequence[int | None], target: Sequence[int | None]
) -> list[tuple[int, int]]:
    """Links between words as links between all of their pieces: target and source position.

    Args:
        links: Between words.
        source: The word of each source piece, as `words_of_pieces` gives it.
        target: Likewise.
    """
    linked = {(link.source, link.target) for link in links}
    return [
        (target_piece, source_piece)
        for target_piece, target_word in enumerate(target)
        for source_piece, source_word in enumerate(source)
        if (source_word, target_word) in linked
    ]


def words_of_pieces(
    text: str, tokens: Sequence[TextToken], unit: LinkUnit = LinkUnit.WORD
) -> list[int | None]:
    """Which word each piece belongs to: words are what white space separates.

    Args:
        text: The text.
        tokens: Its pieces.
        unit: With PIECE, every piece is a word of its own.

    Returns:
        A word's index for each piece, from 0; none for a piece of white space alone.
    """
    if unit is LinkUnit.PIECE:
        return list(range(len(tokens)))
    spans = [match.span() for match in _WORD.finditer(text)]
    return [
        next(
            (
                index
                for index, (begin, end) in enumerate(spans)
                if begin < token.end and token.begin < end
            ),
            None,
        )
        for token in tokens
    ]


def pair_links(
    example: Example, *, source_tokenizer: Tokenizer, target_tokenizer: Tokenizer, unit: LinkUnit
) -> list[tuple[int, int]]:
    """An example's links between pieces of its source and its first reference."""
    source, target = example.source, example.references[0]
    return piece_links(
        example.links or (),
        source=words_of_pieces(source, source_tokenizer.encode(source), unit),
        target=words_of_pieces(target, target_tokenizer.encode(target), unit),
    )


def _linked(
    examples: tuple[Example, ...], folder: Path, name: str | None, unit: LinkUnit
) -> tuple[Example, ...]:
    if name is None:
        return examples
    links = read_links(folder / name)
    if len(links) != len(examples):
        raise DataError(
            f"{folder / name} has {len(links)} lines of links for {len(examples)} examples: write "
            "the texts to align with `heed pairs`"
        )
    if unit is LinkUnit.WORD:
        for number, (example, row) in enumerate(zip(examples, links, strict=True), start=1):
            _check_words(example, row, where=f"{folder / name}, line {number}")
    return tuple(
        replace(example, links=found) for example, found in zip(examples, links, strict=True)
    )


def _check_words(example: Example, links: Sequence[Link], *, where: str) -> None:
    """That the words are there: links of other texts are found out by this."""
    sources, targets = len(example.source.split()), len(example.references[0].split())
    for link in links:
        if link.source >= sources or link.target >= targets:
            raise DataError(
                f"{where}: the link {link.source}-{link.target} is beyond the {sources} source and "
                f"{targets} target words of its example"
            )


def _parse(row: str, path: Path, number: int) -> tuple[Link, ...]:
    links = []
    for item in row.split():
        match = _LINK.fullmatch(item)
        if match is None:
            raise DataError(f"{path}, line {number}: {item!r} is no link such as 0-0 or 1p2")
        links.append(Link(int(match[1]), int(match[3]), is_sure=match[2] == "-"))
    return tuple(links)
