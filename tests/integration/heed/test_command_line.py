"""The commands that ask a gateway, as a user runs them: in their own process."""

import json
import os
import pty
import signal
import subprocess
import sys
import time
from pathlib import Path

import grpc
import pytest

from tests.support.client import abort, serving, upper_case


def answer(request, context):
    for index, text in enumerate(request.texts):
        if len(text) > 60:
            fields = {f"texts[{index}]": f"{len(text)} tokens; the model reads at most 60"}
            abort(context, grpc.StatusCode.INVALID_ARGUMENT, "too long", fields=fields)
    return upper_case(request)


@pytest.fixture(scope="module")
def address():
    with serving(answer) as (bound, _):
        yield bound


@pytest.fixture
def heed(address):
    def run(command, *arguments, lines=None, **settings):
        return subprocess.run(
            [sys.executable, "-m", "heed", command, "--address", address, *arguments],
            input=lines if lines is not None else b"",
            capture_output=True,
            check=False,
            timeout=60,
            **settings,
        )

    return run


def test_a_piped_answer_is_its_text_alone(heed):
    finished = heed("generate", "one", "two")
    assert (finished.stdout, finished.stderr, finished.returncode) == (b"ONE\nTWO\n", b"", 0)


def test_lines_are_answered_in_order_and_blank_lines_stay_blank(heed):
    finished = heed("generate", lines=b"\xef\xbb\xbfone\r\n\n  \ntwo\n\n")
    assert finished.stdout == b"ONE\n\n\nTWO\n\n"
    assert finished.returncode == 0


def test_a_dash_reads_standard_input(heed):
    assert heed("generate", "-", lines=b"one").stdout == b"ONE\n"


def test_no_lines_get_no_answers(heed):
    finished = heed("generate", lines=b"")
    assert (finished.stdout, finished.stderr, finished.returncode) == (b"", b"", 0)


def test_many_lines_keep_their_order(heed):
    lines = [f"w{index}" for index in range(3000)]
    finished = heed("generate", lines="\n".join(lines).encode())
    assert finished.stdout.decode().split() == [line.upper() for line in lines]


@pytest.mark.parametrize(
    ("bad", "message"),
    [
        (b"x" * 61, b"heed: error: line 4: 61 tokens; the model reads at most 60\n"),
        (b"na\xefve", b"heed: error: line 4: character 3 is not valid Unicode"),
    ],
)
def test_a_bad_line_is_named_after_the_answers_before_it(heed, bad, message):
    finished = heed("generate", lines=b"one\n\ntwo\n" + bad + b"\nthree\n")
    assert finished.stdout == b"ONE\n\nTWO\n"
    assert finished.stderr.startswith(message)
    assert finished.returncode == 1


def test_a_bad_argument_text_is_named_by_its_place(heed):
    finished = heed("generate", "one", "x" * 61)
    assert finished.stdout == b"ONE\n"
    assert finished.stderr == b"heed: error: text 2: 61 tokens; the model reads at most 60\n"


