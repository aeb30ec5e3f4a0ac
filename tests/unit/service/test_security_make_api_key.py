from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest

from service.domain.requests import Priority
from service.security.api_keys import parse_api_keys, read_api_keys
from service.security.make_api_key import main


def make(*flags: str) -> int:
    return main(["make-api-key", *flags])


def test_the_key_is_printed_once_and_the_file_holds_its_digest_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys_file = tmp_path / "keys.toml"
    assert make("--name", "search", "--keys-file", str(keys_file)) == 0
    key = capsys.readouterr().out.strip()
    assert key not in keys_file.read_text()
    found = read_api_keys(keys_file).find(key)
    assert found is not None
    assert found.name == "search"
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o600


def test_entries_are_added_and_what_was_there_stays(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    keys_file = tmp_path / "keys.toml"
    make("--name", "one", "--keys-file", str(keys_file))
    keys_file.write_text("# ours\n" + keys_file.read_text())
    keys_file.chmod(0o640)
    make("--name", "two", "--keys-file", str(keys_file))
    assert keys_file.read_text().startswith("# ours\n[[keys]]\n")
    assert [each.name for each in read_api_keys(keys_file).entries.values()] == ["one", "two"]
    assert stat.S_IMODE(keys_file.stat().st_mode) == 0o640
    assert make("--name", "two", "--keys-file", str(keys_file)) == 1
    assert "name: 'two' is there twice" in capsys.readouterr().err
    assert len(list(tmp_path.iterdir())) == 1


def test_without_a_file_the_entry_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    flags = ["--models", "en-*", "g2p", "--requests-per-s", "2.5", "--tokens-per-s", "100"]
    more = ["--max-calls", "4", "--max-priority", "bulk", "--expires", "2030-01-01"]
    assert make("--name", "nightly", *flags, *more) == 0
    printed = capsys.readouterr().out
    found = parse_api_keys(printed.rpartition("# The key:")[0].encode(), "f").find(
        printed.split()[-1]
    )
    assert found is not None
    assert (found.models, found.requests_per_s, found.tokens_per_s) == (("en-*", "g2p"), 2.5, 100)
    assert (found.max_calls, found.max_priority) == (4, Priority.BULK)
    assert found.expires is not None


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--name", ""], "--name: "),
        (["--name", "a", "--requests-per-s", "x"], "--requests-per-s: .*number"),
        (["--name", "a", "--expires", "soon"], "--expires: "),
    ],
)
def test_a_wrong_flag_is_named(
    flags: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert make(*flags) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert re.match(f"heed: error: {message}", captured.err)
