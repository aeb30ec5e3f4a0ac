"""`make demo`'s main job, with the smallest recipe, in a folder of its own."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from tools.demo import DemoError, is_free, newest_version, wait_until_ready

ROOT = Path(__file__).resolve().parents[2]
ALLOWED_S = 170


def start_demo(folder, *arguments, **settings):
    command = [sys.executable, "tools/demo.py", "--recipe", "g2p-tiny", "--folder", str(folder)]
    return subprocess.Popen([*command, *arguments], cwd=ROOT, **settings)


def read_until(leader, text):
    """What a terminal shows until `text` appears or its other end is closed."""
    shown = ""
    give_up_at = time.monotonic() + ALLOWED_S
    while text not in shown and time.monotonic() < give_up_at:
        try:
            chunk = os.read(leader, 4096)
        except OSError:
            break
        shown += chunk.decode(errors="replace")
    return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.mark.timeout(ALLOWED_S + 30)
def test_the_demo_shows_the_whole_way_and_ends_with_its_children_on_ctrl_c(folder):
    leader, follower = pty.openpty()
    demo = start_demo(folder, stdin=follower, stdout=follower, stderr=follower)
    os.close(follower)
    try:
        shown = read_until(leader, "Ctrl-C stops it.")
        children = psutil.Process(demo.pid).children(recursive=True)
        demo.send_signal(signal.SIGINT)
        read_until(leader, "never")
        assert demo.wait(60) == 0, shown
    finally:
        demo.kill()
        demo.wait()
        os.close(leader)
    for step in ("1/6 Train", "2/6 Evaluate", "3/6 Export", "4/6 Verify", "5/6 Serve", "6/6 Ask"):
        assert step in shown
    assert "weight  · <5% ░░ ≥5%" in shown
    assert "generate heed" in shown
    assert (folder / "runs/demo/attention.png").read_bytes().startswith(b"\x89PNG")
    assert len(children) >= 2, "the gateway and its model server"
    assert not psutil.wait_procs(children, timeout=10)[1]


@pytest.mark.timeout(ALLOWED_S + 30)
def test_a_second_demo_uses_what_is_there_and_ends_by_itself_without_a_terminal(folder):
    demo = start_demo(
        folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    shown = demo.communicate(timeout=ALLOWED_S)[0].decode()
    assert demo.returncode == 0, shown
    assert shown.count("used again") == 2
    assert [path.name for path in (folder / "models/g2p-tiny").iterdir()] == ["1"]


def test_a_demo_that_is_terminated_ends_its_children(folder):
    demo = start_demo(folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        give_up_at = time.monotonic() + 30
        while not (children := psutil.Process(demo.pid).children(recursive=True)):
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        demo.send_signal(signal.SIGTERM)
        assert demo.wait(60) == 128 + signal.SIGTERM
    finally:
        demo.kill()
        demo.communicate()
    assert not psutil.wait_procs(children, timeout=10)[1]


def test_a_failing_step_says_what_failed(tmp_path):
    (tmp_path / "runs").write_text("not a folder")
    demo = start_demo(
        tmp_path, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    shown = demo.communicate(timeout=ALLOWED_S)[0].decode()
    assert demo.returncode == 1
    assert "The demo stopped:" in shown
    assert "`heed train` failed with status" in shown
    assert "Traceback" not in shown


def test_the_newest_version_is_the_highest_number(tmp_path):
    assert newest_version(tmp_path / "none") is None
    for name in ("9", "10", ".temporary"):
        (tmp_path / name).mkdir()
    assert newest_version(tmp_path) == tmp_path / "10"


def test_a_port_in_use_is_not_free():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        assert not is_free(port)
    assert is_free(port)


def test_a_gateway_that_ends_early_is_reported_with_the_end_of_its_log(tmp_path):
    log = tmp_path / "serve.log"
    log.write_text("first\nheed: error: no models\n")
    process = subprocess.Popen([sys.executable, "-c", "raise SystemExit(3)"])
    process.wait()
    with pytest.raises(DemoError, match=r"(?s)status 3:.*no models.*serve\.log"):
        wait_until_ready(process, log)
