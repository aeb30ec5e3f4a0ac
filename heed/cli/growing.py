"""`heed generate --stream`: outputs that are shown while they grow."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from heed.cli.arguments import Parser, positive_int

if TYPE_CHECKING:
    from heed.client import GenerateResult, StreamEvent


def add_stream_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds `--stream` and `--chunk-tokens`."""
    group = parser.add_argument_group("streaming")
    group.add_argument(
        "--stream",
        action="store_true",
        help="split each TEXT into sentences and answer one by one, a line for each; on a terminal "
        "outputs are shown while they grow. Without TEXT all of standard input is one text",
    )
    group.add_argument(
        "--chunk-tokens",
        metavar="N",
        type=positive_int,
        help="with --stream: tokens of the first partial output (default: 8)",
    )


def settle_stream(parser: Parser, arguments: argparse.Namespace) -> None:
    """Refuses what does not go together."""
    if arguments.chunk_tokens is not None and not arguments.stream:
        parser.error("--chunk-tokens needs --stream")


def whole_input() -> str:
    """All of standard input; bytes that are not UTF-8 become lone surrogates, which are refused."""
    return sys.stdin.buffer.read().decode("utf-8-sig", "surrogateescape")


def grown_results(streams: Iterable[Iterator[StreamEvent]]) -> Iterator[GenerateResult]:
    """The final results, one by one; on a terminal, what grows is shown in between."""
    from heed.client import FinalResult

    for events in streams:
        with _Growth() as growth:
            for event in events:
                growth.show(event)
                if isinstance(event, FinalResult):
                    yield event.result


class _Growth:
    """Shows the newest partial output in place; nothing if answers do not go to a terminal."""

    def __enter__(self) -> _Growth:
        from rich.console import Console
        from rich.live import Live

        self._live: Live | None = None
        self._console = Console(file=sys.stdout, highlight=False)
        return self

    def __exit__(self, *exception: object) -> None:
        self._clear()

    def show(self, event: StreamEvent) -> None:
        """Shows a partial output, or makes room for a final one."""
        from rich.live import Live
        from rich.text import Text

        from heed.client import FinalResult
        from heed.figures.visible import one_line

        if isinstance(event, FinalResult):
            self._clear()
            return
        if not sys.stdout.isatty():
            return
        if self._live is None:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()
        self._live.update(Text(one_line(event.text) + " …", style="dim"), refresh=True)

    def _clear(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None
