import sys
import warnings
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg

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
    (cells,) = axes.collections
    np.testing.assert_allclose(cells.get_array(), 1 / 3)
    assert cells.get_clim() == (0, 1)


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


@pytest.mark.parametrize("ending", ["png", "svg", "pdf"])
def test_the_same_picture_is_the_same_file(tmp_path, ending):
    attention = make_attention(["A"], ["a"], [[1.0]])
    for name in ("first", "second"):
        attention.plot(tmp_path / f"{name}.{ending}", title="a → A")
    first, second = ((tmp_path / f"{name}.{ending}").read_bytes() for name in ("first", "second"))
    assert first == second


def test_text_in_an_svg_is_text_and_its_cells_are_shapes(tmp_path):
    attention = make_attention(["שלום", "é\u0302"], ["東"], [[0.9], [0.4]])
    attention.plot(tmp_path / "a.svg", title="東 → שלום")
    tree = ET.parse(tmp_path / "a.svg").getroot()
    texts = {text.text for text in tree.iter("{http://www.w3.org/2000/svg}text")}
    assert {"שלום", "é\u0302", "source", "target", "attention weight", ".90"} <= texts
    assert 'id="QuadMesh_1"' in (tmp_path / "a.svg").read_text()


def test_text_in_a_pdf_is_in_an_embedded_truetype_font(tmp_path):
    make_attention(["A"], ["a"], [[1.0]]).plot(tmp_path / "a.pdf")
    content = (tmp_path / "a.pdf").read_bytes()
    assert b"/Type3" not in content
    assert b"/CIDFontType2" in content


@pytest.mark.parametrize("width_mm", [60, 85, 175])
@pytest.mark.parametrize("count", [3, 12, 60])
def test_a_picture_for_a_column_is_as_wide_as_the_column(tmp_path, width_mm, count):
    words = [f"word{place}" for place in range(count)]
    attention = make_attention(words, words, np.eye(count))
    attention.plot(
        tmp_path / "a.svg", title="a title that is longer than a column", width_mm=width_mm
    )
    tree = ET.parse(tmp_path / "a.svg").getroot()
    assert float(tree.get("width").removesuffix("pt")) == pytest.approx(width_mm / 25.4 * 72, abs=1)
    assert float(tree.get("height").removesuffix("pt")) < 1.6 * width_mm / 25.4 * 72


def test_nothing_of_a_picture_for_a_column_is_cut_off():
    words = [f"word{place}" for place in range(12)]
    figure = make_attention(words, words, np.eye(12)).plot(width_mm=85)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    drawn = figure.get_tightbbox(canvas.get_renderer())
    assert drawn.x0 >= 0
    assert drawn.x1 <= 85 / 25.4


@pytest.mark.parametrize("width_mm", [0, 39, 1001, float("nan")])
def test_a_width_that_no_picture_can_have_is_refused(width_mm):
    with pytest.raises(PlotError, match="a picture is 40 to 1000 mm wide"):
        make_attention(["A"], ["a"], [[1.0]]).plot(width_mm=width_mm)


def test_notebooks_show_figures_without_pyplot():
    figure = make_attention(["A"], ["a"], [[1.0]]).plot()
    assert figure._repr_png_().startswith(PNG_BEGIN)


def test_large_maps_are_one_image(tmp_path):
    words = ["x"] * 120
    axes = map_of(draw_attention(make_attention(words, words, np.eye(120))))
    assert len(axes.images) == 1


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
