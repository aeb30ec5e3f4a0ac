import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from heed.client import Attention
from heed.views.shown import as_html, as_text
from tests.support.answers import make_answer, make_caption, make_classified, make_score
from tests.support.client import make_attention

ATTENTION = make_attention(["A", "B"], ["a", "b"], [[0.9, 0.1], [0.2, 0.8]])


def test_an_answer_shows_its_text_its_score_and_its_attention():
    shown = as_html(make_answer(ATTENTION))
    assert "a&lt;b" in shown
    assert "AB</bdi></strong>" in shown
    assert "score −1.50" in shown
    assert "61%" in shown  # exp(-0.5)
    assert "A ← a: 0.900" in shown


def test_an_answer_without_attention_shows_the_rest():
    assert "<svg" not in as_html(make_answer())
    assert as_text(make_answer()).plain == "a<b → AB   (score -1.50)"


def test_a_score_shows_what_it_is_of():
    result = make_score(ATTENTION)
    assert "score −1.50" in as_html(result)
    assert as_text(result).plain.startswith("ab → AB   (score -1.50)\n\n")


def test_every_head_has_a_small_picture():
    heads = np.stack([np.stack([ATTENTION.weights, ATTENTION.weights])])
    shown = as_html(
        Attention(ATTENTION.target_tokens, ATTENTION.source_tokens, ATTENTION.weights, heads)
    )
    assert shown.count("<svg") == 3
    assert "layer 0, head 1</figcaption>" in shown


def test_a_classification_shows_labels_paint_and_sentences():
    shown = as_html(make_classified())
    assert "positive 90.0%" in shown
    assert 'title="0.750"' in shown.split(">good<")[0]
    assert "100% good film" in shown
    assert "<span" not in as_html(make_classified(with_attention=False))


@pytest.mark.parametrize(
    "value",
    [
        ATTENTION,
        make_answer(ATTENTION),
        make_classified(),
        make_classified().attention,
        make_caption(),
        make_caption().attention,
    ],
)
def test_notebooks_get_html_and_text(value):
    bundle = value._repr_mimebundle_()
    assert bundle["text/html"] == as_html(value)
    assert bundle["text/plain"] == as_text(value).plain


def printed(value, width):
    console = Console(file=io.StringIO(), width=width, color_system=None)
    console.print(value)
    return console.file.getvalue()


def test_rich_prints_a_map_as_wide_as_the_console():
    words = [f"word{place}" for place in range(20)]
    attention = make_attention(words, words, np.eye(20))
    assert max(map(len, printed(attention, 60).splitlines())) <= 60
    assert len(printed(attention, 60).splitlines()) > len(printed(attention, 200).splitlines())


def test_rich_marks_what_it_cannot_paint():
    assert "████" in printed(make_classified(), 80)
    assert "positive 90.0%" in printed(make_classified(), 80)
    assert printed(make_classified(with_attention=False), 80).endswith("good film\n")


def test_what_has_no_picture_says_so():
    for show in (as_html, as_text):
        with pytest.raises(TypeError, match="a float has no picture"):
            show(1.0)


def test_a_caption_shows_its_picture_once_for_every_token():
    shown = as_html(make_caption())
    assert "1</bdi></strong>" in shown
    assert "score −1.50" in shown
    assert shown.count("<use") == 2
    assert "row 1, column 1: 0.750" in shown
    assert "<svg" not in as_html(make_caption(with_attention=False))


def test_a_caption_as_text_tells_where_every_token_looked():
    assert as_text(make_caption()).plain.splitlines() == [
        "1   (score -1.50)",
        "",
        "    1  row 1, column 1, 0.75",
        "<end>  row 1, column 2, 1.00",
        "the largest weight of each; the grid has 1 x 2 places",
    ]
    assert str(make_caption().attention) in as_text(make_caption()).plain
    assert as_text(make_caption(with_attention=False)).plain == "1   (score -1.50)"


def test_every_head_over_a_picture_has_maps_where_there_are_several():
    one = make_caption().attention
    missing = np.full_like(one.weights, np.nan)
    several = np.stack([np.stack([one.weights, one.weights[::-1], missing])])
    for heads, count in ((one.weights[None, None], 0), (several, 2)):
        shown = as_html(dataclasses.replace(one, heads=heads))
        assert shown.count("</figcaption>") == count
        assert shown.count("<svg") == 1 + count
