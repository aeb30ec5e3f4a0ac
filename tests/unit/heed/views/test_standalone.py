import json

import numpy as np
import pytest

from heed.views.errors import PlotError
from heed.views.standalone import answers_page, save_page
from tests.support.answers import make_answer, make_classified, make_score
from tests.support.client import make_attention

ATTENTION = make_attention(["A", "B"], ["a", "b"], np.eye(2))


def document_of(page):
    return json.loads(page.rpartition('id="heed-document">')[2].partition("</script>")[0])


def test_a_page_holds_the_response_and_the_text_as_it_was_asked():
    (saved,) = document_of(answers_page(make_answer(ATTENTION)))["answers"]
    assert saved["request"] == {"texts": ["a<b"]}
    (result,) = saved["response"]["results"]
    assert result["hypotheses"][0]["attention"]["weights"] == [1, 0, 0, 1]


def test_two_answers_stand_side_by_side():
    saved = document_of(answers_page(make_score(ATTENTION), make_classified()))["answers"]
    assert [list(each["response"]["results"][0]) for each in saved] == [
        ["sourceTokens", "target"],
        ["labels", "sourceTokens", "attention"],
    ]
    assert saved[0]["request"] == {"pairs": [{"sourceText": "ab", "targetText": "AB"}]}


def test_an_answer_gives_its_own_page():
    assert make_answer(ATTENTION).to_html() == answers_page(make_answer(ATTENTION))


def test_without_attention_there_is_nothing_to_explore():
    with pytest.raises(PlotError, match="ask for the attention"):
        make_answer().to_html()


@pytest.mark.parametrize("count", [0, 3])
def test_no_more_than_two_fit_on_a_page(count):
    with pytest.raises(PlotError, match=f"not {count}"):
        answers_page(*[make_answer(ATTENTION)] * count)


def test_what_is_no_answer_is_refused():
    with pytest.raises(TypeError, match="a float is no answer"):
        answers_page(1.0)


def test_a_page_that_cannot_be_written_is_reported(tmp_path):
    with pytest.raises(PlotError, match=r"cannot write .*No such file"):
        save_page(tmp_path / "none" / "a.html", make_answer(ATTENTION))
