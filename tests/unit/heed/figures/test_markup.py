import xml.etree.ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from heed.figures.markup import element, escaped, number, void_element


def test_attributes_are_written_by_their_markup_names():
    written = element(
        "rect", class_="cell", fill_opacity=0.5, hidden=True, id=None, draggable=False
    )
    assert written == '<rect class="cell" fill-opacity="0.5" hidden></rect>'


def test_what_could_end_an_attribute_or_begin_an_element_is_escaped():
    assert element("p", escaped("<b>&"), title='"<') == '<p title="&quot;&lt;">&lt;b&gt;&amp;</p>'


def test_a_void_element_has_no_end():
    assert void_element("meta", charset="utf-8") == '<meta charset="utf-8">'


def test_numbers_are_short():
    assert [number(value) for value in (1, 0.5, 12.345, 0.001)] == ["1", "0.5", "12.35", "0"]


@given(st.text(st.characters()))
def test_any_text_stays_readable_markup(text):
    tree = ET.fromstring(element("p", escaped(text), title=text).encode())
    assert tree.tag == "p"
