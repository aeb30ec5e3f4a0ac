"""The attention explorer: a web page, built from `web/` and part of the package.

    files = page_files()                     # for a server
    html = standalone_page({"answers": [{"response": generate_response}]})

`make web` builds it again. It needs nothing at run time but what `page_files` gives.
"""

from __future__ import annotations

import functools
import hashlib
import json
import re
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

INDEX: Final = "index.html"
_MEDIA_TYPES: Final[Mapping[str, str]] = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
}
_SCRIPT: Final = re.compile(r'<script type="module"[^>]*src="\./([^"]+)"[^>]*></script>')
_STYLE: Final = re.compile(r'<link rel="stylesheet"[^>]*href="\./([^"]+)"[^>]*>')
_CHARSET: Final = '<meta charset="utf-8" />'


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file of the page.

    Attributes:
        name: Its name; all are in one folder, and `INDEX` is the page itself.
        content: What it holds.
        media_type: What it is, as HTTP names it.
        sha256: SHA-256 of the content, as lower-case hexadecimal.
        is_immutable: Whether a file of this name never changes: its name holds a hash.
    """

    name: str
    content: bytes
    media_type: str
    sha256: str
    is_immutable: bool


@functools.cache
def page_files() -> tuple[PageFile, ...]:
    """Every file of the page, ordered by name."""
    found = sorted(files(__name__).iterdir(), key=lambda file: file.name)
    return tuple(
        _page_file(file.name, file.read_bytes())
        for file in found
        if file.name.rpartition(".")[2] in _MEDIA_TYPES
    )


def _page_file(name: str, content: bytes) -> PageFile:
    return PageFile(
        name=name,
        content=content,
        media_type=_MEDIA_TYPES[name.rpartition(".")[2]],
        sha256=hashlib.sha256(content).hexdigest(),
        is_immutable=name != INDEX,
    )


def standalone_page(document: Mapping[str, object]) -> str:
    """The page in one HTML file with answers in it, which works without a server.

    It loads nothing and sends nothing: its content security policy allows no more.

    Args:
        document: What to show, as it goes into JSON:

            {"answers": [{"response": ..., "request": ..., "model": ...}, ...], "view": {...}}

            `response` is GenerateResponse, ScoreResponse, ClassifyResponse or CaptionResponse, as
            the gateway writes it in JSON (protobuf's JSON mapping), with attention in it. What
            else there is may be left out: `request`, the request in JSON, whose texts are shown
            with their own white space; `model`, the message Model in JSON, which names the
            attention kinds; and `view`, as the page itself saves it. Two answers stand side by
            side. A response by itself is taken as well.

    Returns:
        HTML, to be written as UTF-8.
    """
    return _with_document(_shell(), document)


def _with_document(shell: tuple[str, str], document: Mapping[str, object]) -> str:
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    # No "<": nothing in a text can end the element early.
    data = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    before, behind = shell
    return f'{before}<script type="application/json" id="heed-document">{data}</script>{behind}'


@functools.cache
def _shell() -> tuple[str, str]:
    """The page with its script and style in it: what stands before the document, and behind."""
    contents = {file.name: file.content.decode() for file in page_files()}
    page = contents[INDEX]
    script, style = _name_in(_SCRIPT, page), _name_in(_STYLE, page)
    policy = (
        f"default-src 'none'; script-src '{_hash_source(contents[script])}'; "
        f"style-src '{_hash_source(contents[style])}'; img-src data: blob:; "
        "base-uri 'none'; form-action 'none'"
    )
    meta = f'{_CHARSET}\n    <meta http-equiv="Content-Security-Policy" content="{policy}" />'
    page = page.replace(_CHARSET, meta, 1)
    page = _SCRIPT.sub(
        lambda _: f'<script type="module">{contents[script]}</script>', page, count=1
    )
    page = _STYLE.sub(lambda _: f"<style>{contents[style]}</style>", page, count=1)
    before, body, behind = page.rpartition("</body>")
    return before, body + behind


def _name_in(pattern: re.Pattern[str], page: str) -> str:
    found = pattern.search(page)
    if found is None:
        raise RuntimeError("the built page names no script or no style; build it with: make web")
    return found[1]


def _hash_source(content: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(content.encode()).digest()).decode()}"
