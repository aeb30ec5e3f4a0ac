"""Arguments that say how pictures look."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from heed.cli.arguments import Parser
from heed.cli.search_arguments import number

PICTURE_ENDINGS: Final = (".png", ".svg", ".pdf")


@dataclass(frozen=True, slots=True)
class PictureLook:
    """How a picture looks.

    Attributes:
        title: What stands above it; None = the answer.
        width_mm: How wide it is, in millimetres; None = as wide as it needs to be.
    """

    title: str | None = None
    width_mm: float | None = None


def add_picture_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--title` and `--width-mm`."""
    group = parser.add_argument_group("pictures (--attention FILE.png, FILE.svg or FILE.pdf)")
    group.add_argument(
        "--title",
        metavar="TITLE",
        help='what to write above them; "" for nothing (default: the answer)',
    )
    group.add_argument(
        "--width-mm",
        metavar="MM",
        type=number,
        help="how wide they are, 40 to 1000 millimetres: 85 for a column of a paper (default: as "
        "wide as they need to be)",
    )


def picture_look(parser: Parser, arguments: argparse.Namespace) -> PictureLook:
    """How pictures are to look; refuses flags where no picture is made."""
    for flag, value in (("--title", arguments.title), ("--width-mm", arguments.width_mm)):
        if value is not None and not is_picture(Path(arguments.attention)):
            parser.error(f"{flag} is for --attention FILE{', FILE'.join(PICTURE_ENDINGS)}")
    return PictureLook(arguments.title, arguments.width_mm)


def is_picture(path: Path) -> bool:
    """Whether a file is to be drawn."""
    return path.suffix.lower() in PICTURE_ENDINGS
