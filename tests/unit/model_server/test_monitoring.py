from __future__ import annotations

from pathlib import Path

import pytest

from model_server.rest.monitoring import DEFAULT_METRICS_PATH, read_metrics_path
from model_server.status import Code, StatusError


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("", None),
        ("prometheus_config { }", None),
        ("prometheus_config { enable: true }", DEFAULT_METRICS_PATH),
        ('prometheus_config { enable: true path: "/m" }', "/m"),
    ],
)
def test_metrics_are_shown_where_the_file_says(tmp_path: Path, text: str, path: str | None) -> None:
    file = tmp_path / "monitoring.config"
    file.write_text(text)
    assert read_metrics_path(file) == path


def test_an_unknown_field_is_an_error(tmp_path: Path) -> None:
    file = tmp_path / "monitoring.config"
    file.write_text("prometheus { enable: true }")
    with pytest.raises(StatusError, match="prometheus") as caught:
        read_metrics_path(file)
    assert caught.value.code is Code.INVALID_ARGUMENT


def test_a_file_that_cannot_be_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(StatusError, match="Cannot read"):
        read_metrics_path(tmp_path / "missing")
