"""What every file of the repository keeps to."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[3]
REGISTRY = re.compile(r"https?://[^\s)\"]*(pypi|pythonhosted|npmjs|debian)", re.IGNORECASE)
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)(?:#[^)]*)?\)")


def _tracked(pattern: str) -> list[Path]:
    """The repository's files; in a copy without git, all that are not in a hidden folder."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "-z", pattern]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if listed.returncode == 0:
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        relative = (path.relative_to(ROOT) for path in ROOT.rglob(pattern))
        found = [ROOT / path for path in relative if not path.parts[0].startswith(".")]
    assert found, f"no file like {pattern}"
    return [path for path in found if path.is_file()]


def test_lock_files_name_versions_and_hashes_and_no_host() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.lock")):
        text = lock.read_text()
        packages = [line for line in text.splitlines() if line and line[0].isalnum()]
        assert packages
        assert all(re.match(r"[a-z0-9._-]+==\S+", line) for line in packages)
        assert text.count("--hash=sha256:") >= len(packages)
        assert "://" not in text


def test_no_file_names_a_registry_host() -> None:
    for path in _tracked("*"):
        if path.suffix not in {".gz", ".png"} and path.name != Path(__file__).name:
            assert not REGISTRY.search(path.read_text(errors="ignore")), path


def test_every_link_in_the_documents_leads_to_a_file() -> None:
    for page in _tracked("*.md"):
        for target in LINK.findall(page.read_text()):
            assert (page.parent / target).exists(), f"{page}: {target}"
