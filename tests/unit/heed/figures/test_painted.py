from heed.figures.painted import Span, painted


def test_the_strongest_part_has_the_strongest_paint():
    shown = painted("a good film", [Span(2, 6, 0.6), Span(7, 11, 0.3)])
    assert shown.count("<span") == 2
    assert ",0.75)" in shown.split("good")[0]
    assert ",0.38)" in shown.split("good")[1]
    assert 'title="0.600"' in shown


def test_every_character_is_there_once_also_where_spans_overlap():
    shown = painted("ab<c", [Span(0, 2, 1.0), Span(1, 3, 1.0)])
    assert "".join(part.split(">")[-1] for part in shown.split("<")) == "ab&lt;c"


def test_without_weight_nothing_is_painted():
    assert "<span" not in painted("ab", [Span(0, 2, 0.0)])
    assert painted("ab", []).endswith(">ab</p>")


def test_the_texts_own_direction_counts():
    assert 'dir="auto"' in painted("שלום", [Span(0, 4, 1.0)])
