"""Values that show themselves: in notebooks, and where rich prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderResult


class Shown:
    """Has a picture in notebooks and in terminals, made by `heed.views.shown`."""

    __slots__ = ()

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None) -> dict[str, str]:
        """What a notebook shows: HTML, or text where it cannot."""
        from heed.views.shown import as_html, as_text

        return {"text/html": as_html(self), "text/plain": as_text(self).plain}

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        from heed.views.shown import as_text

        has_colours = console.color_system is not None
        yield as_text(self, width=options.max_width, has_colours=has_colours)


class ShownAnswer(Shown):
    """An answer, which has a page of its own."""

    __slots__ = ()

    def to_html(self) -> str:
        """The attention explorer with this answer in it, as one HTML file that needs no server.

        Raises:
            PlotError: The answer carries no attention.
        """
        from heed.views.standalone import answers_page

        return answers_page(self)
