"""The explorer with a model that reads pictures: its maps, its files and its links."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from playwright.sync_api import Browser, Page

from tests.support.explorer import download, strongest_place
from tests.support.explorer_pictures import explorer_pictures_dir
from tests.support.exported_pictures import STRIPS, png, strip_pixels
from tests.support.gateway import GatewayProcess, running_gateway
from tests.support.web import (
    accessibility_violations,
    as_shown,
    browser,
    focus_line,
    open_page,
    shown_table,
    wait_for_answer,
    word,
)

__all__ = ["browser", "explorer_pictures_dir"]

pytestmark = pytest.mark.timeout(600)  # a model is made and loaded before the first test

SVG = "{http://www.w3.org/2000/svg}"
LEAST_TOKENS = 3
"""The model has learnt nothing, and might end at once."""
VIEW = {"model": STRIPS, "unit": "pieces", "stretch": "1", "minLength": str(LEAST_TOKENS)}
LARGE = png(strip_pixels(240, height=80))
"""More than travels in a link."""


@dataclass(frozen=True)
class Strip:
    """A picture, and what the API says of it.

    Attributes:
        path: Its file.
        labels: What was written, without the end.
        weights: Float [T, places], row by row over the picture.
        grid: The places.
    """

    path: Path
    labels: list[str]
    weights: Any
    grid: dict[str, Any]

    def best_place(self, row: int) -> tuple[int, int]:
        """Row and column of a token's largest weight."""
        return divmod(int(np.argmax(self.weights[row])), int(self.grid["columnCount"]))


@pytest.fixture(scope="module")
def gateway(explorer_pictures_dir: Path) -> Iterator[GatewayProcess]:
    with running_gateway(["--models-dir", str(explorer_pictures_dir), "--http-port=0"]) as one:
        yield one


@pytest.fixture(scope="module")
def strip(gateway: GatewayProcess, tmp_path_factory: pytest.TempPathFactory) -> Strip:
    content = png(strip_pixels(80))
    path = tmp_path_factory.mktemp("strip") / "strip.png"
    path.write_bytes(content)
    body = {
        "images": [{"content": base64.b64encode(content).decode()}],
        "model": {"name": STRIPS},
        "options": {"attention": "ATTENTION_LEVEL_PIECES", "minLength": LEAST_TOKENS},
    }
    with httpx.Client(base_url=gateway.url, timeout=60) as client:
        (result,) = client.post("/v1/caption", json=body).raise_for_status().json()["results"]
    attention, grid = result["hypotheses"][0]["attention"], result["grid"]
    weights = np.reshape(attention["weights"], (-1, grid["rowCount"] * grid["columnCount"]))
    tokens = [token["text"] for token in attention["targetTokens"]]
    return Strip(path, tokens, weights, grid)


def read(page: Page, path: Path) -> None:
    """Chooses a picture and asks."""
    page.wait_for_selector("input[type=file]")
    page.locator("input[type=file]").set_input_files(path)
    page.wait_for_selector(".picture-field img")
    page.get_by_role("button", name="Read", exact=True).click()
    wait_for_answer(page)


