"""`heed caption`: reads or describes pictures."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Final

from heed.cli.arguments import (
    FILE_ENDINGS,
    JSON_ONLY,
    NO_ATTENTION,
    TERMINAL,
    Parser,
    add_gateway_arguments,
    add_model_arguments,
    attention_view,
    make_parser,
    model_of,
    natural_int,
    positive_int,
)
from heed.cli.picture_arguments import is_picture
from heed.cli.running import run_command
from heed.cli.search_arguments import (
    add_search_arguments,
    check_search,
    prints_several,
    search_of,
)

if TYPE_CHECKING:
    from heed.cli.numbered_files import NumberedFiles
    from heed.client import AttentionLevel, CaptionResult

_DESCRIPTION: Final = """\
Writes a line for each FILE, a PNG or JPEG picture: what is to be read in it, or
what it shows, as the model was taught.

With --attention every token that was written gets the picture once more, with a
map over it of where the model looked.

With --num-hypotheses or --num-samples every picture gets a line for each output:
its place, its score and its text, separated by tabs. The attention shown is the
first one's."""

_EXAMPLES: Final = """\
  heed caption strip.png
  heed caption strip.png --attention where.png
  heed caption scans/*.png > texts.txt
  heed caption --json strip.png | jq .text
  heed caption strip.png --beam-width 4 --num-hypotheses 3"""

_PICTURES_PER_CALL: Final = 16
_BYTES_PER_CALL: Final = 3 * 1024 * 1024


def main(argv: list[str]) -> int:
    """Runs `heed caption` and returns the exit status."""
    parser = _parser()
    arguments = parser.parse_args(argv)
    check_search(parser, arguments)
    if arguments.attention is None:
        arguments.attention = JSON_ONLY if arguments.json else NO_ATTENTION
    return run_command(_caption, arguments)


def _parser() -> Parser:
    parser = make_parser("caption", description=_DESCRIPTION, examples=_EXAMPLES)
    parser.add_argument("files", nargs="+", metavar="FILE", type=Path, help="a picture")
    add_model_arguments(parser)
    parser.add_argument(
        "--max-length", metavar="N", type=positive_int, help="the most tokens of a text"
    )
    parser.add_argument(
        "--min-length", metavar="N", type=natural_int, help="the fewest tokens of a text"
    )
    parser.add_argument("--prefix", metavar="TEXT", default="", help="how every text must begin")
    parser.add_argument(
        "--attention",
        metavar="WHERE",
        type=_file_view,
        help="where to show the attention: none (default), or a file: OUT.png, OUT.svg, OUT.pdf, "
        "OUT.html (a page to explore it), OUT.json; with several pictures the files are OUT-1.png, "
        "OUT-2.png, ...",
    )
    parser.add_argument(
        "--attention-level",
        choices=("pieces", "words"),
        default="pieces",
        help="what gets a map: the tokens of the model (default), or words",
    )
    parser.add_argument(
        "--json",
        action="store_true",
        help="print each answer as a line of JSON, attention included unless --attention none",
    )
    add_search_arguments(parser)
    add_gateway_arguments(parser)
    return parser


def _file_view(text: str) -> str:
    if text == TERMINAL:
        raise argparse.ArgumentTypeError(
            f"maps over a picture are files: give a name that ends with {', '.join(FILE_ENDINGS)}"
        )
    return attention_view(text)


def _caption(arguments: argparse.Namespace) -> None:
    from heed.cli.connecting import client_for
    from heed.cli.picture_files import picture_chunks, placed_picture
    from heed.client import HeedError

    files = _attention_files(arguments)
    with client_for(arguments) as client:
        asking = client.with_search(search_of(arguments))
        try:
            for chunk in picture_chunks(
                arguments.files, most=_PICTURES_PER_CALL, most_bytes=_BYTES_PER_CALL
            ):
                try:
                    results = asking.caption(
                        [picture.content for picture in chunk],
                        model=model_of(arguments),
                        attention=_level(arguments),
                        max_length=arguments.max_length,
                        min_length=arguments.min_length,
                        prefix=arguments.prefix,
                    )
                except HeedError as error:
                    raise placed_picture(error, chunk) from error
                for picture, result in zip(chunk, results, strict=True):
                    _print_answer(picture.path, result, arguments)
                    if files is not None:
                        files.write(picture.number, result)
        finally:
            if files is not None:
                files.close()


def _level(arguments: argparse.Namespace) -> AttentionLevel:
    from heed.client import AttentionLevel

    if arguments.attention == NO_ATTENTION:
        return AttentionLevel.NONE
    return AttentionLevel(arguments.attention_level)


def _attention_files(arguments: argparse.Namespace) -> NumberedFiles[CaptionResult] | None:
    from heed.cli.numbered_files import NumberedFiles

    if arguments.attention in (NO_ATTENTION, JSON_ONLY):
        return None
    path = Path(arguments.attention)
    if is_picture(path):
        import heed.views.image_map  # noqa: F401  # says at once if matplotlib is missing
    return NumberedFiles(path, _save)


def _save(path: Path, result: CaptionResult) -> None:
    from heed.cli.attention_output import save_document, save_with_note
    from heed.cli.documents import image_attention_document
    from heed.figures.visible import one_line

    if result.attention is None:
        return
    if path.suffix.lower() == ".json":
        save_document(path, image_attention_document(result.attention))
        return
    if not is_picture(path):
        from heed.views.standalone import save_page

        save_page(path, result)
        return
    from heed.views.image_map import draw_image_maps

    save_with_note(draw_image_maps(result.attention, title=one_line(result.text)), path)


def _print_answer(path: Path, result: CaptionResult, arguments: argparse.Namespace) -> None:
    from heed.cli.documents import as_json_line, caption_document
    from heed.figures.visible import one_line

    if arguments.json:
        document = {"file": str(path), **caption_document(result)}
        print(as_json_line(document), flush=True)
    elif not prints_several(arguments):
        print(one_line(result.text), flush=True)
    else:
        for place, each in enumerate(result.captions, start=1):
            print(place, f"{each.score:.3f}", one_line(each.text), sep="\t", flush=True)
