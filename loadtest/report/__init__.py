"""The report of a load test: numbers as JSON, a page with pictures, a line for a README."""

from loadtest.report.page import write_load_page, write_page
from loadtest.report.results import SearchResults
from loadtest.report.summary import load_summary, readme_line, summarize

__all__ = [
    "SearchResults",
    "load_summary",
    "readme_line",
    "summarize",
    "write_load_page",
    "write_page",
]
