from __future__ import annotations

import logging
import threading

import pytest

from model_server.lifecycle.polling import PeriodicTask
from tests.support.waiting import wait_until


def test_work_that_fails_is_logged_and_comes_again(caplog: pytest.LogCaptureFixture) -> None:
    calls: list[int] = []

    def work() -> None:
        calls.append(len(calls))
        if len(calls) == 1:
            raise RuntimeError("the first time")

    task = PeriodicTask("look", work, interval_s=0.01)
    with caplog.at_level(logging.ERROR):
        task.start()
        wait_until(lambda: len(calls) > 2)
        task.stop()
    assert "look failed" in caplog.text


def test_stopping_waits_for_work_that_is_under_way() -> None:
    begun, finish, finished = threading.Event(), threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        finish.wait(10)
        finished.set()

    task = PeriodicTask("slow", work, interval_s=0.01)
    task.start()
    begun.wait(10)
    threading.Timer(0.05, finish.set).start()
    task.stop()
    assert finished.is_set()
