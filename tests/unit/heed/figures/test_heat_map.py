import xml.etree.ElementTree as ET

import numpy as np

from heed.figures.heat_map import COLOUR, MapText, heat_map, thumbnail

SVG = "{http://www.w3.org/2000/svg}"


def drawn(weights, rows, columns, **more):
    matrix = np.array(weights, np.float32)
    return ET.fromstring(heat_map(matrix, MapText(rows, columns, "Attention", **more)))


def cells_of(tree):
    return [rect for rect in tree.iter(f"{SVG}rect") if rect.find(f"{SVG}title") is not None]


def texts_of(tree):
    return [text.text for text in tree.iter(f"{SVG}text")]


def test_every_weight_is_a_cell_of_its_strength_in_its_place():
    tree = drawn([[0.25, 0.0], [0.001, 1.0]], ["A", "B"], ["a", "b"])
    first, last = cells_of(tree)
    assert [first.get("fill-opacity"), last.get("fill-opacity")] == ["0.25", "1"]
    assert first.get("fill") == COLOUR
    side = float(first.get("width"))
    assert float(last.get("x")) - float(first.get("x")) == side
    assert float(last.get("y")) - float(first.get("y")) == side


def test_pointing_at_a_cell_tells_its_weight():
    tree = drawn([[0.25, 0.75]], ["A"], ["a", "b"])
    assert [cell.find(f"{SVG}title").text for cell in cells_of(tree)] == [
        "A ← a: 0.250",
        "A ← b: 0.750",
    ]


def test_labels_axes_and_scale_are_written():
    texts = texts_of(drawn([[0.25, 0.75]], ["A"], ["a", "b"]))
    assert texts == [".25", ".75", "A", "a", "b", "target", "source", "0", "1", "attention weight"]
    assert texts_of(drawn([[1.0]], ["A"], ["a"], row_axis="", column_axis="", scale="")) == [
        "1.00",
        "A",
        "a",
    ]


def test_the_picture_has_a_name_and_tells_where_each_row_looked_most():
    tree = drawn([[0.25, 0.75], [0.9, 0.1]], ["A", "B"], ["a", "b"])
    assert tree.get("role") == "img"
    assert tree.find(f"{SVG}title").text == "Attention"
    assert tree.find(f"{SVG}desc").text == "A: b 0.75; B: a 0.90"


def test_large_maps_thin_out_their_labels_and_stay_within_a_page():
    names = [f"t{place}" for place in range(200)]
    tree = drawn(np.eye(200), names, names)
    assert float(tree.get("width")) < 900
    assert len(cells_of(tree)) == 200
    assert 10 < len(texts_of(tree)) < 150


def test_long_labels_are_cut_and_foreign_ones_are_kept_whole():
    tree = drawn([[1.0]], ["x" * 100], ["שָׁלוֹם"])
    texts = texts_of(tree)
    assert any(text.startswith("xxx") and text.endswith("…") for text in texts)
    assert "שָׁלוֹם" in texts


def test_markup_in_labels_is_text():
    assert "<script>" in texts_of(drawn([[1.0]], ["<script>"], ["a"]))


def test_no_rows_are_a_picture_too():
    assert not cells_of(drawn(np.zeros((0, 2)), [], ["a", "b"]))


def test_a_thumbnail_is_the_cells_alone():
    tree = ET.fromstring(thumbnail(np.array([[0.5, 0.5]]), "layer 0, head 1"))
    assert tree.find(f"{SVG}title").text == "layer 0, head 1"
    assert not texts_of(tree)
    assert len(list(tree.iter(f"{SVG}rect"))) == 3
