"""Faults of real processes, and the alerts of a real Prometheus that watches them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest

from tests.support.dashboards import RULES_PATH, alerts
from tests.support.gateway import GatewayProcess, error_of, generate_request
from tests.support.http import running_http_gateway
from tests.support.prometheus import Prometheus, prometheus_program, running_prometheus
from tests.support.stub_model_server import StubModelServer, abort
from tests.support.waiting import wait_until

LONGEST_S = 90


@dataclass(frozen=True)
class Watched:
    """A gateway, what stands behind it, and who watches both."""

    gateway: GatewayProcess
    stub: StubModelServer
    prometheus: Prometheus

    def state_of(self, alert: str) -> str:
        """ "inactive", "pending" (true, and not yet for long enough) or "firing"."""
        groups = self.prometheus.ask("rules")["groups"]
        (found,) = [rule for group in groups for rule in group["rules"] if rule["name"] == alert]
        return str(found["state"])

    def states(self) -> dict[str, str]:
        """The states of all alerts but those that are inactive."""
        every = {name: self.state_of(name) for name in alerts()}
        return {name: state for name, state in every.items() if state != "inactive"}

    def wait_for(self, state: str, *names: str) -> None:
        wait_until(
            lambda: all(self.state_of(name) == state for name in names),
            lambda: str(self.states()),
            timeout_s=LONGEST_S,
        )


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    prometheus_program("prometheus")
    with running_http_gateway() as (gateway, stub):
        address = gateway.url.partition("://")[2].rstrip("/")
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(RULES_PATH)],
            "scrape_configs": [
                {"job_name": "gateway", "static_configs": [{"targets": [address]}]},
            ],
        }
        with running_prometheus(config, tmp_path) as prometheus:
            wait_until(lambda: prometheus.has_numbers("up == 1"), timeout_s=LONGEST_S)
            yield Watched(gateway, stub, prometheus)


def test_the_first_fault_of_its_kind_is_heard_of(watched: Watched) -> None:
    stub = watched.gateway.stub
    stub.Generate(generate_request("hello"), timeout=30)
    zero = 'heed_errors_total{method="Generate",reason="MODEL_SERVER_FAILED"} == 0'
    wait_until(lambda: watched.prometheus.has_numbers(f"({zero}) + 1"), timeout_s=LONGEST_S)
    assert watched.states() == {}
    watched.stub.predict_fault = lambda request, response: abort(grpc.StatusCode.INTERNAL)
    error = error_of(lambda: stub.Generate(generate_request("hello"), timeout=30))
    assert error.code() is grpc.StatusCode.INTERNAL
    watched.wait_for("firing", "HeedInternalErrors")


def test_alerts_follow_the_loss_of_the_model_server_and_then_of_the_gateway(
    watched: Watched,
) -> None:
    watched.stub.status_fault = lambda: abort(grpc.StatusCode.UNAVAILABLE)
    watched.stub.predict_fault = lambda request, response: abort(grpc.StatusCode.UNAVAILABLE)
    watched.wait_for("pending", "HeedModelNotReady", "HeedModelServerDown")
    assert watched.state_of("HeedNoGateway") == "inactive", "it answers, though not ready"
    watched.gateway.terminate()
    watched.wait_for("pending", "HeedGatewayDown", "HeedNoGateway")
