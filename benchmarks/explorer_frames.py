"""How many frames a second the attention explorer draws, with 200 tokens on each axis.

The explorer is opened in Chromium without a window, as one file with an answer in it, so that
neither gateway nor model has a part in the figures. A pointer then runs over its words and over
its heat map, which is zoomed meanwhile; tests/system/web does the same. Chromium draws at most 60
frames a second.

    copied      each output token looks at one source token: 200 links
    dense       each looks at all of them, the strongest 3,000 links are drawn

Usage: python benchmarks/explorer_frames.py [--seconds N] [--size N] [--phone] [--json]
"""

from __future__ import annotations

import argparse
import json
import shutil
import statistics
import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from heed.page import standalone_page

CHROMIUM_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM_FLAGS = ("--no-sandbox", "--disable-dev-shm-usage", "--force-device-scale-factor=1")
DESKTOP, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 844}
PATIENCE_MS = 60_000.0

ONE_SECOND = """() => new Promise(resolve => {
    const words = [...document.querySelectorAll('[data-index]')];
    const map = document.querySelector('[data-part=heat-map]');
    const box = map.getBoundingClientRect();
    const point = (target, type, more) =>
        target.dispatchEvent(new PointerEvent(type, {bubbles: true, ...more}));
    let frames = 0;
    let longest = 0;
    let began, last;
    const step = now => {
        began ??= now;
        longest = Math.max(longest, now - (last ?? now));
        last = now;
        if (now - began > 1000) return resolve([1000 * (frames - 1) / (now - began), longest]);
        frames += 1;
        const share = (frames % 60) / 60;
        const [clientX, clientY] = [box.x + box.width * share, box.y + box.height * share];
        if (frames % 2) point(words[(frames * 7) % words.length], 'pointerover');
        else point(map, 'pointermove', {clientX, clientY});
        if (frames % 5 === 0) map.dispatchEvent(new WheelEvent('wheel',
            {deltaY: frames % 2 ? -40 : 40, ctrlKey: true, clientX, clientY, cancelable: true}));
        requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
})"""


@dataclass(frozen=True)
class Second:
    """A second of drawing.

    Attributes:
        frames: Frames that were drawn.
        longest_ms: The longest time from one to the next, in milliseconds.
    """

    frames: float
    longest_ms: float


@dataclass(frozen=True)
class Figures:
    """What was measured of a matrix over some seconds."""

    matrix: str
    tokens: int
    frames_median: float
    frames_least: float
    longest_frame_ms: float


def chromium_path() -> str | None:
    """Where Chromium is installed; None if it is not."""
    return next(filter(None, map(shutil.which, CHROMIUM_NAMES)), None)


def drawn_second(page: Page) -> Second:
    """Draws for a second while the pointer runs over the words, and over the map that is zoomed."""
    frames, longest_ms = page.evaluate(ONE_SECOND)
    return Second(float(frames), float(longest_ms))


def answer_of(name: str, size: int) -> dict[str, Any]:
    """An answer with that many tokens on each axis, as a gateway writes it: "copied" or "dense"."""
    tokens = [
        {"id": 0, "text": f"w{place}", "kind": "TOKEN_KIND_WORD", "score": -0.1}
        | {"beginOffset": 5 * place, "endOffset": 5 * place + len(f"w{place}")}
        for place in range(size)
    ]
    dense = np.random.default_rng(1).dirichlet(np.full(size, 0.5), size)
    weights = (dense if name == "dense" else np.eye(size)).ravel().tolist()
    attention = {"targetTokens": tokens, "sourceTokens": tokens, "weights": weights}
    hypothesis = {"text": "", "score": -20.0, "tokens": tokens, "attention": attention}
    result = {"sourceTokens": tokens, "hypotheses": [hypothesis]}
    return {"model": {"name": name, "version": "1"}, "results": [result]}


def measured(browser: Browser, name: str, arguments: argparse.Namespace) -> Figures:
    """Measures one matrix, behind a second that does not count."""
    page = browser.new_page(viewport=PHONE if arguments.phone else DESKTOP)
    page.set_default_timeout(PATIENCE_MS)
    with tempfile.TemporaryDirectory(prefix="heed-frames-") as folder:
        path = Path(folder, "page.html")
        path.write_text(standalone_page(answer_of(name, arguments.size)), encoding="utf-8")
        page.goto(path.as_uri())
        page.wait_for_selector("[data-part=heat-map]")
        drawn_second(page)
        seconds = [drawn_second(page) for _ in range(arguments.seconds)]
    page.close()
    rates = [second.frames for second in seconds]
    longest_ms = max(second.longest_ms for second in seconds)
    return Figures(name, arguments.size, statistics.median(rates), min(rates), longest_ms)


def main(argv: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=int, default=10, help="of each matrix (default: 10)")
    parser.add_argument("--size", type=int, default=200, help="tokens on each axis (default: 200)")
    parser.add_argument("--phone", action="store_true", help="a window as wide as a phone")
    parser.add_argument("--json", action="store_true", help="print JSON")
    arguments = parser.parse_args(argv)
    path = chromium_path()
    if path is None:
        raise SystemExit("Chromium is not installed: tools/install_chromium.sh installs it")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        figures = [measured(browser, name, arguments) for name in ("copied", "dense")]
        browser.close()
    if arguments.json:
        print(json.dumps([asdict(each) for each in figures], indent=2))
        return
    for each in figures:
        print(
            f"{each.matrix}, {each.tokens} x {each.tokens}: {each.frames_median:.0f} frames a "
            f"second (least {each.frames_least:.0f}), longest frame {each.longest_frame_ms:.0f} ms"
        )


if __name__ == "__main__":
    main()
