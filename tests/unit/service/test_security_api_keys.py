from __future__ import annotations

import datetime as dt
import hashlib
from pathlib import Path

import pytest

from service.domain.requests import Priority
from service.security.api_keys import (
    ApiKeyFileError,
    KeyRing,
    make_key,
    parse_api_keys,
    read_api_keys,
)

DIGEST = "0" * 64


def entry(key_id: str = "00000001", name: str = "search", rest: str = "") -> str:
    return f'[[keys]]\nid = "{key_id}"\nname = "{name}"\nsha256 = "{DIGEST}"\n{rest}\n'


def parse(text: str) -> KeyRing:
    return parse_api_keys(text.encode(), "keys.toml")


def test_an_entry_says_what_the_key_permits() -> None:
    rest = """
models = ["en-*", "g2p"]
requests_per_s = 0.5
tokens_per_s = 1000
max_calls = 3
max_priority = "bulk"
expires = 2030-01-02T03:04:05+01:00
"""
    found = parse(entry(rest=rest)).entries["00000001"]
    assert [found.permits(name) for name in ("en-fr", "g2p", "g2p2", "EN-fr")] == [
        True,
        True,
        False,
        False,
    ]
    assert (found.requests_per_s, found.tokens_per_s, found.max_calls) == (0.5, 1000.0, 3)
    assert found.max_priority is Priority.BULK
    assert found.expires == dt.datetime(2030, 1, 2, 2, 4, 5, tzinfo=dt.UTC)


def test_an_entry_that_says_little_permits_everything() -> None:
    found = parse(entry()).entries["00000001"]
    assert found.permits("anything")
    assert (found.requests_per_s, found.tokens_per_s, found.max_calls) == (None, None, None)
    assert (found.max_priority, found.expires) == (Priority.INTERACTIVE, None)


def test_a_date_means_its_first_moment() -> None:
    found = parse(entry(rest="expires = 2030-01-02")).entries["00000001"]
    assert found.expires == dt.datetime(2030, 1, 2, tzinfo=dt.UTC)


def test_a_new_key_is_found_by_its_digest_and_no_other() -> None:
    key, key_id = make_key()
    digest = hashlib.sha256(key.encode()).hexdigest()
    ring = parse(entry(key_id).replace(DIGEST, digest))
    found = ring.find(key)
    assert found is not None
    assert found.id == key_id
    other = key[:-1] + ("A" if key[-1] != "A" else "B")
    for wrong in (other, make_key()[0], key[5:], "", "heed__", key + "\n", f"{key}é"):
        assert ring.find(wrong) is None


def test_keys_are_long_and_never_the_same() -> None:
    keys = {make_key()[0] for _ in range(100)}
    assert len(keys) == 100
    assert {len(key) for key in keys} == {len("heed_") + 8 + 1 + 43}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "keys.toml: keys: Field required"),
        ("keys = []", "keys.toml: keys: .*at least 1"),
        ("keys = 1 2", "keys.toml: is no TOML: .*line 1"),
        ("key = 1\n" + entry(), "keys.toml: key: Extra inputs"),
        (entry() + entry("00000002"), "keys.toml:8: name: 'search' is there twice"),
        (entry() + entry(name="b"), "keys.toml:7: id: '00000001' is there twice"),
        (entry() + '[[keys]]\nname = "b"\n', "keys.toml:6: id: Field required"),
        (entry(rest='model = "a"'), "keys.toml:5: model: Extra inputs"),
        (entry(rest="models = []"), "keys.toml:5: models: .*at least 1"),
        (entry(rest="requests_per_s = 0"), "keys.toml:5: requests_per_s: .*greater than 0"),
        (entry(rest="requests_per_s = nan"), "keys.toml:5: requests_per_s"),
        (entry(rest="tokens_per_s = inf"), "keys.toml:5: tokens_per_s"),
        (entry(rest="max_calls = 0"), "keys.toml:5: max_calls: .*greater than or equal to 1"),
        (entry(rest='max_priority = "top"'), "keys.toml:5: max_priority: .*'interactive' or"),
        (entry(rest="expires = 2030-01-02T03:04:05"), "keys.toml:5: expires: .*timezone"),
        (entry(key_id="xyz"), "keys.toml:2: id: .*pattern"),
        (entry(name="a\\nb"), "keys.toml:3: name: .*pattern"),
        (f"keys = [{{id='1', name='a', sha256='{DIGEST}'}}]", "keys.toml, key 1: id: .*pattern"),
    ],
)
def test_a_wrong_file_is_told_with_line_and_field(text: str, message: str) -> None:
    with pytest.raises(ApiKeyFileError, match=message):
        parse(text)


def test_errors_never_show_what_the_file_holds() -> None:
    key = make_key()[0]
    with pytest.raises(ApiKeyFileError) as error:
        parse(entry(rest=f'sha_256 = "{key}"').replace(DIGEST, key))
    assert key not in str(error.value)


def test_bytes_that_are_no_text_and_files_that_are_not_there_are_told(tmp_path: Path) -> None:
    with pytest.raises(ApiKeyFileError, match="no UTF-8 at byte 2"):
        parse_api_keys(b"ab\xff", "keys.toml")
    with pytest.raises(ApiKeyFileError, match=r"missing.toml: cannot be read: No such file"):
        read_api_keys(tmp_path / "missing.toml")
