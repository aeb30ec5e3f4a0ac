from heed.figures.text_width import shortened, text_width


def test_wide_characters_count_more_and_combining_ones_nothing():
    assert text_width("東京", 10) == 20
    assert text_width("e\u0301", 10) == text_width("e", 10) == 6


def test_what_fits_stays_and_the_rest_is_cut_before_a_whole_character():
    assert shortened("abc", 18, 10) == "abc"
    assert shortened("abcdef", 18, 10) == "ab…"
    assert shortened("ae\u0301xyz", 18, 10) == "ae\u0301…"
