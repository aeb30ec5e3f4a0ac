from __future__ import annotations

from model_server.status import Code, StatusError, truncated


def test_a_message_of_1024_bytes_is_sent_whole() -> None:
    assert truncated("m" * 1024) == "m" * 1024


def test_a_longer_message_is_cut_and_marked() -> None:
    assert truncated("m" * 1025) == "m" * 1024 + "...TRUNCATED"


def test_the_cut_counts_bytes_and_never_splits_a_character() -> None:
    assert truncated("m" + "é" * 600) == "m" + "é" * 511 + "...TRUNCATED"


def test_an_error_shows_its_code_and_message() -> None:
    assert str(StatusError(Code.NOT_FOUND, "no such model")) == "NOT_FOUND: no such model"
