import json

from heed.cli.attention_output import answer_title, attention_output
from tests.support.client import make_attention

ONE = make_attention(["A"], ["a"], [[1.0]])


def test_a_title_names_both_texts_and_the_score():
    assert answer_title("a\nb", "A B", -0.456) == "a b → A B   (score\u00a0−0.46)"


def test_text_that_runs_left_does_not_turn_the_arrow():
    assert answer_title("שלום", "A", -1).startswith("\u200eשלום\u200e → A ")


def test_files_are_numbered_from_the_second_answer_on(tmp_path, capsys):
    output = attention_output(str(tmp_path / "map.json"), heads=False)
    output.write(2, ONE, "")
    assert list(tmp_path.iterdir()) == []
    output.write(5, ONE, "")
    output.write(6, ONE, "")
    output.close()
    names = ["map-2.json", "map-5.json", "map-6.json"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert json.loads((tmp_path / "map-5.json").read_text())["weights"] == [[1.0]]
    assert capsys.readouterr().err.count("heed: wrote") == 3


def test_nothing_is_written_without_answers(tmp_path):
    attention_output(str(tmp_path / "map.json"), heads=False).close()
    assert list(tmp_path.iterdir()) == []
