"""The Dockerfiles: linted, pinned, and with nothing in them that ties them to a place."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

import heed

ROOT = Path(__file__).resolve().parents[3]
IMAGES = ROOT / "deploy/docker/Dockerfile"
STAND_INS = Path(__file__).parent / "stand_ins/Dockerfile"
LOCKS = ("build", "serve", "model-server", "loadtest")
TARGETS = ("gateway", "model-server", "loadtest")

each_file = pytest.mark.parametrize("path", [IMAGES, STAND_INS], ids=["images", "stand-ins"])


@each_file
def test_hadolint_finds_nothing(path: Path) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("NOT CHECKED: hadolint is not made for this machine")
    done = subprocess.run([hadolint, path], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


@each_file
def test_the_base_is_an_argument_and_no_syntax_has_to_be_fetched(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    stages = set(re.findall(r"(?m)^FROM \S+ AS (\S+)$", text))
    for base in re.findall(r"(?m)^FROM (\S+)", text):
        assert base == "${PYTHON_IMAGE}" or base in stages
    assert re.search(r"(?m)^ARG PYTHON_IMAGE=\S+:\S+$", text)
    assert "# syntax=" not in text


def test_packages_are_installed_by_hash_alone() -> None:
    text = re.sub(r"\\\n\s*", " ", IMAGES.read_text(encoding="utf-8"))
    installs = re.findall(r"pip [^&\n]*install[^&\n]*", text)
    assert len(installs) == len(LOCKS) + 3
    for install in installs:
        assert "--require-hashes" in install or "--no-index /wheels/*.whl" in install
    assert set(re.findall(r"--requirement /?requirements/(\S+)\.lock", text)) == set(LOCKS)


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_file_has_versions_and_hashes_and_no_host(name: str) -> None:
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    packages = re.findall(r"(?m)^[a-z]\S*==\S+", text)
    assert packages
    assert len(re.findall(r"(?m)^[a-z][^\n]*\\\n    --hash=sha256:", text)) == len(packages)
    assert "://" not in text


@pytest.mark.parametrize("name", ["build", "serve", "loadtest"])
def test_only_the_model_servers_image_gets_tensorflow(name: str) -> None:
    text = (ROOT / f"requirements/{name}.lock").read_text(encoding="utf-8")
    assert not re.search(r"(?m)^(tensorflow|keras)", text)


def test_images_say_what_they_are_and_run_without_root() -> None:
    text = IMAGES.read_text(encoding="utf-8")
    runtime = _stage(text, "runtime")
    assert "\nUSER 10001:10001\n" in runtime
    assert "\nSTOPSIGNAL SIGTERM\n" in runtime
    for label in ("licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in runtime
    for target in TARGETS:
        stage = _stage(text, target)
        assert stage.startswith(f"FROM runtime AS {target}\n")
        assert "org.opencontainers.image.title=" in stage
        assert "\nHEALTHCHECK " in stage
        assert re.search(r"(?m)^ENTRYPOINT \[", stage), "exec form, so that signals arrive"
        assert "\nUSER " not in stage


def test_images_bear_the_version_of_the_code() -> None:
    version = heed.__version__
    assert f"\nARG HEED_VERSION={version}\n" in IMAGES.read_text(encoding="utf-8")
    tags = re.findall(r"(?m)^HEED_\w+_IMAGE=heed/\S+:(\S+)$", (ROOT / ".env.example").read_text())
    assert tags == [version] * len(TARGETS)


def test_nothing_is_sent_to_the_engine_but_what_is_copied() -> None:
    sent = IMAGES.with_name("Dockerfile.dockerignore").read_text(encoding="utf-8").splitlines()
    allowed = {line[1:] for line in sent if line.startswith("!")}
    assert "*" in sent
    copied = set()
    for line in re.findall(r"(?m)^COPY (?!--from)(.+)$", IMAGES.read_text(encoding="utf-8")):
        copied |= set(line.split()[:-1])
    for source in copied:
        assert (ROOT / source).exists()
        assert any(source == path or source.startswith(f"{path}/") for path in allowed), source


def _stage(text: str, name: str) -> str:
    found = re.search(rf"(?ms)^FROM \S+ AS {name}$.*?(?=^# ---|^FROM |\Z)", text)
    assert found, name
    return found[0]
