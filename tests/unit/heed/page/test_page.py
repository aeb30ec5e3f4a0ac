"""The built page: made from the sources beside it, whole, and right by itself in one file."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from pathlib import Path

from heed.page import INDEX, page_files, standalone_page

ROOT = Path(__file__).parents[4]
SOURCES = (
    *("packaging", "src", ".npmrc", "index.html", "package-lock.json", "package.json"),
    *("tsconfig.json", "vite.config.ts"),
)
DOCUMENT = {"answers": [{"response": {"results": [], "text": "</script><b>\u2028 שלום"}}]}


def _sources_digest() -> str:
    """As web/packaging/package-page.ts computes it."""
    files: list[Path] = []
    for name in SOURCES:
        path = ROOT / "web" / name
        files += [each for each in path.rglob("*") if each.is_file()] if path.is_dir() else [path]
    lines = {
        file.relative_to(ROOT / "web").as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in files
    }
    text = "".join(f"{lines[name]}  {name}\n" for name in sorted(lines))
    return hashlib.sha256(text.encode()).hexdigest()


def test_the_committed_page_was_built_from_the_committed_sources() -> None:
    note = json.loads((ROOT / "heed" / "page" / "build.json").read_text())
    assert note["sources"] == _sources_digest(), "build the page again: make web"
    assert note["files"] == {file.name: file.sha256 for file in page_files()}, "run: make web"


def test_the_lock_file_of_the_page_names_versions_and_hashes_and_no_host() -> None:
    lock = json.loads((ROOT / "web" / "package-lock.json").read_text())
    packages = {name: package for name, package in lock["packages"].items() if name}
    assert all(package["integrity"].startswith("sha512-") for package in packages.values())
    assert not any("resolved" in package for package in packages.values())


def test_the_page_names_its_own_files_alone_and_their_hashes() -> None:
    contents = {file.name: file.content for file in page_files()}
    page = contents.pop(INDEX).decode()
    named = dict(re.findall(r'(?:src|href)="\./([^"]+)" integrity="sha256-([^"]+)"', page))
    hashes = {
        name: base64.b64encode(hashlib.sha256(content).digest()).decode()
        for name, content in contents.items()
    }
    assert named == hashes
    assert len(named) == 2
    assert "://" not in page.replace("http://www.w3.org/2000/svg", "")


def test_files_are_immutable_where_their_name_holds_a_hash() -> None:
    assert {file.name for file in page_files() if not file.is_immutable} == {INDEX}


def test_a_standalone_page_holds_its_document_and_nothing_of_it_ends_the_script() -> None:
    html = standalone_page(DOCUMENT)
    (data,) = re.findall(r'<script type="application/json" id="heed-document">(.*?)</script>', html)
    assert json.loads(data) == DOCUMENT
    assert "<b>" not in html
    assert html.count("</script>") == 2
    assert html.rstrip().endswith("</html>")


def test_a_standalone_page_loads_nothing_and_its_policy_permits_what_is_in_it() -> None:
    html = standalone_page(DOCUMENT)
    assert not re.search(r'(src|href)="\.', html)
    policy = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)[0]
    assert "default-src 'none'" in policy
    # The script can write such a page itself, so that tags stand in it too.
    for pattern in (r'<script type="module">(.*?)</script>', r".*<style>(.*?)</style>"):
        content = re.findall(pattern, html, re.DOTALL)[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"'sha256-{digest}'" in policy
