"""What mkdocs does for this site beyond its settings in mkdocs.yml.

* Pages that are made from the code when the site is built: the API, the commands.
* CONTRIBUTING.md and CHANGELOG.md, which stand outside of docs/.
* Links from docs/ to other files of the repository lead to a page with that file.
* Fences of the kind `math` become pictures.
"""

from __future__ import annotations

import os
import posixpath
import re
import sys
from pathlib import Path
from typing import Any, Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # mkdocs loads this file alone

from tools.document_commands import commands_page  # noqa: E402
from tools.document_protos import api_page  # noqa: E402
from tools.site_math import math_fence  # noqa: E402

ADOPTED: Final = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site, by the files of the repository that they are."""
FILES: Final = "files"
"""Where the repository's files are shown."""
LANGUAGES: Final = {".py": "python", ".proto": "protobuf", ".yaml": "yaml", ".yml": "yaml"}
LINK: Final = re.compile(r"(\]\()(?!https?:|#|mailto:)([^)#\s]+)((?:#[^)\s]*)?\))")


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Draws equations."""
    fences = config.mdx_configs.setdefault("pymdownx.superfences", {})
    fences["custom_fences"] = [{"name": "math", "class": "equation", "format": math_fence}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Adds the pages that are not in docs/."""
    made = {"reference/api.md": api_page(), "reference/commands.md": commands_page()}
    for name, source in ADOPTED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        made[name] = LINK.sub(lambda link: f"{link[1]}{_from_docs(link[2])}{link[3]}", text)
    for name, text in made.items():
        files.append(File.generated(config, name, content=text))
    pages = {file.src_uri: made.get(file.src_uri) or file.content_string for file in _pages(files)}
    for target in sorted({path for name, text in pages.items() for path in _outside(name, text)}):
        shown = File.generated(config, _shown_at(target), content=_file_page(target))
        shown.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(shown)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Leads links that leave docs/ to the pages with those files."""
    folder = posixpath.dirname(page.file.src_uri)

    def led(link: re.Match[str]) -> str:
        target = _repository_path(page.file.src_uri, link[2])
        if target is None:
            return link[0]
        adopted = {source: name for name, source in ADOPTED.items()}
        name = adopted.get(target) or _shown_at(target)
        return f"{link[1]}{posixpath.relpath(name, folder or '.')}{link[3]}"

    return LINK.sub(led, markdown)


def _pages(files: Files) -> list[Any]:
    return [file for file in files if file.is_documentation_page()]


def _from_docs(link: str) -> str:
    """A link of a file in the root as one in docs/ would write it."""
    return link.removeprefix("docs/") if link.startswith("docs/") else f"../{link}"


def _repository_path(page: str, link: str) -> str | None:
    """The file that a link leads to, in the repository; None within docs/."""
    target = posixpath.normpath(posixpath.join("docs", posixpath.dirname(page), link))
    return None if target.startswith("docs/") else target


def _outside(page: str, text: str) -> list[str]:
    found = (_repository_path(page, link[2]) for link in LINK.finditer(text))
    return [path for path in found if path and path not in ADOPTED.values()]


def _shown_at(path: str) -> str:
    return f"{FILES}/{path.rstrip('/')}.md"


def _file_page(path: str) -> str:
    """A file of the repository as a page; of a folder, what is in it."""
    source = ROOT / path
    head = f"---\nsearch:\n  exclude: true\n---\n# `{path}`\n\n"
    if source.is_dir():
        names = sorted(
            entry.name + ("/" if entry.is_dir() else "")
            for entry in os.scandir(source)
            if entry.name[0] not in "._"
        )
        return head + "".join(f"* `{name}`\n" for name in names)
    language = LANGUAGES.get(source.suffix, "text")
    return f"{head}~~~~{language}\n{source.read_text(encoding='utf-8')}\n~~~~\n"
