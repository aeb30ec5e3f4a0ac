"""The containers with a real engine: up, asked, hurt under load, scaled, and down again."""

from __future__ import annotations

import json
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.docker_stack import Stack, docker, inspected, running_stack
from tests.support.exported_model import publish_copy
from tests.support.gateway import generate_request
from tests.support.load import Load
from tests.support.waiting import wait_until

pytestmark = pytest.mark.timeout(1800)
Report = Callable[..., None]
MODEL = "g2p-quick"
LARGEST_GATEWAY_BYTES = 300_000_000
SERVICES = ("tf-serving", "gateway", "prometheus", "grafana")


@pytest.fixture
def load(stack: Stack) -> Iterator[Load]:
    """Six callers that ask without a pause."""
    callers = Load(stack.gateway)
    callers.wait_for("OK", 20, timeout_s=60)
    yield callers
    callers.end()


def fetched(url: str) -> str:
    with urllib.request.urlopen(url, timeout=30) as answer:
        return answer.read().decode()


def asked_of_prometheus(stack: Stack, query: str) -> dict[str, float]:
    """The values of a query by the label `job`, or by nothing."""
    url = f"http://127.0.0.1:{stack.ports['PROMETHEUS']}/api/v1/query?"
    answer = json.loads(fetched(url + urllib.parse.urlencode({"query": query})))
    found = answer["data"]["result"]
    return {series["metric"].get("job", ""): float(series["value"][1]) for series in found}


def calls_by_model_server(stack: Stack) -> dict[str, float]:
    pattern = r'^heed_replica_calls_total\{outcome="ok",replica="([^"]+)"\} (\S+)$'
    page = fetched(f"{stack.gateway.url}/metrics")
    return {name: float(value) for name, value in re.findall(pattern, page, re.MULTILINE)}


def test_the_gateways_image_is_small_and_knows_no_tensorflow(stand_ins: list[str]) -> None:
    image = json.loads(docker("image", "inspect", "heed/gateway:0.1.0"))[0]
    assert image["Size"] < LARGEST_GATEWAY_BYTES
    assert image["Config"]["User"] == "10001:10001"
    assert image["Config"]["Labels"]["org.opencontainers.image.licenses"] == "Apache-2.0"
    look = "import importlib.util as u; print(u.find_spec('tensorflow'), u.find_spec('keras'))"
    run = ("run", "--rm", "--network=none", "--entrypoint=python", "heed/gateway:0.1.0")
    assert docker(*run, "-c", look) == "None None"


def test_the_stack_answers_over_the_published_ports(stack: Stack) -> None:
    answer = stack.gateway.stub.Generate(
        generate_request("attention", attention="ATTENTION_LEVEL_PIECES"), timeout=60
    )
    (hypothesis,) = answer.results[0].hypotheses
    assert hypothesis.text
    assert len(hypothesis.attention.weights) % len("attention") == 0
    assert MODEL in fetched(f"{stack.gateway.url}/readyz")


def test_ports_are_open_on_this_machine_alone(stack: Stack) -> None:
    for service in SERVICES:
        bindings = stack.container(service)["NetworkSettings"]["Ports"]
        hosts = {entry["HostIp"] for entries in bindings.values() for entry in entries or ()}
        assert hosts <= {"127.0.0.1"}, service
        assert bool(hosts) == (service != "tf-serving")


