"""The measurement of the explorer's frames runs as its page says, in a real browser."""

from __future__ import annotations

import json

import pytest

from benchmarks.explorer_frames import chromium_path, main

pytestmark = pytest.mark.skipif(chromium_path() is None, reason="Chromium is not installed")


@pytest.mark.timeout(300)
def test_both_matrices_are_measured(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--seconds", "1", "--size", "20", "--json"])
    figures = json.loads(capsys.readouterr().out)
    assert [each["matrix"] for each in figures] == ["copied", "dense"]
    for each in figures:
        assert each["tokens"] == 20
        assert 0 < each["frames_least"] <= each["frames_median"] < 200
        assert each["longest_frame_ms"] > 0
