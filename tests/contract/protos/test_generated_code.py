"""The committed messages are the protos' own."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
COMMENTS = Path("heed/v1/comments.json")
MESSAGES = sorted(
    path.relative_to(ROOT)
    for folder in ("heed/v1", "heed/wire/v1", "heed/wire/inference")
    for path in (ROOT / folder).glob("*_pb2*.py*")
)
GENERATED = [*MESSAGES, COMMENTS]


@pytest.fixture(scope="module")
def fresh(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("generated")
    subprocess.run(
        [ROOT / "tools/generate_protos.sh", out],
        check=True,
        env={"PYTHON": sys.executable, "PATH": "/usr/bin:/bin"},
    )
    return out


@pytest.mark.parametrize("path", GENERATED, ids=str)
def test_generated_code_is_what_the_protos_give(path: Path, fresh: Path) -> None:
    assert (fresh / path).read_text() == (ROOT / path).read_text(), "run: make generate"


def test_no_generated_file_is_missing(fresh: Path) -> None:
    made = sorted(path.relative_to(fresh) for path in fresh.rglob("*_pb2*.py*"))
    assert made == MESSAGES
