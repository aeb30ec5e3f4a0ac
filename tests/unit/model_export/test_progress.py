from __future__ import annotations

import pytest

from model_export.progress import progress_display


def test_elsewhere_than_in_a_terminal_lines_appear_now_and_then(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now_s = 0.0
    monkeypatch.setattr("time.monotonic", lambda: now_s)
    with progress_display("training", 100) as display:
        for step in range(1, 101):
            now_s += 0.5
            display.update(step, f"loss {step}")
        display.line("done")
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.splitlines() == [
        "training 20/100 loss 20",
        "training 40/100 loss 40",
        "training 60/100 loss 60",
        "training 80/100 loss 80",
        "training 100/100 loss 100",
        "done",
    ]


def test_in_a_terminal_there_is_a_bar(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with progress_display("training", 100) as display:
        display.update(50, "loss 1.5")
        display.line("half [of it]")
    output = capsys.readouterr()
    assert output.out == ""
    assert "half [of it]" in output.err
    assert "50/100" in output.err
    assert "loss 1.5" in output.err