def copied_link(page: Page) -> tuple[str, str]:
    """The link, and what the page says of it."""
    page.get_by_role("button", name="Copy link").click()
    page.wait_for_selector("text=Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    return str(link), page.locator(".said").inner_text()


def test_a_picture_is_read_and_every_character_shows_where_it_looked(
    browser: Browser, gateway: GatewayProcess, strip: Strip
) -> None:
    with open_page(browser, gateway.url, VIEW) as page:
        read(page, strip.path)
        last = len(strip.weights) - 1
        word(page, "target", last).hover()
        row, column = strip.best_place(last)
        weight = as_shown(strip.weights[last].max())
        assert f"“row {row + 1}, column {column + 1}” {weight}" in focus_line(page)
        assert strongest_place(page, strip.grid) == int(np.argmax(strip.weights[last]))
        assert not accessibility_violations(page)


def test_without_a_picture_nothing_is_asked(browser: Browser, gateway: GatewayProcess) -> None:
    with open_page(browser, gateway.url, VIEW) as page:
        page.wait_for_selector("input[type=file]")
        page.get_by_role("button", name="Read", exact=True).click()
        field = page.locator("input[type=file]")
        assert field.evaluate("field => field.validity.valueMissing")
        assert page.locator(".answer").count() == 0


def test_maps_over_the_picture_are_saved_one_for_each_token(
    browser: Browser, gateway: GatewayProcess, strip: Strip
) -> None:
    with open_page(browser, gateway.url, VIEW) as page:
        read(page, strip.path)
        assert download(page, "Maps over the picture, PNG").read_bytes().startswith(b"\x89PNG\r\n")
        every = ET.parse(download(page, "Maps over the picture, SVG")).getroot()
        assert page.get_by_role("button", name="Links, PNG").count() == 0
        page.locator(".menu").evaluate("menu => menu.open = false")
        word(page, "target", 0).click()
        page.wait_for_selector("[data-side=target][aria-pressed=true]")
        one = ET.parse(download(page, "Maps over the picture, SVG")).getroot()
    assert len(list(every.iter(f"{SVG}use"))) == len(strip.weights)
    (image,) = every.iter(f"{SVG}image")
    assert (image.get("width"), image.get("height")) == ("80", "24")
    written = [text.text for text in every.iter(f"{SVG}text")]
    for row, label in enumerate(strip.labels):
        assert (label or "⟨end⟩") in written
        assert f"largest {as_shown(strip.weights[row].max())}" in written
    assert len(list(one.iter(f"{SVG}use"))) == 1
    assert place_of_strongest(one, strip.grid) == strip.best_place(0)


def place_of_strongest(svg: ET.Element, grid: dict[str, Any]) -> tuple[int, int]:
    """Row and column of the place over the only picture that is coloured most."""
    (use,) = svg.iter(f"{SVG}use")
    numbers = [float(each) for each in re.findall(r"-?[\d.]+", use.get("transform") or "")]
    left, top, scale = numbers[:3]
    shown = [
        each
        for each in svg.iter(f"{SVG}rect")
        if each.get("fill-opacity") and float(each.get("width") or 0) > 4
    ]
    strongest = max(shown, key=lambda each: float(each.get("fill-opacity") or 0))
    x, y = float(strongest.get("x") or 0), float(strongest.get("y") or 0)
    cell = grid["cellWidth"] * scale
    return round((y - top) / cell), round((x - left) / cell)


def test_a_link_holds_a_small_picture_and_restores_the_view(
    browser: Browser, gateway: GatewayProcess, strip: Strip
) -> None:
    with open_page(browser, gateway.url, {**VIEW, "text": "not for pictures"}) as page:
        read(page, strip.path)
        word(page, "target", 1).click()
        page.wait_for_selector("[data-side=target][aria-pressed=true]")
        link, said = copied_link(page)
        line, table = focus_line(page), shown_table(page)
    assert said == "Link copied"
    assert "picture=" in link
    assert "text=" not in link
    with open_page(browser, link) as again:
        wait_for_answer(again)
        assert focus_line(again) == line
        assert shown_table(again) == table
        # The address of another view in the same tab is followed as well.
        again.evaluate("location.hash = location.hash.replace('at=1.', 'at=0.')")
        again.wait_for_function(
            "line => document.querySelector('[data-part=focus]')?.textContent !== line", arg=line
        )
        wait_for_answer(again)
        assert as_shown(strip.weights[0].max()) in focus_line(again)


def test_a_link_without_its_picture_asks_for_it_and_restores_the_rest(
    browser: Browser, gateway: GatewayProcess, tmp_path: Path
) -> None:
    path = tmp_path / "large strip.png"
    path.write_bytes(LARGE)
    with open_page(browser, gateway.url, VIEW) as page:
        read(page, path)
        page.get_by_label("Hide weights below").fill("0.01")
        word(page, "target", 1).click()
        page.wait_for_selector("[data-side=target][aria-pressed=true]")
        link, said = copied_link(page)
        line, table = focus_line(page), shown_table(page)
    assert said == "Link copied; the picture is too large for it"
    assert "picture=" not in link
    assert len(link) < 400
    with open_page(browser, link) as again:
        again.wait_for_selector(".missing-picture")
        assert "large strip.png was too large for the link" in again.locator(
            ".missing-picture"
        ).inner_text().replace("\n", " ")
        assert again.locator(".answer").count() == 0
        assert again.get_by_role("combobox", name="Model", exact=True).input_value() == STRIPS
        assert not accessibility_violations(again)
        again.locator("input[type=file]").set_input_files(path)
        wait_for_answer(again)
        assert again.locator(".missing-picture").count() == 0
        assert focus_line(again) == line
        assert shown_table(again) == table
        assert again.get_by_label("Hide weights below").input_value() == "0.01"
