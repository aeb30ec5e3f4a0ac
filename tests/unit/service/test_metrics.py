from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from prometheus_client.openmetrics.parser import (
    text_string_to_metric_families as parse_openmetrics,
)
from prometheus_client.parser import text_string_to_metric_families

from service.metrics import Metrics
from service.metrics.registry import FOLDER_VARIABLE


def values_of(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Every sample by its name and its labels."""
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def shown(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    return values_of(metrics.exposition()[0].decode())


def labels(**labels: str) -> tuple[tuple[str, str], ...]:
    return tuple(sorted(labels.items()))


def end_call(metrics: Metrics, code: str = "OK") -> None:
    metrics.calls.began("grpc")
    metrics.calls.ended(protocol="grpc", method="Generate", model="g2p", code=code, seconds=0.02)


def test_calls_are_counted_by_method_model_and_code() -> None:
    metrics = Metrics()
    for code in ("OK", "OK", "NOT_FOUND"):
        end_call(metrics, code)
    metrics.calls.began("http")
    values = shown(metrics)
    ok = labels(protocol="grpc", method="Generate", model="g2p", code="OK")
    assert values["heed_requests_total", ok] == 2
    assert values["heed_requests_in_progress", labels(protocol="grpc")] == 0
    assert values["heed_requests_in_progress", labels(protocol="http")] == 1
    seconds = labels(method="Generate", model="g2p")
    assert values["heed_request_duration_seconds_count", seconds] == 3
    assert values["heed_request_duration_seconds_sum", seconds] == pytest.approx(0.06)


def test_a_batch_tells_its_fill_and_its_padding() -> None:
    metrics = Metrics()
    metrics.batching.batch_sent(model="m", rows=4, tokens=30, padded_tokens=40, max_tokens=80)
    values, model = shown(metrics), labels(model="m")
    assert values["heed_batch_fill_ratio_sum", model] == pytest.approx(0.5)
    assert values["heed_batch_padding_ratio_sum", model] == pytest.approx(0.25)
    assert values["heed_batched_tokens_total", model] == 30
    assert values["heed_batched_padding_tokens_total", model] == 10
    assert values["heed_batch_rows_bucket", labels(model="m", le="4.0")] == 1


def test_a_model_server_that_left_is_no_longer_shown() -> None:
    metrics = Metrics()
    for replica in ("a:1", "b:1"):
        metrics.replicas.state(replica, is_healthy=True, outstanding_tokens=7)
    metrics.replicas.forget("a:1")
    values = shown(metrics)
    assert ("heed_replica_healthy", labels(replica="a:1")) not in values
    assert values["heed_replica_outstanding_tokens", labels(replica="b:1")] == 7


def test_what_has_not_happened_is_shown_as_zero_so_that_its_first_time_is_a_rise() -> None:
    metrics = Metrics()
    end_call(metrics)
    metrics.models.state("m", is_ready=True, newest_version=1, ready_versions=1)
    metrics.replicas.state("a:1", is_healthy=True, outstanding_tokens=0)
    values = shown(metrics)
    for reason in ("INTERNAL", "QUEUE_FULL", "MODEL_ANSWER_INVALID", "CANCELLED"):
        assert values["heed_errors_total", labels(method="Generate", reason=reason)] == 0
    assert ("heed_errors_total", labels(method="Score", reason="INTERNAL")) not in values
    assert values["heed_model_versions_refused_total", labels(model="m")] == 0
    assert values["heed_replica_ejections_total", labels(replica="a:1")] == 0
    for outcome in ("ok", "failed"):
        assert values["heed_replica_calls_total", labels(replica="a:1", outcome=outcome)] == 0
    assert values["heed_replica_retries_total", labels(outcome="refused")] == 0
    assert values["heed_dropped_rows_total", labels(reason="deadline")] == 0
    assert values["heed_log_lines_dropped_total", labels(reason="unwritable")] == 0
    failed = labels(what="keys", outcome="failed")
    assert values["heed_security_reloads_total", failed] == 0


def test_the_process_and_the_build_are_shown() -> None:
    values = shown(Metrics())
    assert values["process_resident_memory_bytes", ()] > 0
    (build,) = (value for (name, _), value in values.items() if name == "heed_build_info")
    assert build == 1


def test_whoever_understands_openmetrics_gets_it() -> None:
    metrics = Metrics()
    end_call(metrics)
    text, content_type = metrics.exposition("application/openmetrics-text; version=1.0.0")
    assert content_type.startswith("application/openmetrics-text")
    names = {family.name for family in parse_openmetrics(text.decode())}
    assert "heed_requests" in names


def test_names_keep_to_the_conventions_of_prometheus() -> None:
    for family in Metrics().registry.collect():
        if family.name.startswith("heed_"):
            assert family.documentation.endswith(".")
            assert not family.name.endswith(("_ms", "_milliseconds", "_count", "_mib"))
            assert family.type == "counter" or not family.name.endswith("_total")


PROCESS = """
import sys
from service.metrics import Metrics
metrics = Metrics()
for _ in range(int(sys.argv[1])):
    metrics.calls.began("grpc")
    metrics.calls.ended(protocol="grpc", method="Score", model="m", code="OK", seconds=0.1)
metrics.batching.queue(tokens=int(sys.argv[1]), rows=1)
metrics.models.state("m", is_ready=True, newest_version=3, ready_versions=1)
if sys.argv[2:]:
    from service.metrics import forget_process
    forget_process(int(sys.argv[2]))
    print(metrics.exposition()[0].decode())
else:
    import os
    print(os.getpid())
"""


def test_processes_that_share_a_folder_are_added_up(tmp_path: Path) -> None:
    environment = {**os.environ, FOLDER_VARIABLE: str(tmp_path)}

    def run(*arguments: str) -> str:
        command = [sys.executable, "-c", PROCESS, *arguments]
        return subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    ended = run("5").strip()
    values = values_of(run("2", ended))
    ok = labels(protocol="grpc", method="Score", model="m", code="OK")
    assert values["heed_requests_total", ok] == 7
    assert values["heed_queue_tokens", ()] == 2, "the process that ended waits for nothing"
    assert values["heed_model_newest_version", labels(model="m")] == 3
