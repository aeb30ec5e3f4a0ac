"""Where the metrics are shown: `MonitoringConfig` in text form."""

from __future__ import annotations

from pathlib import Path

from google.protobuf import text_format

from model_server.status import Code, StatusError
from model_server.text_messages import Field, message_class

DEFAULT_METRICS_PATH = "/monitoring/prometheus/metrics"
_MESSAGE = "MonitoringConfig"
_MESSAGES = {
    "PrometheusConfig": {"enable": Field(1, "bool"), "path": Field(2, "string")},
    _MESSAGE: {"prometheus_config": Field(1, ".tensorflow.serving.PrometheusConfig")},
}


def read_metrics_path(path: Path) -> str | None:
    """Where the metrics' page is; None when the file does not switch it on.

    Raises:
        StatusError: NOT_FOUND when the file cannot be read, INVALID_ARGUMENT when it is not valid.
    """
    try:
        text = path.read_text(encoding="utf-8")
        config = text_format.Parse(text, message_class(_MESSAGES, _MESSAGE)())
    except (OSError, UnicodeDecodeError) as error:
        raise StatusError(Code.NOT_FOUND, f"Cannot read '{path}': {error}") from error
    except text_format.ParseError as error:
        message = f"Invalid protobuf file: '{path}': {error}"
        raise StatusError(Code.INVALID_ARGUMENT, message) from error
    if not config.prometheus_config.enable:
        return None
    return str(config.prometheus_config.path) or DEFAULT_METRICS_PATH
