"""Makes the pictures of the attention explorer for the documentation: docs/images/explorer*.png.

It needs Chromium, and a gateway with two models that translate, such as `small-vocab-en-fr` trained
as it stands and as a Transformer:

    heed train small-vocab-en-fr --data-dir DIR --out runs/bahdanau
    heed train small-vocab-en-fr --data-dir DIR --out runs/transformer \
        'model={kind: transformer, encoder_layers: 2, decoder_layers: 3, width: 96,
        feed_forward_width: 192, max_source_tokens: 64, max_target_tokens: 64}' \
        training.learning_rate=0.002
    heed export runs/bahdanau --models-dir models --name en-fr-bahdanau
    heed export runs/transformer --models-dir models --name en-fr-transformer
    heed serve --models-dir models

Usage: python tools/explorer_screenshots.py [--url http://127.0.0.1:8080]
"""

from __future__ import annotations

import argparse
import shutil
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

IMAGES = Path(__file__).parents[1] / "docs" / "images"
TEXT = "new jersey is sometimes quiet during autumn , and it is snowy in april ."
FIRST, SECOND = "en-fr-bahdanau", "en-fr-transformer"
WAIT = (
    "count => [...document.querySelectorAll('.answer')].length === count && "
    "document.querySelectorAll('[data-part=heat-map]').length === count"
)


@dataclass(frozen=True)
class Picture:
    """A picture to make.

    Attributes:
        name: Its file's name, without the suffix.
        view: What the link holds.
        theme: "light" or "dark".
        width: Of the window, in CSS pixels.
        height: The most of the page that is in it, in CSS pixels.
        panels: How many answers it shows.
    """

    name: str
    view: dict[str, str] = field(default_factory=dict)
    theme: str = "light"
    width: int = 1280
    height: int = 1500
    panels: int = 1


PICTURES = (
    Picture("explorer", {"model": FIRST, "at": "4."}),
    Picture(
        "explorer-compare",
        {"model": FIRST, "model2": SECOND},
        theme="dark",
        width=1280,
        height=1560,
        panels=2,
    ),
    Picture("explorer-phone", {"model": SECOND, "heads": "1"}, width=390, height=1500),
)


def main() -> None:
    """Makes every picture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    url = parser.parse_args().url
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox"]
        )
        for picture in PICTURES:
            _make(browser, url, picture)
        browser.close()


def _make(browser: Browser, url: str, picture: Picture) -> None:
    page = browser.new_page(
        viewport={"width": picture.width, "height": 900}, color_scheme=picture.theme
    )
    page.goto(f"{url}/#{urllib.parse.urlencode({'text': TEXT, **picture.view})}")
    page.wait_for_function(WAIT, arg=picture.panels)
    if "at" in picture.view:
        page.wait_for_selector(".what-if .chip")
    if "heads" in picture.view:
        page.wait_for_selector("[data-part=heads]")
    page.wait_for_timeout(500)
    path = IMAGES / f"{picture.name}.png"
    page.screenshot(path=path, full_page=True)
    page.close()
    _shrink(path, picture.height)


def _shrink(path: Path, height: int) -> None:
    """Cuts it to its height, and to the 256 colours that come nearest to its own."""
    with Image.open(path) as image:
        cut = image.convert("RGB").crop((0, 0, image.width, min(height, image.height)))
    colours = cut.quantize(256, method=Image.Quantize.MEDIANCUT, kmeans=5, dither=Image.Dither.NONE)
    colours.save(path, optimize=True)


if __name__ == "__main__":
    main()
