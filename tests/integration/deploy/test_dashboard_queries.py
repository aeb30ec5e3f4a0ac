"""Every query of the dashboards and the rules, asked of a real Prometheus.

It scrapes two real gateways before one real model server, under a little load of every kind.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import grpc
import httpx
import pytest
import yaml

from heed.v1 import inference_pb2
from tests.support.certificates import Authority
from tests.support.dashboards import (
    DEPLOY,
    RULES_PATH,
    Question,
    panel_questions,
    rules,
    selectors,
)
from tests.support.exported_model import MODEL_NAME, exported_models_dir
from tests.support.gateway import GatewayProcess, generate_request, running_gateway
from tests.support.kubernetes import adapter_queries
from tests.support.model_server import free_port, model_flags, running_model_server
from tests.support.prometheus import Prometheus, prometheus_program, running_prometheus
from tests.support.serving_client import serving_client
from tests.support.waiting import wait_until

__all__ = ["exported_models_dir"]

pytestmark = pytest.mark.timeout(600)  # whoever comes first waits for all servers

WITHOUT_DATA = {
    "DCGM_": "needs a GPU and NVIDIA's dcgm-exporter",
}
"""What nothing here measures, by the beginning of its name, and why."""

QUESTIONS = list({one.expression: one for one in panel_questions()}.values())
ROUNDS = 12
PAUSE_S = 0.25
SCRAPED = 'up{job=~"gateway|tf-serving"} == 1'


def reason_for_nothing(expression: str) -> str:
    """Why a query may find nothing; empty if it must find something."""
    return next((why for name, why in WITHOUT_DATA.items() if name in expression), "")


def deployed_configuration(gateways: dict[str, str], rest_port: int, authority: Authority) -> Any:
    """The configuration as it is deployed, with addresses in the place of names."""
    config = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())
    config["global"] = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config["rule_files"] = [str(RULES_PATH)]
    targets = {
        "gateway": [
            {"targets": [address], "labels": {"__scheme__": scheme}}
            for scheme, address in gateways.items()
        ],
        "tf-serving": [{"targets": [f"127.0.0.1:{rest_port}"]}],
    }
    for job in config["scrape_configs"]:
        if job.pop("dns_sd_configs", None) is not None:
            job["static_configs"] = targets.get(job["job_name"], [])
    config["scrape_configs"][0]["tls_config"] = {"ca_file": str(authority.path)}
    return config


@pytest.fixture(scope="module")
def prometheus(
    exported_models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Prometheus]:
    prometheus_program("prometheus")
    folder = tmp_path_factory.mktemp("prometheus")
    authority = Authority(folder)
    own = authority.issue("server")
    rest_port = free_port()
    serving_flags = [
        *model_flags(MODEL_NAME, exported_models_dir / MODEL_NAME),
        f"--rest_api_port={rest_port}",
        f"--monitoring_config_file={DEPLOY / 'tf-serving/monitoring.config'}",
        "--enable_batching",
        f"--batching_parameters_file={DEPLOY / 'tf-serving/batching.config'}",
    ]
    with ExitStack() as stack:
        server = stack.enter_context(running_model_server(serving_flags, timeout_s=180))
        flags = [f"--model-server={server.address}", f"--model={MODEL_NAME}", "--http-port=0"]
        plain = stack.enter_context(running_gateway([*flags, "--cache-bytes=1000000"]))
        tls = [f"--tls-cert={own.chain}", f"--tls-key={own.key}"]
        secret = stack.enter_context(running_gateway([*flags, *tls]))
        addresses = {"http": host_of(plain), "https": host_of(secret)}
        config = deployed_configuration(addresses, rest_port, authority)
        one = stack.enter_context(running_prometheus(config, folder))
        wait_until(lambda: len(one.query(SCRAPED)) == 3, timeout_s=120)
        give_load(plain, server.address)
        yield one


def host_of(gateway: GatewayProcess) -> str:
    return gateway.url.partition("://")[2].rstrip("/")


def give_load(gateway: GatewayProcess, model_server: str) -> None:
    """Calls of every kind for several scrapes; some of them fail."""
    with httpx.Client(base_url=gateway.url) as http, serving_client(model_server) as serving:
        for round_ in range(ROUNDS):
            gateway.stub.Generate(generate_request("heed", "attention" * (1 + round_ % 2)))
            gateway.stub.Score(
                inference_pb2.ScoreRequest(
                    pairs=[{"source_text": "heed", "target_text": "HH IY D"}]
                )
            )
            list(gateway.stub.StreamGenerate(inference_pb2.StreamGenerateRequest(text="heed")))
            assert http.post("/v1/generate", json={"texts": ["weights"]}).status_code == 200
            assert http.post("/v1/generate", json={"texts": [""]}).status_code == 400
            with pytest.raises(grpc.RpcError):
                serving.predict(MODEL_NAME, {})
            time.sleep(PAUSE_S)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda one: one.place)
def test_a_panel_has_something_to_show(prometheus: Prometheus, question: Question) -> None:
    if reason_for_nothing(question.expression):
        assert prometheus.query(question.expression) == []
        return
    wait_until(
        lambda: prometheus.has_numbers(question.expression),
        lambda: f"{question.place}: {question.expression}: {prometheus.query(question.expression)}",
        timeout_s=60,
    )
    values = [value for _, value in prometheus.query(question.expression) if value == value]
    assert all(value >= 0 for value in values)
    if question.unit == "percentunit" and "process_cpu" not in question.expression:
        assert all(value <= 1 for value in values), "a share of something"


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("record") or rule["alert"])
def test_a_rule_looks_at_what_there_is(prometheus: Prometheus, rule: dict[str, Any]) -> None:
    prometheus.query(rule["expr"])
    for selector in selectors(rule["expr"]):
        if not reason_for_nothing(selector):
            wait_until(lambda: prometheus.has_numbers(selector), lambda: selector)  # noqa: B023


def test_prometheus_evaluates_every_rule_and_nothing_fires_but_what_was_done(
    prometheus: Prometheus,
) -> None:
    def evaluated() -> list[dict[str, Any]]:
        groups = prometheus.ask("rules")["groups"]
        return [rule for group in groups for rule in group["rules"]]

    wait_until(lambda: all(rule["health"] == "ok" for rule in evaluated()))
    assert len(evaluated()) == len(rules())
    firing = {rule["name"] for rule in evaluated() if rule.get("state") == "firing"}
    assert firing == set()


def test_the_queries_of_the_autoscaler_have_one_number_each(prometheus: Prometheus) -> None:
    queries = adapter_queries()
    assert set(queries) == {"heed_queue_tokens", "heed_outstanding_tokens"}
    for query in queries.values():
        ((labels, value),) = prometheus.query(query)
        assert labels == {}
        assert value >= 0
