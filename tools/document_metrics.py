"""Writes the table of metrics in docs/observation.md from the code.

Usage: python tools/document_metrics.py [--check]
"""

from __future__ import annotations

import sys
from pathlib import Path

from service.metrics import Metrics
from service.metrics.families import Described

PAGE = Path(__file__).parents[1] / "docs/observation.md"
BEGIN = "<!-- metrics: made by `make docs` -->\n"
END = "<!-- end of metrics -->\n"

HEAD = "| metric | kind | unit | labels | meaning |\n|---|---|---|---|---|\n"

UNITS = {
    "_timestamp_seconds": "s since 1970",
    "_seconds": "s",
    "_bytes": "bytes",
    "_ratio": "0 to 1",
    "_tokens_total": "tokens",
    "_tokens": "tokens",
    "_rows_total": "rows",
    "_rows": "rows",
}


def _unit(metric: Described) -> str:
    return next((unit for end, unit in UNITS.items() if metric.name.endswith(end)), "1")


def _row(metric: Described) -> str:
    labels = ", ".join(f"`{label}`" for label in metric.labels)
    cells = [f"`{metric.name}`", metric.kind, _unit(metric), labels, metric.meaning]
    return "| " + " | ".join(cells) + " |\n"


def table() -> str:
    """The metrics as Markdown."""
    return HEAD + "".join(_row(metric) for metric in Metrics().described)


def page_with_table(page: str) -> str:
    """The page with the table between its marks.

    Raises:
        ValueError: The marks are missing.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"{PAGE.name} lacks the marks of the table of metrics")
    return before + begin + "\n" + table() + "\n" + end + after


def main() -> int:
    """Writes the page; with --check only says whether it is up to date."""
    page = PAGE.read_text(encoding="utf-8")
    made = page_with_table(page)
    if "--check" in sys.argv[1:]:
        return 0 if page == made else 1
    PAGE.write_text(made, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