@pytest.mark.parametrize("service", SERVICES)
def test_a_container_has_no_rights_and_no_place_to_write(stack: Stack, service: str) -> None:
    container = stack.containers(service)[0]
    status = docker("exec", container, "cat", "/proc/1/status")
    facts = dict(re.findall(r"(?m)^(\w+):\s*(.+)$", status))
    assert int(facts["Uid"].split()[0]) > 0
    assert int(facts["CapEff"], 16) == int(facts["CapBnd"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    host = inspected(container)["HostConfig"]
    assert host["ReadonlyRootfs"] is True
    assert host["Memory"] > 0
    assert host["PidsLimit"] > 0
    with pytest.raises(RuntimeError, match="Read-only file system"):
        docker("exec", "--user", "0", container, "touch", "/opt/written")


def test_models_and_configuration_cannot_be_changed_from_inside(stack: Stack) -> None:
    mounts = stack.container("tf-serving")["Mounts"]
    assert {mount["Destination"]: mount["RW"] for mount in mounts} == {
        "/models": False,
        "/config": False,
    }


def test_the_dashboards_have_something_to_show(stack: Stack, load: Load) -> None:
    def moves() -> bool:
        rates = asked_of_prometheus(stack, "sum by (job) (rate(heed_requests_total[30s]))")
        return rates.get("gateway", 0) > 0

    wait_until(moves, stack.logs, timeout_s=120)
    up = asked_of_prometheus(stack, 'up{job=~"gateway|tf-serving"}')
    assert up == {"gateway": 1, "tf-serving": 1}
    served = "sum by (job) (:tensorflow:serving:request_count)"
    assert asked_of_prometheus(stack, served)["tf-serving"] > 0
    shown = fetched(f"http://127.0.0.1:{stack.ports['GRAFANA']}/api/search")
    assert json.loads(shown)


@pytest.mark.parametrize("service", ["prometheus", "grafana"])
def test_a_watcher_that_dies_comes_back_and_no_call_notices(
    stack: Stack, load: Load, report: Report, service: str
) -> None:
    began = time.monotonic()
    stack.crash(service)
    stack.wait_until_healthy(service)
    back_s = time.monotonic() - began
    load.wait_for("OK", 50, timeout_s=60)
    assert set(load.outcomes) == {"OK"}, load.failures
    report(
        f"{service} killed", healthy_again_s=back_s, longest_call_s=load.longest_s, **load.outcomes
    )


def test_a_gateway_that_dies_comes_back(stack: Stack, load: Load, report: Report) -> None:
    began = time.monotonic()
    stack.crash("gateway")
    load.wait_for("OK", 50, timeout_s=120)
    answers_s = time.monotonic() - began
    stack.wait_until_healthy("gateway")
    assert set(load.outcomes) <= {"OK", "UNAVAILABLE"}, load.failures
    report(
        "gateway killed", answers_again_s=answers_s, longest_call_s=load.longest_s, **load.outcomes
    )


def test_a_lone_model_server_that_dies_comes_back(stack: Stack, load: Load, report: Report) -> None:
    began = time.monotonic()
    stack.crash("tf-serving")
    load.wait_for("OK", 50, timeout_s=180)
    answers_s = time.monotonic() - began
    stack.wait_until_healthy("tf-serving")
    assert set(load.outcomes) <= {"OK", "UNAVAILABLE"}, load.failures
    report(
        "the only tf-serving killed",
        answers_again_s=answers_s,
        longest_call_s=load.longest_s,
        **load.outcomes,
    )


def test_a_new_version_is_rolled_out_and_back_without_a_failed_call(
    stack: Stack, load: Load, report: Report, served_models_dir: Path
) -> None:
    versions = served_models_dir / MODEL
    newest = max(int(path.name) for path in versions.iterdir() if path.name.isdecimal())
    began = time.monotonic()
    published = publish_copy(served_models_dir, newest + 1, name=MODEL)
    wait_until(lambda: newest + 1 in load.versions, stack.logs, timeout_s=120)
    out_s = time.monotonic() - began
    load.wait_for("OK", 50, timeout_s=60)
    began = time.monotonic()
    published.rename(versions / ".taken-back")

    def old_version_answers() -> bool:
        answer = stack.gateway.stub.Generate(generate_request("heed"), timeout=60)
        return bool(answer.model.version == newest)

    wait_until(old_version_answers, stack.logs, timeout_s=120)
    back_s = time.monotonic() - began
    load.wait_for("OK", 50, timeout_s=60)
    assert set(load.outcomes) == {"OK"}, load.failures
    report(
        "a version rolled out and back",
        out_s=out_s,
        back_s=back_s,
        longest_call_s=load.longest_s,
        **load.outcomes,
    )


def test_three_model_servers_share_the_load_and_one_may_die(
    stack: Stack, load: Load, report: Report
) -> None:
    stack.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "tf-serving=3", *SERVICES)
    before = calls_by_model_server(stack)

    def shares() -> list[float]:
        now = calls_by_model_server(stack)
        more = {name: count - before.get(name, 0) for name, count in now.items()}
        return sorted(count for count in more.values() if count > 0)

    wait_until(lambda: len(shares()) == 3 and shares()[0] >= 50, stack.logs, timeout_s=180)
    spread = shares()
    began = time.monotonic()
    stack.crash("tf-serving")
    load.wait_for("OK", 200, timeout_s=120)
    stack.wait_until_healthy("tf-serving")
    back_s = time.monotonic() - began
    load.wait_for("OK", 50, timeout_s=60)
    stack.compose("up", "--detach", "--wait", "--no-recreate", "--scale", "tf-serving=1", *SERVICES)
    load.wait_for("OK", 50, timeout_s=60)
    report(
        "three tf-servings, one killed, then one left",
        calls_by_server=spread,
        healthy_again_s=back_s,
        longest_call_s=load.longest_s,
        **load.outcomes,
    )
    assert set(load.outcomes) == {"OK"}, load.failures


def test_the_profile_load_asks_the_gateway(stack: Stack) -> None:
    def ended(code: str) -> float:
        page = fetched(f"{stack.gateway.url}/metrics")
        counts = re.findall(rf'(?m)^heed_requests_total\{{code="{code}".* (\S+)$', page)
        return sum(map(float, counts))

    answered, refused = ended("OK"), ended("INVALID_ARGUMENT")
    stack.compose("up", "--detach", "--wait", "--no-recreate", "loadtest")
    try:
        wait_until(lambda: ended("OK") >= answered + 50, stack.logs, timeout_s=120)
        assert "Locust" in fetched(f"http://127.0.0.1:{stack.ports['LOCUST']}/")
        assert ended("INVALID_ARGUMENT") == refused, "the texts are none that the model takes"
    finally:
        stack.compose("rm", "--stop", "--force", "loadtest")


def test_the_local_file_comes_up_and_ends_in_order_under_load(
    stand_ins: list[str], served_models_dir: Path, report: Report
) -> None:
    services = ("tf-serving", "gateway")
    with running_stack("docker-compose.local.yml", served_models_dir, services=services) as stack:
        load = Load(stack.gateway, give_up=True)
        load.wait_for("OK", 50, timeout_s=60)
        began = time.monotonic()
        stack.compose("stop", "gateway")
        stop_s = time.monotonic() - began
        load.end()
        assert set(load.outcomes) <= {"OK", "UNAVAILABLE"}, load.failures
        stack.compose("stop")
        for service in services:
            state = stack.container(service)["State"]
            assert state["ExitCode"] == 0, (service, stack.logs())
            assert not state["OOMKilled"]
        report(
            "the stack stopped under load",
            gateway_stop_s=stop_s,
            longest_call_s=load.longest_s,
            **load.outcomes,
        )
    for kind in ("container", "network", "volume"):
        everything = ("--all",) if kind == "container" else ()
        assert docker(kind, "ls", "--quiet", *everything, "--filter", stack.label) == ""
    with pytest.raises(urllib.error.URLError):
        fetched(f"{stack.gateway.url}/healthz")


def test_the_gpu_file_asks_the_engine_for_a_gpu(stand_ins: list[str]) -> None:
    command = ("compose", "--env-file", ".env.example", "-f", "docker-compose.yml", "config")
    config = json.loads(docker(*command, "--format", "json"))
    server = config["services"]["tf-serving"]
    assert server["image"] == "tensorflow/serving:2.20.0-gpu"
    (device,) = server["deploy"]["resources"]["reservations"]["devices"]
    assert device["driver"] == "nvidia"
    assert device["capabilities"] == ["gpu"]
    assert Path(server["volumes"][0]["source"]).is_absolute()