def test_a_reader_that_goes_away_ends_it_quietly(address):
    endless = subprocess.Popen(
        [sys.executable, "-c", "while True: print('word')"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    asking = subprocess.Popen(
        [sys.executable, "-m", "heed", "generate", "--address", address],
        stdin=endless.stdout,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    endless.stdout.close()
    try:
        assert asking.stdout.readline() == b"WORD\n"
        asking.stdout.close()
        assert asking.wait(30) == 141
        assert asking.stderr.read() == b""
    finally:
        asking.kill()
        endless.kill()
        asking.stderr.close()
        endless.wait()
        asking.wait()


def test_a_full_disk_is_an_error_in_one_line(address):
    with Path("/dev/full").open("wb") as full:
        finished = subprocess.run(
            [sys.executable, "-m", "heed", "generate", "--address", address, "one"],
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert finished.returncode == 1
    assert finished.stderr == (
        b"heed: error: cannot write to standard output: No space left on device\n"
    )


@pytest.mark.parametrize("answered_count", [1, 2, 40])
def test_an_interrupt_ends_bulk_work_with_one_line(address, answered_count):
    with subprocess.Popen(
        [sys.executable, "-m", "heed", "generate", "--address", address],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as asking:
        try:
            asking.stdin.write(b"word\n" * 1000)
            asking.stdin.flush()
            for _ in range(answered_count):
                assert asking.stdout.readline() == b"WORD\n"
            asking.send_signal(signal.SIGINT)
            _, errors = asking.communicate(timeout=30)
        finally:
            asking.kill()
    assert errors == b"heed: interrupted\n"
    assert asking.returncode == 130


def test_json_is_one_document_a_line_with_attention(heed):
    finished = heed("generate", "--json", "--heads", lines=b"ab\n\n")
    first, blank = finished.stdout.decode().splitlines()
    document = json.loads(first)
    assert blank == "null"
    assert (document["source_text"], document["text"], document["score"]) == ("ab", "AB", -0.5)
    assert document["model"] == {"name": "upper", "version": 7}
    assert document["tokens"][0] == {
        "id": 4,
        "text": "A",
        "begin": 0,
        "end": 1,
        "kind": "text",
        "score": -0.25,
    }
    assert document["attention"]["weights"] == [[1.0, 0.0], [0.0, 1.0]]
    assert document["attention"]["heads"][0][0] == [[1.0, 0.0], [0.0, 1.0]]
    assert document["attention"]["heads"][1][1] is None


def test_json_without_attention_is_small(heed):
    finished = heed("generate", "--json", "--attention", "none", "ab")
    assert json.loads(finished.stdout)["attention"] is None


def test_the_map_can_be_asked_for_in_a_pipe(heed):
    finished = heed("generate", "ab", "--attention", "terminal")
    assert finished.stdout.decode().splitlines()[:4] == ["AB", "", "   a  b", "A ███ ·"]
    assert b"\x1b" not in finished.stdout


def test_the_map_of_every_head_is_named(heed):
    shown = heed("generate", "ab", "--attention", "terminal", "--heads").stdout.decode()
    assert [line for line in shown.splitlines() if line.startswith("layer")] == [
        "layer 0, head 0",
        "layer 0, head 1",
        "layer 1, head 0",
    ]


def test_an_old_terminal_gets_ascii(heed):
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    finished = heed("generate", "ab", "--attention", "terminal", env=environment)
    assert finished.returncode == 0
    assert finished.stdout.decode("ascii").splitlines()[3] == "A ### ."


def everything_shown_by(leader):
    shown = b""
    try:
        while chunk := os.read(leader, 4096):
            shown += chunk
    except OSError:
        pass  # the terminal's other end is closed: all was read
    finally:
        os.close(leader)
    return shown


def test_the_progress_bar_and_the_answers_go_their_own_ways(address, tmp_path):
    lines, answers = tmp_path / "lines.txt", tmp_path / "answers.txt"
    lines.write_text("\n".join(f"w{index}" for index in range(2000)))
    leader, follower = pty.openpty()
    with lines.open("rb") as source, answers.open("wb") as target:
        process = subprocess.Popen(
            [sys.executable, "-m", "heed", "generate", "--address", address],
            stdin=source,
            stdout=target,
            stderr=follower,
            env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
        )
    os.close(follower)
    shown = everything_shown_by(leader)
    assert process.wait(30) == 0
    assert answers.read_text().split() == [f"W{index}" for index in range(2000)]
    assert b"2,000 lines" in shown
    assert b"100 %" in shown
    assert b"W1" not in shown


def test_on_a_terminal_the_map_comes_by_itself(address):
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "heed", "generate", "--address", address, "ab"],
        stdin=subprocess.DEVNULL,
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"},
    )
    os.close(follower)
    shown = everything_shown_by(leader)
    assert process.wait(30) == 0
    process.stderr.close()
    assert shown.startswith(b"AB\r\n")
    assert "███".encode() in shown
    assert b"\x1b[" in shown


def test_one_answer_becomes_one_picture(heed, tmp_path):
    finished = heed("generate", "ab", "--attention", "map.png", cwd=tmp_path)
    assert finished.stderr == b"heed: wrote map.png\n"
    assert [path.name for path in tmp_path.iterdir()] == ["map.png"]


def test_one_answer_becomes_a_page_that_needs_nothing_else(heed, tmp_path):
    finished = heed("generate", "ab", "--attention", "map.html", "--heads", cwd=tmp_path)
    assert finished.stderr == b"heed: wrote map.html\n"
    page = (tmp_path / "map.html").read_text("utf-8")
    document = json.loads(page.rpartition('id="heed-document">')[2].partition("</script>")[0])
    (answer,) = document["answers"]
    assert answer["request"]["texts"] == ["ab"]
    attention = answer["response"]["results"][0]["hypotheses"][0]["attention"]
    assert attention["weights"] == [1, 0, 0, 1]
    assert [head["headIndex"] for head in attention["heads"]] == [0, 1, 0]


def test_several_answers_become_numbered_files(heed, tmp_path):
    heed("generate", "--attention", "map.json", lines=b"ab\n\ncd\n", cwd=tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["map-1.json", "map-3.json"]
    document = json.loads((tmp_path / "map-3.json").read_text())
    assert [token["text"] for token in document["source_tokens"]] == ["c", "d"]
    assert document["weights"] == [[1.0, 0.0], [0.0, 1.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attention", "map.gif"], "neither terminal, nor none, nor a file that ends with"),
        (["--attention", "nowhere/map.png"], "there is no folder 'nowhere'"),
        (["--json", "--attention", "terminal"], "both want standard output"),
        (["--heads"], "--heads shows nothing without"),
        (["--width-mm", "85"], "--width-mm is for --attention FILE.png, FILE.svg, FILE.pdf"),
        (["--attention", "a.html", "--title", "x"], "--title is for --attention FILE.png"),
        (["--max-length", "0"], "'0' is not an integer of 1 or more"),
        (["--min-length", "x"], "'x' is not an integer of 0 or more"),
        (["--timeout", "nan"], "'nan' is not a number of seconds above 0"),
        (["--beem"], "unrecognized arguments: --beem"),
    ],
)
def test_wrong_arguments_are_refused_in_one_line(heed, tmp_path, arguments, message):
    finished = heed("generate", "ab", *arguments, cwd=tmp_path)
    assert finished.returncode == 2
    (line,) = finished.stderr.decode().splitlines()
    assert line.startswith("heed: error: ")
    assert message in line
    assert finished.stdout == b""


def test_an_option_that_looks_like_one_can_be_a_text(heed):
    assert heed("generate", "--", "-s-").stdout == b"-S-\n"


def test_a_gateway_that_does_not_run_is_reported_quickly():
    with serving() as (unused, _):
        pass
    begin_s = time.monotonic()
    finished = subprocess.run(
        [sys.executable, "-m", "heed", "generate", "--address", unused, "ab"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert finished.returncode == 1
    assert finished.stderr.startswith(f"heed: error: no Heed gateway answers at {unused}")
    assert finished.stderr.count("\n") == 1
    assert time.monotonic() - begin_s < 10


def test_score_prints_the_logarithm_of_the_probability(heed):
    assert heed("score", "ab", "A B").stdout == b"-3.000000\n"
    document = json.loads(heed("score", "ab", "A B", "--json").stdout)
    assert (document["text"], document["score"]) == ("A B", -3.0)


def test_models_are_listed_as_a_table_and_as_json(heed):
    heading, row = heed("models").stdout.decode().splitlines()
    assert heading.split()[:3] == ["MODEL", "VERSIONS", "STATE"]
    assert row.split()[:4] == ["upper", "7,", "6", "ready"]
    (model,) = json.loads(heed("models", "--json").stdout)
    assert (model["name"], model["ready_versions"]) == ("upper", [7, 6])
    assert model["card"]["metrics"] == {"dev.word_accuracy": 0.68}


@pytest.fixture
def trickle(address):
    command = [sys.executable, "-m", "heed", "generate", "--address", address]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as asking:
        yield asking
        asking.kill()


def test_answers_flow_while_lines_trickle_in(trickle):
    for lines, answers in (
        (b"one\ntwo\n", [b"ONE\n", b"TWO\n"]),
        (b"three\n\n", [b"THREE\n", b"\n"]),
    ):
        trickle.stdin.write(lines)
        trickle.stdin.flush()
        assert [trickle.stdout.readline() for _ in answers] == answers
    trickle.stdin.write(b"with no line end")
    trickle.stdin.close()
    assert trickle.stdout.readline() == b"WITH NO LINE END\n"
    assert trickle.wait(30) == 0


def test_an_input_without_line_ends_is_refused_before_it_fills_the_memory(heed):
    finished = heed("generate", lines=b"one\n" + b"x" * (2**20 + 2**17))
    assert finished.stdout == b"ONE\n"
    assert finished.stderr == b"heed: error: line 2: has more than 1048576 bytes\n"
    assert finished.returncode == 1


@pytest.mark.parametrize("closed", [1, 2], ids=["output", "errors"])
def test_a_closed_stream_is_as_good_as_none(address, closed):
    command = f'"$@" {closed}>&-'
    arguments = [sys.executable, "-m", "heed", "generate", "--address", address, "one"]
    finished = subprocess.run(
        ["sh", "-c", command, "sh", *arguments], capture_output=True, check=False, timeout=60
    )
    assert finished.returncode == 0
    assert finished.stdout == (b"" if closed == 1 else b"ONE\n")
    assert finished.stderr == b""


def test_an_empty_address_is_refused_with_an_example(heed):
    finished = heed("generate", "--address", "", "one")
    assert finished.returncode == 2
    assert finished.stderr == (
        b"heed: error: argument --address: give HOST:PORT, for example 127.0.0.1:50051 "
        b"(see `heed generate --help`)\n"
    )
