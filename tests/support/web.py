"""The attention explorer in a real browser: Debian's Chromium, driven by Playwright.

    from tests.support.web import browser, open_page

    def test_something(browser: Browser) -> None:
        with open_page(browser, gateway.url) as page: ...

Without Chromium the tests are skipped and say so; `make test` installs it where it can.
"""

from __future__ import annotations

import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright

from benchmarks.explorer_frames import CHROMIUM_FLAGS, DESKTOP, PHONE, chromium_path

PATIENCE_MS = 60_000.0


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium without a window; of a module, since Playwright keeps an event loop meanwhile."""
    path = chromium_path()
    if path is None:
        pytest.skip("Chromium is not installed: tools/install_chromium.sh (as root) installs it")
    with sync_playwright() as playwright:
        flags = list(CHROMIUM_FLAGS)
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@contextmanager
def open_page(
    browser: Browser,
    url: str,
    view: dict[str, str] | None = None,
    *,
    phone: bool = False,
    theme: str = "light",
    offline: bool = False,
) -> Iterator[Page]:
    """The page at an address, restored to a view; nothing may fail in it, nor come from elsewhere.

    Args:
        browser: Opens it.
        url: The gateway's address, or that of a file.
        view: What a link holds behind #.
        phone: Whether it is as wide as a phone, and is touched.
        theme: What the system prefers.
        offline: Whether there is no network.
    """
    options: dict[str, Any] = {"viewport": PHONE if phone else DESKTOP, "has_touch": phone}
    context = browser.new_context(color_scheme=theme, offline=offline, **options)
    context.set_default_timeout(PATIENCE_MS)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda message: complaints.extend(_complaint(message)))
    page.on("request", lambda request: complaints.extend(_stranger(request, url)))
    fragment = urllib.parse.urlencode(view or {})
    page.goto(f"{url}#{fragment}" if fragment else url)
    try:
        yield page
        assert not complaints, complaints
    finally:
        context.close()


def _complaint(message: ConsoleMessage) -> list[str]:
    """Errors of the page; a call that is refused is none, nor is a test that reads a canvas."""
    expected = ("Failed to load resource:", "Canvas2D:")
    if message.type not in {"error", "warning"} or message.text.startswith(expected):
        return []
    return [message.text]


def _stranger(request: Request, url: str) -> list[str]:
    base = url.partition("#")[0].rstrip("/")
    known = request.url.startswith((base, "data:", "blob:"))
    return [] if known else [f"a request to {request.url}"]


def wait_for_answer(page: Page, count: int = 1) -> None:
    """Waits until so many answers are whole."""
    page.wait_for_function(
        """count => {
            const answers = [...document.querySelectorAll('.answer')];
            return answers.length === count && answers.every(each =>
                each.getAttribute('aria-busy') === 'false' &&
                each.querySelector('[data-part=heat-map], [data-part=painted], .problem'));
        }""",
        arg=count,
    )


def focus_line(page: Page) -> str:
    """What the page says of the word that is looked at."""
    return page.locator("[data-part=focus]").first.inner_text()


def word(page: Page, side: str, index: int) -> Any:
    """A word of the source or the target."""
    return page.locator(f"[data-side={side}][data-index='{index}']").first


def accessibility_violations(page: Page) -> list[str]:
    """What breaks WCAG 2 A and AA, as axe-core sees it."""
    tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    options = {"runOnly": {"type": "tag", "values": tags}}
    results = Axe().run(page, options=options)
    return [
        f"{violation['id']}: {node['html'][:200]} {node['any'][:1]}"
        for violation in results.response["violations"]
        for node in violation["nodes"]
    ]


def shown_table(page: Page) -> list[list[str]]:
    """The cells of the table of weights, which is opened."""
    page.locator(".weight-table").first.evaluate("element => element.open = true")
    page.wait_for_selector(".weight-table table")
    cells = page.evaluate(
        """() => [...document.querySelectorAll('.weight-table tbody tr')].map(
            row => [...row.querySelectorAll('td')].map(cell => cell.textContent))"""
    )
    assert isinstance(cells, list)
    return cells


def as_shown(weight: float) -> str:
    """A weight as the page writes it."""
    if 0 < weight < 0.0005:
        return "<0.001"
    return ">0.999" if 0.9995 <= weight < 1 - 1e-6 else f"{weight:.3f}"
