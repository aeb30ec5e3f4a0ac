"""`heed generate --stream`, as a user runs it: in its own process."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator

import grpc
import pytest

from tests.support.client import abort, serving, upper_case

TEXT = "It rains. We stay."


def answer(request, context):  # type: ignore[no-untyped-def]
    for text in request.texts:
        if "bad" in text:
            fields = {"text": "99 tokens; at most 60"}
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, "wrong", fields=fields)
    request.texts[:] = [" ".join(text.split()) for text in request.texts]
    return upper_case(request)


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with serving(answer) as (bound, _):
        yield bound


def heed(address: str, *arguments: str, text: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "heed", "generate", "--address", address, "--stream", *arguments],
        input=text,
        capture_output=True,
        check=False,
        timeout=60,
    )


def test_a_pipe_gets_a_line_for_every_sentence(address: str) -> None:
    finished = heed(address, "It rains. We stay.", "Why?")
    assert finished.stdout == b"IT RAINS.\nWE STAY.\nWHY?\n"
    assert (finished.stderr, finished.returncode) == (b"", 0)


def test_all_of_standard_input_is_one_text(address: str) -> None:
    finished = heed(address, text=b"It rains\nin long lines. We stay.\n")
    assert finished.stdout.splitlines() == [b"IT RAINS IN LONG LINES.", b"WE STAY."]


def test_sentences_may_be_documents(address: str) -> None:
    finished = heed(address, "--json", "It rains. We stay.")
    documents = [json.loads(line) for line in finished.stdout.splitlines()]
    assert [document["source_text"] for document in documents] == ["It rains. ", "We stay."]
    assert documents[0]["attention"]["weights"]


def test_sentences_before_a_failure_are_printed(address: str) -> None:
    finished = heed(address, "It rains. This is bad. We stay.")
    assert finished.stdout == b"IT RAINS.\n"
    assert finished.stderr == b"heed: error: text: 99 tokens; at most 60\n"
    assert finished.returncode == 1


def test_what_is_not_unicode_is_refused(address: str) -> None:
    finished = heed(address, text=b"na\xefve")
    assert finished.returncode == 1
    assert b"character 3 is not valid Unicode" in finished.stderr


def test_a_chunk_without_a_stream_is_refused(address: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-m", "heed", "generate", "--chunk-tokens", "3", "a"],
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert finished.returncode == 2
    assert b"--chunk-tokens needs --stream" in finished.stderr


def test_on_a_terminal_an_output_grows_in_its_place(address: str) -> None:
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "heed", "generate", "--address", address, "--stream", TEXT],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
    )
    os.close(follower)
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal's other end is closed: all was read
    finally:
        os.close(leader)
    assert process.wait(30) == 0
    process.stderr.close()  # type: ignore[union-attr]
    text = shown.decode()
    assert "IT R …" in text
    assert "\x1b[2K" in text  # the line is cleared for what comes next
    assert text.index("IT R …") < text.index("IT RAINS.\r\n") < text.index("WE STAY.\r\n")
