import json
from pathlib import Path

import pytest

from heed.cli.attention_output import answer_title, attention_output
from heed.cli.painted_output import painted_output
from heed.cli.picture_arguments import PictureLook, is_picture
from heed.views.errors import PlotError
from tests.support.answers import make_answer, make_classified, make_score
from tests.support.client import make_attention

ONE = make_answer(make_attention(["A"], ["a"], [[1.0]]))


def test_a_title_names_both_texts_and_the_score():
    assert answer_title("a\nb", "A B", -0.456) == "a b → A B   (score\u00a0−0.46)"


def test_text_that_runs_left_does_not_turn_the_arrow():
    assert answer_title("שלום", "A", -1).startswith("\u200eשלום\u200e → A ")


def test_files_are_numbered_from_the_second_answer_on(tmp_path, capsys):
    output = attention_output(str(tmp_path / "map.json"), heads=False)
    output.write(2, ONE)
    assert list(tmp_path.iterdir()) == []
    output.write(5, ONE)
    output.write(6, ONE)
    output.close()
    names = ["map-2.json", "map-5.json", "map-6.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert json.loads((tmp_path / "map-5.json").read_text())["weights"] == [[1.0]]
    assert capsys.readouterr().err.count("heed: wrote") == 3


def test_nothing_is_written_without_answers(tmp_path):
    attention_output(str(tmp_path / "map.json"), heads=False).close()
    assert list(tmp_path.iterdir()) == []


def test_an_answer_without_attention_has_no_file(tmp_path):
    output = attention_output(str(tmp_path / "map.json"), heads=False)
    output.write(1, make_answer())
    output.close()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("answer", [ONE, make_score(ONE.attention)])
def test_a_page_holds_the_answer(tmp_path, answer):
    output = attention_output(str(tmp_path / "map.html"), heads=False)
    output.write(1, answer)
    output.close()
    assert (tmp_path / "map.html").read_text("utf-8") == answer.to_html()


def test_a_classification_has_a_page_too(tmp_path):
    output = painted_output(str(tmp_path / "map.html"))
    output.write(1, make_classified())
    output.close()
    assert (tmp_path / "map.html").read_text("utf-8") == make_classified().to_html()


def test_pictures_have_the_title_and_the_width_that_are_asked_for(tmp_path):
    look = PictureLook("mine", 85)
    for output, answer in (
        (attention_output(str(tmp_path / "map.svg"), heads=False, look=look), ONE),
        (painted_output(str(tmp_path / "text.svg"), look=look), make_classified()),
    ):
        output.write(1, answer)
        output.close()
    for name in ("map.svg", "text.svg"):
        written = (tmp_path / name).read_text("utf-8")
        assert 'width="240.9' in written  # points
        assert ">mine</text>" in written


def test_a_width_that_no_picture_can_have_is_refused_before_any_question(tmp_path):
    look = PictureLook(width_mm=3)
    with pytest.raises(PlotError, match="40 to 1000 mm wide, not 3"):
        attention_output(str(tmp_path / "map.svg"), heads=False, look=look)
    with pytest.raises(PlotError, match="40 to 1000 mm wide, not 3"):
        painted_output(str(tmp_path / "map.svg"), look=look)


def test_pages_and_documents_are_no_pictures():
    assert [is_picture(Path(name)) for name in ("a.SVG", "a.html", "a.json", "none")] == [
        True,
        False,
        False,
        False,
    ]
