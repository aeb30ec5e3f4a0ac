"""Charts and tables of a report."""

from __future__ import annotations

import base64
import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from model_export.data.pictures import Picture
from model_export.evaluation.classification import classification_metrics
from model_export.evaluation.report import page
from model_export.evaluation.report.charts import Axes, Bar, Line, bar_chart, line_chart
from model_export.evaluation.report.confusions import confusion_section
from model_export.evaluation.report.examples import best_and_worst
from model_export.evaluation.report.lengths import length_groups, length_ratio
from model_export.evaluation.report.picture_examples import shown_picture


def parsed(markup: str) -> ET.Element:
    return ET.fromstring(markup)


def texts_of(tree: ET.Element) -> list[str]:
    return [text.text or "" for text in tree.iter("text")]


def test_bars_are_as_high_as_their_values_and_carry_their_intervals() -> None:
    bars = [Bar("1–4", "10", 0.5, 0.4, 0.6, "50.0%"), Bar("5", "9", 1.0, 0.9, 1.0, "100.0%")]
    tree = parsed(bar_chart(bars, Axes("accuracy by length", "tokens", "accuracy", is_share=True)))
    first, second = [rect for rect in tree.iter("rect") if rect.get("class") == "bar"]
    assert float(second.get("height", 0)) == pytest.approx(2 * float(first.get("height", 0)))
    assert {"50.0%", "1–4", "10", "tokens", "accuracy", "0%", "100%"} <= set(texts_of(tree))
    assert "125%" not in texts_of(tree)
    assert [path.get("class") for path in tree.iter("path")].count("interval") == 2
    assert tree.findtext("title") == "accuracy by length"
    assert tree.findtext("desc") == "1–4: 50.0%; 5: 100.0%"


def test_lines_go_through_their_points_and_end_with_their_names() -> None:
    lines = [Line("training", [(1, 3.0), (2, 1.0)]), Line("dev", [(1, 2.0), (2, 1.0)], dashed=True)]
    tree = parsed(line_chart(lines, Axes("losses", "step", "loss")))
    paths = [path for path in tree.iter("path") if path.get("class") == "line"]
    assert [path.get("stroke-dasharray") for path in paths] == [None, "5 4"]
    names = {text.text: float(text.get("y", 0)) for text in tree.iter("text") if text.get("y")}
    assert abs(names["training"] - names["dev"]) > 11  # equal ends, names beside each other
    assert tree.findtext("desc") == "training ends at 1; dev ends at 1"


def test_a_line_that_stays_level_can_be_drawn() -> None:
    assert parsed(line_chart([Line("dev", [(1, 0.0), (2, 0.0)])], Axes("a", "b", "c"))) is not None


def test_groups_of_lengths_hold_every_example_once() -> None:
    lengths = np.array([1, 1, 1, 2, 3, 5, 8, 8, 9, 30])
    groups = length_groups(lengths, most=3)
    assert [group.label for group in groups] == ["1–2", "3–8", "9–30"]
    indices = np.concatenate([group.indices for group in groups])
    assert sorted(indices.tolist()) == list(range(10))


def test_equal_lengths_are_one_group() -> None:
    assert [group.label for group in length_groups(np.array([4, 4, 4]))] == ["4"]
    assert [group.label for group in length_groups(np.array([7]))] == ["7"]


def test_outputs_are_as_long_as_their_references_or_they_are_not() -> None:
    assert length_ratio(["abc", "a"], [["ab", "x"], ["ab"]]) == 1.0
    assert length_ratio(["a"], [[""]]) == 1.0


def test_the_best_are_long_the_worst_short_and_none_is_both() -> None:
    qualities = np.array([1.0, 1.0, 0.0, 0.0, 0.5])
    best, worst = best_and_worst(qualities, np.array([3, 9, 2, 1, 4]))
    assert best == [1, 0, 4]
    assert worst == [3, 2]
    assert best_and_worst(np.array([1.0]), np.array([1])) == ([0], [])


def test_confusions_are_counted_named_and_painted() -> None:
    metrics = classification_metrics(["a", "b", "<b>"], [["a"], ["a"], ["<b>"]])
    shown = confusion_section(metrics)
    assert "var(--accent) 50%" in shown
    assert "&lt;b&gt;" in shown
    assert "<td>b</td><td>1</td>" in shown
    assert '<th scope="row">a</th><td>2</td><td>100.0%</td><td>50.0%</td><td>66.7%</td>' in shown
    assert '<th scope="row">b</th><td>0</td><td>0.0%</td><td>–</td>' in shown


def test_many_labels_have_no_matrix_and_no_mistakes_are_told() -> None:
    labels = [f"label {place}" for place in range(50)]
    shown = confusion_section(classification_metrics(labels, [[label] for label in labels]))
    assert "confusion matrix" not in shown
    assert "No label was taken for another." in shown


def test_a_page_is_whole_and_loads_nothing() -> None:
    written = page.document("a <b>", page.paragraph("x"), [("One", page.note("y"))], "end")
    assert written.startswith('<!DOCTYPE html>\n<html lang="en">')
    assert "<title>a &lt;b&gt;</title>" in written
    assert "default-src &#x27;none&#x27;" in written
    assert '<section aria-labelledby="s0"><h2 id="s0">One</h2>' in written
    assert "<script" not in written
    assert "http://" not in written.replace("http://www.w3.org/2000/svg", "")


def test_long_names_of_columns_are_turned() -> None:
    def shown(name: str) -> str:
        return page.value_table("t", caption="c", columns=["", name], rows=[("r", [("1", 1.0)])])

    assert 'class="turned"' in shown("a long name")
    assert 'class="turned"' not in shown("short")


def test_a_picture_stands_in_the_page_itself() -> None:
    for channel_count in (1, 3):
        pixels = np.arange(2 * 4 * channel_count, dtype=np.uint8).reshape(2, 4, channel_count)
        shown = shown_picture(Picture.of(pixels))
        data = shown.partition("base64,")[2].partition('"')[0]
        read = np.asarray(Image.open(io.BytesIO(base64.b64decode(data))))
        np.testing.assert_array_equal(read.reshape(pixels.shape), pixels)
        assert 'alt="the picture that is to be read"' in shown
