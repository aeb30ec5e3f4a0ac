import sys
import warnings

import numpy as np
import pytest

from heed.client import Attention
from heed.views.errors import PlotError
from heed.views.fonts import families_for, with_code_points
from heed.views.picture import draw_attention, draw_heads, save_picture
from tests.support.client import make_attention, make_tokens

PNG_BEGIN = b"\x89PNG\r\n\x1a\n"


def labels_of(axis_labels):
    return [label.get_text() for label in axis_labels]


def map_of(picture):
    return picture.figure.axes[0]


def test_the_axes_name_their_tokens_and_the_title_says_what_it_is():
    attention = make_attention(["AH", "T"], ["a", "t", "t"], np.full((2, 3), 1 / 3))
    picture = draw_attention(attention, title="att → AH T")
    axes = map_of(picture)
    assert labels_of(axes.get_yticklabels()) == ["AH", "T"]
    assert labels_of(axes.get_xticklabels()) == ["a", "t", "t"]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("source", "target")
    assert picture.figure.get_suptitle() == "att → AH T"
    np.testing.assert_allclose(axes.images[0].get_array(), 1 / 3)
    assert axes.images[0].get_clim() == (0, 1)


def test_small_maps_carry_their_weights_as_numbers():
    axes = map_of(draw_attention(make_attention(["A"], ["a", "b"], [[0.996, 0.004]])))
    assert [text.get_text() for text in axes.texts] == ["1.00"]


def test_large_maps_keep_every_label_and_stay_of_a_sensible_size():
    words = [f"word{index}" for index in range(60)]
    picture = draw_attention(make_attention(words, words, np.eye(60)), title=" ".join(words))
    axes = map_of(picture)
    assert labels_of(axes.get_xticklabels()) == words
    assert not list(axes.texts)
    width_in, height_in = picture.figure.get_size_inches()
    assert 13 < width_in < 18
    assert 13 < height_in < 18
    assert picture.figure.get_suptitle().count("\n") <= 2


def test_huge_maps_thin_out_their_labels_and_stop_growing():
    words = [str(index) for index in range(800)]
    picture = draw_attention(make_attention(words, words, np.eye(800)))
    assert len(map_of(picture).get_xticklabels()) < 800
    assert max(picture.figure.get_size_inches()) < 50


def test_one_token_is_a_picture_too(tmp_path):
    path = tmp_path / "one.png"
    save_picture(draw_attention(make_attention(["A"], ["a"], [[1.0]]), title="a → A"), path)
    assert path.read_bytes().startswith(PNG_BEGIN)


@pytest.mark.parametrize(
    ("name", "begin"), [("a.png", PNG_BEGIN), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF")]
)
def test_the_ending_chooses_the_format(tmp_path, name, begin):
    attention = make_attention(["A"], ["a"], [[1.0]])
    attention.plot(tmp_path / name, title="a → A")
    assert (tmp_path / name).read_bytes().startswith(begin)


def test_an_unknown_ending_lists_the_known_ones(tmp_path):
    picture = draw_attention(make_attention(["A"], ["a"], [[1.0]]))
    with pytest.raises(PlotError, match=r"must end with \.png, \.svg, \.pdf"):
        save_picture(picture, tmp_path / "a.gif")


def test_a_folder_that_is_not_there_is_reported(tmp_path):
    picture = draw_attention(make_attention(["A"], ["a"], [[1.0]]))
    with pytest.raises(PlotError, match=r"cannot write .*No such file"):
        save_picture(picture, tmp_path / "none" / "a.png")


def test_dollar_signs_are_no_formulas(tmp_path):
    attention = make_attention(["$x^2$"], ["$"], [[1.0]])
    save_picture(draw_attention(attention, title="$\\frac$ → $"), tmp_path / "a.png")


def test_labels_without_a_font_become_code_points_and_nothing_warns(tmp_path):
    attention = make_attention(["\U000e0100x"], ["שלום"], [[1.0]])
    private = make_attention(["ab"], ["\u4e00\U00012000"], [[1.0]])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one in (attention, private):
            picture = draw_attention(one)
            save_picture(picture, tmp_path / "a.png")
    for character in picture.missing:
        assert f"U+{ord(character):04X}" in map_of(picture).get_xticklabels()[0].get_text()


def test_another_font_helps_out_where_the_first_lacks_a_character(tmp_path):
    families, missing = families_for(["a\u2313"])  # DejaVu Sans lacks it, others of matplotlib not
    assert (families[0], missing) == ("DejaVu Sans", frozenset())
    assert len(families) == 2
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        make_attention(["a\u2313"], ["a"], [[1.0]]).plot(tmp_path / "a.png")


def test_code_points_replace_only_what_is_missing():
    assert with_code_points("a注意b", frozenset("注意")) == "aU+6CE8 U+610F b"
    assert with_code_points("abc ", frozenset()) == "abc "


def test_latin_greek_and_hebrew_need_one_font():
    assert families_for(["naïve", "λόγος", "שלום"]) == (["DejaVu Sans"], frozenset())


def test_every_head_gets_its_own_map_in_its_own_place():
    heads = np.full((2, 2, 1, 2), 0.5, np.float32)
    heads[1, 1] = np.nan
    attention = Attention(make_tokens("A"), make_tokens("a", "b"), heads[0, 0], heads)
    figure = draw_heads(attention, title="ab → A").figure
    shown = [axes.get_title() for axes in figure.axes if axes.get_visible() and axes.get_title()]
    assert shown == ["layer 0, head 0", "layer 0, head 1", "layer 1, head 0"]


def test_heads_that_were_not_asked_for_cannot_be_drawn():
    with pytest.raises(ValueError, match="holds no heads"):
        draw_heads(make_attention(["A"], ["a"], [[1.0]]))


def test_without_matplotlib_the_message_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.startswith("matplotlib")]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.delitem(sys.modules, "heed.views.picture")
    monkeypatch.delitem(sys.modules, "heed.views.fonts", raising=False)
    with pytest.raises(PlotError, match=r'pip install "heed\[plot\]"'):
        make_attention(["A"], ["a"], [[1.0]]).plot()
