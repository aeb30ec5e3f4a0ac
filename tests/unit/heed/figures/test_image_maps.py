"""Weights over a picture as SVG."""

from __future__ import annotations

import base64
import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from heed.figures.image_maps import MOST_TOKENS, PictureFrame, image_maps, place_of_largest
from tests.support.answers import make_png

FRAME = PictureFrame(make_png(10, 4), 10, 4, cell_width=4.0, cell_height=2.0)
WEIGHTS = np.zeros((2, 2, 3), np.float32)
WEIGHTS[0, 1, 0] = 0.6
WEIGHTS[0, 0, 2] = 0.3
WEIGHTS[1, 0, 1] = 0.9
SVG = "{http://www.w3.org/2000/svg}"


def drawn(**changes):
    given = {"frame": FRAME, "weights": WEIGHTS, "labels": ["1", "<end>"], "name": "maps"}
    return ET.fromstring(image_maps(**{**given, **changes}))


def places(panel):
    return [each for each in panel.iter(f"{SVG}rect") if each.find(f"{SVG}title") is not None]


def test_every_token_has_the_picture_with_its_own_map():
    svg = drawn()
    first, second = svg.findall(f"{SVG}g")
    assert [text.text for text in first.iter(f"{SVG}text")] == ["1", "60%"]
    assert [text.text for text in second.iter(f"{SVG}text")] == ["<end>", "90%"]
    weak, strong = places(first)
    assert strong.find(f"{SVG}title").text == "row 2, column 1: 0.600"
    assert float(strong.get("fill-opacity")) == pytest.approx(0.75)
    assert float(weak.get("fill-opacity")) == pytest.approx(0.38)  # half of it, rounded
    (only,) = places(second)
    assert float(only.get("fill-opacity")) == pytest.approx(0.75)


def test_places_lie_on_the_picture_and_end_at_its_edge():
    scale = 180 / 10
    (weak, strong) = places(drawn().find(f"{SVG}g"))
    assert [float(strong.get(side)) for side in ("x", "y", "width", "height")] == pytest.approx(
        [0, 20 + 2 * scale, 4 * scale, 2 * scale]
    )
    assert float(weak.get("x")) == pytest.approx(8 * scale)
    assert float(weak.get("width")) == pytest.approx(2 * scale)  # of 4, 2 lie beyond the edge


def test_the_picture_is_there_once_and_used_by_every_panel():
    svg = drawn()
    (image,) = svg.iter(f"{SVG}image")
    kind, _, content = image.get("href").partition(",")
    assert kind == "data:image/png;base64"
    assert base64.b64decode(content) == FRAME.file
    uses = [use.get("href") for use in svg.iter(f"{SVG}use")]
    assert uses == [f"#{image.get('id')}"] * 2
    other = next(drawn(weights=WEIGHTS / 2).iter(f"{SVG}image"))
    assert other.get("id") != image.get("id")


def test_the_same_facts_are_told_in_words():
    described = drawn().find(f"{SVG}desc").text
    assert described == "1: row 2, column 1, 0.60; <end>: row 1, column 2, 0.90"
    assert place_of_largest(WEIGHTS[1]) == "row 1, column 2, 0.90"


def test_without_its_file_the_maps_lie_on_white():
    svg = drawn(frame=PictureFrame(b"", 10, 4, 4.0, 2.0))
    assert not list(svg.iter(f"{SVG}image"))
    assert not list(svg.iter(f"{SVG}use"))
    assert len(places(svg)) == 3


def test_after_many_tokens_no_more_are_drawn_and_it_is_said():
    count = MOST_TOKENS + 6
    svg = drawn(weights=np.ones((count, 2, 3), np.float32), labels=["a"] * count)
    assert len(svg.findall(f"{SVG}g")) == MOST_TOKENS
    assert svg.findall(f"{SVG}text")[-1].text == f"the first {MOST_TOKENS} of {count} tokens"
    width, height = map(float, re.split(" ", svg.get("viewBox"))[2:])
    assert width < 800 < height


def test_a_token_that_looked_nowhere_has_no_colour():
    assert not places(drawn(weights=np.zeros((2, 2, 3), np.float32)))
