"""What mkdocs does for this site beyond its settings in mkdocs.yml.

* What is made from the code when the site is built: the references of API and commands.
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
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files, InclusionLevel
from mkdocs.structure.pages import Page

ROOT: Final = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # mkdocs loads this file alone

from tools.document_commands import commands_reference  # noqa: E402
from tools.document_protos import api_reference  # noqa: E402
from tools.site_math import math_fence  # noqa: E402

ADOPTED: Final = {"contributing.md": "CONTRIBUTING.md", "changelog.md": "CHANGELOG.md"}
"""Pages of the site, by the files of the repository that they are."""
MADE: Final = {"reference/api.md": api_reference, "reference/commands.md": commands_reference}
"""What follows the words of a page."""
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
    for name, source in ADOPTED.items():
        text = (ROOT / source).read_text(encoding="utf-8")
        text = LINK.sub(lambda link: f"{link[1]}{_from_docs(link[2])}{link[3]}", text)
        files.append(File.generated(config, name, content=text))
    pages = [file for file in files if file.is_documentation_page()]
    leading = (_outside(file.src_uri, file.content_string) for file in pages)
    for target in sorted({path for paths in leading for path in paths}):
        shown = File.generated(config, _shown_at(target), content=_file_page(target))
        shown.inclusion = InclusionLevel.NOT_IN_NAV
        files.append(shown)
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Adds what is made, and leads links that leave docs/ to the pages with those files."""
    folder = posixpath.dirname(page.file.src_uri)

    def led(link: re.Match[str]) -> str:
        target = _repository_path(page.file.src_uri, link[2])
        if target is None:
            return link[0]
        adopted = {source: name for name, source in ADOPTED.items()}
        name = adopted.get(target) or _shown_at(target)
        return f"{link[1]}{posixpath.relpath(name, folder or '.')}{link[3]}"

    make = MADE.get(page.file.src_uri)
    return LINK.sub(led, markdown) + (make() if make else "")


def on_page_content(html: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Cells above a table that say nothing are no headings."""
    return html.replace("<th></th>", "<td></td>")


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Names the dialogue for those who hear the page."""
    search = 'data-md-component="search" role="dialog"'
    return output.replace(search, f'{search} aria-label="Search"')


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
