"""Fetches a Debian package and unpacks it beside the code: nothing is installed, nothing starts.

    python tools/debian_package.py prometheus
    python tools/debian_package.py kubernetes-client --release trixie

Prints the folder that holds its files, `.venv/debian/NAME`. Its programs must need no other
package, as those written in Go do. Works wherever `apt-get` does, also without being root.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parents[1] / ".venv/debian"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"
TIMEOUT_S = 120


class PackageUnavailableError(Exception):
    """The package cannot be had here; the message says why."""


def unpacked_package(name: str, *, release: str = "", folder: Path = FOLDER) -> Path:
    """The folder with a package's files; fetched and unpacked if it is not there yet.

    Args:
        name: The package's name.
        release: The Debian release it is taken from, such as "trixie"; this machine's if empty.
        folder: Holds a folder for each package.

    Raises:
        PackageUnavailableError: It cannot be fetched, or this is no Debian.
    """
    target = folder / name
    if target.is_dir():
        return target
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise PackageUnavailableError(f"{name} comes from Debian's packages, and this is no Debian")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        work = Path(temporary)
        _download(name, work, apt_options(work, release))
        (package,) = work.glob("*.deb")
        _run(["dpkg-deb", "-x", str(package), str(work / "files")], work)
        try:
            (work / "files").rename(target)
        except OSError:  # another process was faster
            if not target.is_dir():
                raise
    return target


def apt_options(work: Path, release: str) -> list[str]:
    """Options that have apt keep its lists in a folder of its own, those of a release if named."""
    for name in ("lists/partial", "cache/archives/partial"):
        (work / name).mkdir(parents=True)
    options = {
        "APT::Sandbox::User": "root",
        "Dir::State::Lists": str(work / "lists"),
        "Dir::State::Status": "/dev/null",  # what is installed here does not count
        "Dir::Cache": str(work / "cache"),
    }
    if release:
        sources = work / "sources.list"
        sources.write_text(f"deb [signed-by={KEYRING}] {_mirror()} {release} main\n")
        options |= {"Dir::Etc::SourceList": str(sources), "Dir::Etc::SourceParts": "/dev/null"}
    return [part for key, value in options.items() for part in ("-o", f"{key}={value}")]


def _download(name: str, work: Path, options: list[str]) -> None:
    _run(["apt-get", "-qq", *options, "update"], work)
    _run(["apt-get", "-qq", *options, "download", name], work)


def _mirror() -> str:
    """The mirror that this machine's apt uses.

    Raises:
        PackageUnavailableError: It uses none.
    """
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI)", "Identifier: Packages"]
    listed = subprocess.run(command, capture_output=True, text=True, check=False)
    plain = [line for line in listed.stdout.splitlines() if "security" not in line]
    if not plain:
        raise PackageUnavailableError("apt knows no mirror; see /etc/apt/sources.list")
    return plain[0].rstrip("/")


def _run(command: list[str], work: Path) -> None:
    try:
        subprocess.run(
            command, cwd=work, capture_output=True, text=True, check=True, timeout=TIMEOUT_S
        )
    except subprocess.CalledProcessError as error:
        raise PackageUnavailableError(f"{' '.join(command)}: {error.stderr.strip()}") from error
    except subprocess.TimeoutExpired as error:
        raise PackageUnavailableError(f"{' '.join(command)}: not in {TIMEOUT_S} s") from error


def main() -> int:
    """Prints the folder of a package."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("name", help="the package's name")
    parser.add_argument("--release", default="", help="the release it is taken from: trixie")
    arguments = parser.parse_args()
    try:
        print(unpacked_package(arguments.name, release=arguments.release))
    except PackageUnavailableError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
