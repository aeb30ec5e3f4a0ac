"""Picture files as models read them."""

from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image

from heed.contract import ImageInput
from heed.pictures import PictureError, read_picture

GREY = ImageInput(height=8, max_width=32, cell_height=4, cell_width=4)
COLOUR = ImageInput(height=8, max_width=32, channel_count=3, cell_height=4, cell_width=4)
MOST = 10_000


def file_of(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    content = io.BytesIO()
    picture.save(content, kind, **options)
    return content.getvalue()


def noise(*shape: int) -> Any:
    return np.random.default_rng(1).integers(0, 256, shape).astype(np.uint8)


def test_a_picture_of_the_models_height_is_not_changed() -> None:
    pixels = noise(8, 20)

    read = read_picture(file_of(Image.fromarray(pixels)), GREY, max_pixels=MOST)

    assert read.columns.shape == (20, 8, 1)
    assert read.columns.dtype == np.uint8
    assert np.array_equal(read.columns[:, :, 0].T, pixels)
    assert (read.width, read.height) == (20, 8)


def test_other_heights_are_scaled_in_proportion() -> None:
    read = read_picture(file_of(Image.new("L", (30, 16), 77)), GREY, max_pixels=MOST)

    assert read.columns.shape == (15, 8, 1)
    assert (read.columns == 77).all()
    assert (read.width, read.height) == (30, 16)


def test_a_narrow_picture_has_at_least_one_column() -> None:
    read = read_picture(file_of(Image.new("L", (1, 64))), GREY, max_pixels=MOST)

    assert read.columns.shape == (1, 8, 1)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_colours_stay_or_become_brightness(kind: str) -> None:
    content = file_of(Image.new("RGB", (8, 8), (255, 0, 0)), kind)

    colours = read_picture(content, COLOUR, max_pixels=MOST).columns[4, 4].astype(int)
    brightness = int(read_picture(content, GREY, max_pixels=MOST).columns[4, 4, 0])

    assert abs(colours - [255, 0, 0]).max() <= 2
    assert abs(brightness - 76) <= 1  # ITU-R 601-2: 0.299 of 255


def test_what_is_transparent_is_white() -> None:
    clear = file_of(Image.new("RGBA", (8, 8), (0, 0, 0, 0)))
    palette = Image.new("P", (8, 8), 0)
    palette.putpalette([0, 0, 0, 10, 10, 10])
    clear_palette = file_of(palette, transparency=0)

    for content in (clear, clear_palette):
        assert (read_picture(content, GREY, max_pixels=MOST).columns == 255).all()


def test_sixteen_bits_become_eight() -> None:
    wide = Image.fromarray(np.full((8, 8), 128 * 257, np.uint16))

    read = read_picture(file_of(wide), GREY, max_pixels=MOST)

    assert (read.columns == 128).all()


def test_a_photograph_is_turned_upright() -> None:
    pixels = np.zeros((8, 16), np.uint8)
    pixels[:, 8:] = 255
    exif = Image.Exif()
    exif[0x0112] = 6  # the camera was turned: the left edge is the top
    content = file_of(Image.fromarray(pixels), "JPEG", exif=exif, quality=100)

    read = read_picture(content, GREY, max_pixels=MOST)

    assert (read.width, read.height) == (8, 16)
    assert read.columns[:, :3].max() < 30
    assert read.columns[:, 5:].min() > 225


def chunk(kind: bytes, content: bytes) -> bytes:
    """A chunk of a PNG file."""
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)


@pytest.mark.parametrize("side", [101, 12_000, 60_000])
def test_too_many_pixels_are_refused_before_they_are_decoded(side: int) -> None:
    """There are no pixels at all behind the header."""
    header = struct.pack(">IIBBBBB", side, side, 8, 0, 0, 0, 0)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"")

    with pytest.raises(PictureError, match="must have at most 10000 pixels"):
        read_picture(bomb, GREY, max_pixels=MOST)


def test_the_limit_of_pixels_is_named() -> None:
    content = file_of(Image.new("1", (200, 100)))

    with pytest.raises(PictureError, match=r"at most 10000 pixels, has 200 x 100 = 20000"):
        read_picture(content, GREY, max_pixels=MOST)


def test_a_picture_too_wide_for_the_model_is_refused() -> None:
    with pytest.raises(PictureError, match=r"at most 4 times as wide as high .* is 33 x 8 pixels"):
        read_picture(file_of(Image.new("L", (33, 8))), GREY, max_pixels=MOST)


@pytest.mark.parametrize(
    "content",
    [b"", b"no picture", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0", b"GIF89a"],
    ids=["empty", "text", "png", "jpeg", "gif"],
)
def test_what_is_no_picture_is_refused(content: bytes) -> None:
    with pytest.raises(PictureError, match="must be a"):
        read_picture(content, GREY, max_pixels=MOST)


def test_a_picture_of_another_kind_is_refused() -> None:
    for kind in ("GIF", "BMP", "TIFF"):
        with pytest.raises(PictureError, match="must be a PNG or JPEG file"):
            read_picture(file_of(Image.new("L", (8, 8)), kind), GREY, max_pixels=MOST)


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_picture_cut_short_is_refused(kind: str) -> None:
    content = file_of(Image.fromarray(noise(64, 64)), kind)

    with pytest.raises(PictureError, match="damaged"):
        read_picture(content[: len(content) // 2], GREY, max_pixels=MOST)


def test_damaged_pictures_never_raise_anything_else() -> None:
    content = bytearray(file_of(Image.fromarray(noise(24, 24, 3)), "PNG"))
    random = np.random.default_rng(2)
    for _ in range(300):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 3):
            damaged[place] = random.integers(0, 256)
        try:
            read = read_picture(bytes(damaged), COLOUR, max_pixels=MOST)
        except PictureError:
            continue
        assert read.columns.shape[1:] == (8, 3)


def test_a_compressed_text_that_unpacks_to_far_more_is_refused() -> None:
    picture = file_of(Image.new("L", (8, 8)))
    text = chunk(b"zTXt", b"name\x00\x00" + zlib.compress(bytes(80 * 1024 * 1024)))
    after_header = 8 + 25
    bomb = picture[:after_header] + text + picture[after_header:]

    with pytest.raises(PictureError):
        read_picture(bomb, GREY, max_pixels=MOST)
