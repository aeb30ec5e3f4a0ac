import numpy as np
from rich.cells import cell_len
from rich.console import Console

from heed.views.heat_map import heat_map
from tests.support.client import make_attention


def test_a_small_map_is_drawn_as_expected():
    attention = make_attention(["AH", "T"], ["a", "t", "t"], [[0.9, 0.07, 0.03], [0.02, 0.6, 0.38]])
    assert heat_map(attention).plain.splitlines() == [
        "    a  t  t",
        "AH ███░░░ ·",
        " T  · ▓▓▓▒▒▒",
        "",
        "   weight  · <5% ░░ ≥5% ▒▒ ≥25% ▓▓ ≥50% ██ ≥75%",
    ]


def test_one_token_is_a_map_too():
    lines = heat_map(make_attention(["A"], ["a"], [[1.0]])).plain.splitlines()
    assert lines[:2] == ["   a", "A ███"]


def test_the_shade_changes_exactly_at_its_bounds():
    attention = make_attention(["r"], list("abcdef"), [[0.049, 0.05, 0.249, 0.25, 0.5, 0.75]])
    assert heat_map(attention).plain.splitlines()[1] == "r  · ░░░░░░▒▒▒▓▓▓███"


def test_a_wide_map_is_cut_into_panels_that_fit():
    attention = make_attention(["A", "B"], list("abcdefgh"), np.full((2, 8), 0.125))
    lines = heat_map(attention, width=14).plain.splitlines()
    assert lines[:7] == [
        "   a  b  c  d",
        "A ░░░░░░░░░░░░",
        "B ░░░░░░░░░░░░",
        "",
        "   e  f  g  h",
        "A ░░░░░░░░░░░░",
        "B ░░░░░░░░░░░░",
    ]


def test_a_panel_leaves_out_rows_with_nothing_to_show():
    weights = np.zeros((2, 8))
    weights[0, 0] = weights[1, 7] = 1
    lines = heat_map(make_attention(["A", "B"], list("abcdefgh"), weights), width=14).plain
    assert lines.splitlines()[:5] == [
        "   a  b  c  d",
        "A ███ ·  ·  ·",
        "",
        "   e  f  g  h",
        "B  ·  ·  · ███",
    ]


def test_long_sources_fit_eighty_columns():
    words = [f"word{index}" for index in range(60)]
    text = heat_map(make_attention(words, words, np.eye(60)), width=80)
    assert max(cell_len(line) for line in text.plain.splitlines()) <= 80
    assert text.plain.count("███████") == 60


def test_very_long_labels_are_cut():
    attention = make_attention(["Donaudampfschifffahrt"], ["x"], [[1.0]])
    assert heat_map(attention).plain.splitlines()[1] == "Donaudampfs… ███"


def test_wide_characters_keep_the_columns_straight():
    lines = heat_map(make_attention(["注意"], ["注", "a"], [[1.0, 0.0]])).plain.splitlines()
    assert lines[0] == "     注  a"
    assert lines[1] == "注意 ███ ·"


def test_the_map_can_do_with_ascii():
    attention = make_attention(["A"], ["a", "b"], [[0.8, 0.2]])
    text = heat_map(attention, ascii_only=True).plain
    assert text.isascii()
    assert "A ###:::" in text


def test_colour_only_adds_to_the_shade():
    attention = make_attention(["A"], ["a", "b"], [[0.8, 0.2]])
    console = Console(width=80, force_terminal=True, color_system="truecolor")
    with console.capture() as coloured:
        console.print(heat_map(attention))
    assert "\x1b[38;2;" in coloured.get()
    plain = Console(width=80, color_system=None)
    with plain.capture() as shades:
        plain.print(heat_map(attention))
    assert "A ███░░░" in shades.get()
