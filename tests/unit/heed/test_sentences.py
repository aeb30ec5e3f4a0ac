import time

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from heed.text.sentences import split_sentences

PIECES = st.sampled_from(
    [
        *'.!?…"”»)」。！？।॥؟',
        " ",
        "  ",
        "\n",
        "\n\n",
        "\u3000",
        "Dr.",
        "e.g.",
        "A",
        "b",
        "3",
        "本",
        "\u0301",
    ]
)


def sentences_of(text):
    return [span.of(text) for span in split_sentences(text)]


@given(st.one_of(st.text(), st.lists(PIECES).map("".join)))
@example("")
@example(" ")
@example(". . .")
def test_no_character_is_lost_and_no_sentence_is_empty(text):
    assert "".join(sentences_of(text)) == text
    spans = split_sentences(text)
    assert all(span.begin < span.end for span in spans)
    assert [span.begin for span in spans[1:]] == [span.end for span in spans[:-1]]


@pytest.mark.parametrize(
    "sentences",
    [
        ["It rains. ", "We stay here!  ", "Do you? ", "Yes…\n", "Good."],
        ["Dr. Who met Mrs. Gray at No. 10. ", "They left."],
        ["J. R. R. Tolkien wrote it. ", "So do I. ", "You too."],
        ["It costs 3.5 dollars, i.e. nothing. ", "Buy it."],
        ["1. First of all. ", "2. Second."],
        ["At 5 p.m. ", "He slept."],
        ["He lives in the U.S. ", "She does not."],
        ['"Really?" he asked. ', '"Yes." ', "She left."],
        [
            "(See fig. 3.) ",
            "It shows.",
        ],
        ["Wait . . . what? ", "No."],
        ["Wait... what is it? ", "No."],
        ["A heading\n\n", "a paragraph\n \n", "another"],
        ["A line\nthat is wrapped. ", "Another\none"],
        ["本当ですか。", "はい！", "そうです"],
        ["「はい。」と言った。", "終わり"],
        ["“你好。”", "他走了。", "好"],
        ["क्या हाल है। ", "ठीक है।"],
        ["هل أنت هنا؟ ", "نعم."],
        ["Das ist z.B. so. ", "Ja."],
        ["hello. ", "how are you? ", "fine"],
        ["  It begins late. ", "It ends.  "],
        ["Yahoo! ", "said he. ", "Capital."],
        [" \n "],
    ],
    ids=lambda sentences: sentences[0].strip() or "white space",
)
def test_sentences_end_where_a_reader_would_end_them(sentences):
    assert sentences_of("".join(sentences)) == sentences


@pytest.mark.parametrize(
    "part", [".", " ", "\n", "\n ", '"', '."', "。", "a. ", "... ", "1. ", "A. b "]
)
def test_no_text_takes_long(part):
    text = part * (200_000 // len(part))
    began = time.process_time()
    split_sentences(text)
    assert time.process_time() - began < 5
