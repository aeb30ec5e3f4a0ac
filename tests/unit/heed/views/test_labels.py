import pytest

from heed.client import Token, TokenKind
from heed.figures.visible import one_line, visible
from heed.views.labels import token_label


@pytest.mark.parametrize(
    ("token", "label"),
    [
        (Token(5, "ab", 0, 2), "ab"),
        (Token(3, "", 2, 2, TokenKind.END), "<end>"),
        (Token(1, "é", 0, 1, TokenKind.UNKNOWN), "é?"),
        (Token(5, " ", 0, 1), "␣"),
        (Token(5, "", 0, 0), "''"),
    ],
)
def test_a_token_is_labelled_by_what_it_is(token, label):
    assert token_label(token) == label


def test_control_characters_never_reach_the_terminal():
    assert visible("\x1b[2J\n\u202e") == "\\x1b[2J\\x0aU+202E"
    assert one_line("a\x1bb\nc\u2028d") == "a b c d"


def test_joiners_that_shape_words_stay():
    assert visible("می\u200cروم") == "می\u200cروم"
