"""The page as HTML: its frame, its look, and what sections are made of."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from typing import Final

from heed.figures.markup import element, escaped, void_element

_LONGEST_LEVEL_NAME: Final = 8
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def document(title: str, heading: str, sections: Sequence[tuple[str, str]], footer: str) -> str:
    """A whole page that needs nothing else.

    Args:
        title: The page's name.
        heading: What stands above the sections, below the name.
        sections: The name of each section, and its content.
        footer: What stands at the end.
    """
    links = [
        element("li", element("a", escaped(name), href=f"#s{place}"))
        for place, (name, _) in enumerate(sections)
    ]
    bodies = [
        element(
            "section",
            element("h2", escaped(name), id=f"s{place}"),
            content,
            aria_labelledby=f"s{place}",
        )
        for place, (name, content) in enumerate(sections)
    ]
    head = element(
        "head",
        void_element("meta", charset="utf-8"),
        void_element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        void_element("meta", http_equiv="Content-Security-Policy", content=_POLICY),
        element("title", escaped(title)),
        element("style", _look()),
    )
    nav = element("nav", element("ul", *links), aria_label="sections")
    body = element(
        "body",
        element("header", element("h1", escaped(title)), heading, nav),
        element("main", *bodies),
        element("footer", footer),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en')}\n"


def _look() -> str:
    """The page's style sheet."""
    return (resources.files(__package__) / "look.css").read_text("utf-8")


def facts(rows: Sequence[tuple[str, str]]) -> str:
    """Names with their values, which are markup."""
    items = [element("dt", escaped(name)) + element("dd", value) for name, value in rows if value]
    return element("dl", *items)


def text(value: str) -> str:
    """A text that may run from right to left, as markup."""
    return element("bdi", escaped(value), dir="auto")


def table(name: str, *, caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; cells are markup, and the first of each row names it."""
    heading = element("tr", *(element("th", cell, scope="col") for cell in head))
    body = [
        element(
            "tr", element("th", row[0], scope="row"), *(element("td", cell) for cell in row[1:])
        )
        for row in rows
    ]
    return _captioned(name, caption, element("thead", heading) + element("tbody", *body))


def value_table(
    name: str,
    *,
    caption: str,
    columns: Sequence[str],
    rows: Sequence[tuple[str, Sequence[tuple[str, float]]]],
) -> str:
    """A table of numbers that are painted, the stronger the larger.

    Args:
        name: What it is, for those who do not see it.
        caption: What stands above it, as markup.
        columns: The names of the columns, the first that of the rows.
        rows: The name of each row, and its cells: what is written, and how strong, 0 to 1.
    """
    body = [
        element(
            "tr",
            element("th", text(row), scope="row"),
            *(element("td", written, style=_paint(share)) for written, share in cells),
        )
        for row, cells in rows
    ]
    turned = max(map(len, columns[1:]), default=0) > _LONGEST_LEVEL_NAME
    heading = element("tr", *(element("th", text(column), scope="col") for column in columns))
    content = element("thead", heading, class_="turned" if turned else None)
    return _captioned(name, caption, content + element("tbody", *body), look="values")


def _captioned(name: str, caption: str, content: str, look: str | None = None) -> str:
    """A table below its caption, which may be wider."""
    shown = scrolled(element("table", content, aria_label=name, class_=look), f"table, {name}")
    return element("figure", element("figcaption", caption), shown)


def _paint(share: float) -> str | None:
    """The accent colour, so strong; what is written on it stays readable."""
    strength = round(100 * min(max(share, 0.0), 1.0))
    if not strength:
        return None
    return f"background:color-mix(in srgb,var(--accent) {strength}%,transparent)"


def scrolled(content: str, name: str) -> str:
    """Content that may be wider than the page, reachable by keyboard."""
    return element("div", content, class_="scroll", tabindex=0, role="group", aria_label=name)


def figure(content: str, caption: str) -> str:
    """A picture with words below it."""
    return element("figure", content, element("figcaption", caption))


def chart(content: str, name: str, caption: str) -> str:
    """A chart with words below it."""
    return figure(scrolled(content, f"chart, {name}"), caption)


def paragraph(words: str) -> str:
    """Words of our own."""
    return element("p", escaped(words))


def note(words: str) -> str:
    """Words of our own, smaller."""
    return element("p", escaped(words), class_="note")
