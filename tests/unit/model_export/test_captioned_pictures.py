"""Pictures of one's own, in files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from heed.contract import ImageInput
from model_export.config import DataKind, DataSettings
from model_export.data.load import load_examples
from model_export.errors import DataError
from tests.support.exported_pictures import png, strip_pixels

IMAGE = ImageInput(height=8, max_width=40, cell_height=4, cell_width=4)
SETTINGS = DataSettings(kind=DataKind.CAPTIONED_PICTURES)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "scans").mkdir()
    for width in (8, 16):
        content = png(strip_pixels(width, height=8))
        (tmp_path / "scans" / f"{width}.png").write_bytes(content)
    (tmp_path / "train.tsv").write_text("scans/8.png\ta cat\nscans/16.png\ta dog\n")
    (tmp_path / "dev.tsv").write_text("scans/16.png\ta dog\tsome dog\n")
    return tmp_path


def test_pictures_are_read_as_the_gateway_reads_them(folder: Path) -> None:
    examples = load_examples(SETTINGS, folder, image=IMAGE)

    first, second = examples.train
    assert (first.source, first.references) == ("scans/8.png", ("a cat",))
    assert first.picture is not None
    assert second.picture is not None
    assert np.array_equal(first.picture.pixels[:, :, 0], strip_pixels(8, height=8))
    assert second.picture.columns.shape == (16, 8, 1)
    assert examples.dev[0].references == ("a dog", "some dog")
    assert examples.test == ()


def test_only_what_is_taken_is_read(folder: Path) -> None:
    (folder / "scans" / "16.png").unlink()
    settings = SETTINGS.model_copy(update={"max_train_pairs": 1})
    (folder / "dev.tsv").write_text("scans/8.png\ta cat\n")

    assert len(load_examples(settings, folder, image=IMAGE).train) == 1
    with pytest.raises(DataError, match=r"cannot read .*16\.png: No such file"):
        load_examples(SETTINGS, folder, image=IMAGE)


def test_a_picture_that_does_not_fit_is_named(folder: Path) -> None:
    (folder / "scans" / "8.png").write_bytes(b"no picture")
    with pytest.raises(DataError, match=r"8\.png must be a PNG or JPEG file"):
        load_examples(SETTINGS, folder, image=IMAGE)
    (folder / "scans" / "8.png").write_bytes(png(strip_pixels(41, height=8)))
    with pytest.raises(DataError, match=r"8\.png must be at most 5 times as wide as high"):
        load_examples(SETTINGS, folder, image=IMAGE)


def test_the_folder_must_be_given() -> None:
    with pytest.raises(DataError, match="name its folder with --data-dir"):
        load_examples(SETTINGS, None, image=IMAGE)
