"""The manifests for Kubernetes: valid, locked down, and agreeing with each other and the code."""

from __future__ import annotations

import re
from typing import Any

import kubernetes_validate
import pytest
import yaml

from service.settings import read_settings
from tests.support.dashboards import DEPLOY, rules
from tests.support.kubernetes import (
    KUBERNETES,
    Manifest,
    adapter_queries,
    built,
    named,
    pod_specs,
)

OLDEST = "1.30"
OVERLAYS = ("cpu", "gpu")
ALL = (*OVERLAYS, "cells", "publish-model")
NAME = "app.kubernetes.io/name"


def of_kind(manifests: list[Manifest], kind: str) -> dict[str, Manifest]:
    return {each["metadata"]["name"]: each for each in manifests if each["kind"] == kind}


def container(manifests: list[Manifest], name: str) -> Manifest:
    pods = dict(pod_specs(manifests)).values()
    (one,) = [each for pod in pods for each in pod["containers"] if each["name"] == name]
    return dict(one)


@pytest.mark.parametrize("version", [OLDEST, kubernetes_validate.latest_version()])
def test_every_field_is_one_of_kubernetes(version: str) -> None:
    different = {str(manifest): manifest for overlay in ALL for manifest in built(overlay)}
    for manifest in different.values():
        kubernetes_validate.validate(manifest, version, strict=True)


@pytest.mark.parametrize("overlay", ALL)
def test_everything_is_in_one_namespace(overlay: str) -> None:
    for manifest in built(overlay):
        if manifest["kind"] != "Namespace":
            assert manifest["metadata"]["namespace"] == "heed"


@pytest.mark.parametrize("overlay", ALL)
def test_pods_have_no_more_rights_than_they_need(overlay: str) -> None:
    for name, pod in pod_specs(built(overlay)):
        assert pod["automountServiceAccountToken"] is False, name
        assert pod["enableServiceLinks"] is False, "HEED_... would be set by Kubernetes"
        security = pod["securityContext"]
        assert security["runAsNonRoot"] is True
        assert security["runAsUser"] > 0
        assert security["seccompProfile"] == {"type": "RuntimeDefault"}
        for one in pod["containers"]:
            assert one["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert set(one["resources"]["requests"]) == {"cpu", "memory"}
            assert "memory" in one["resources"]["limits"]


@pytest.mark.parametrize("overlay", ALL)
def test_images_have_versions(overlay: str) -> None:
    for _, pod in pod_specs(built(overlay)):
        for one in pod["containers"]:
            _, _, tag = one["image"].partition(":")
            assert tag not in ("", "latest"), one["image"]


@pytest.mark.parametrize("overlay", ALL)
def test_what_is_mounted_or_read_is_there(overlay: str) -> None:
    manifests = built(overlay) + (built("cpu") if overlay == "publish-model" else [])
    maps, claims = of_kind(manifests, "ConfigMap"), of_kind(manifests, "PersistentVolumeClaim")
    for reference in references(manifests):
        kind, name = reference
        assert name in (maps if kind == "configMap" else claims), reference


def references(value: Any) -> list[tuple[str, str]]:
    """Every ConfigMap and every claim that is named anywhere."""
    found: list[tuple[str, str]] = []
    if isinstance(value, dict):
        for key, inner in value.items():
            if key in ("configMap", "configMapRef", "configMapKeyRef"):
                found.append(("configMap", inner["name"]))
            elif key == "persistentVolumeClaim":
                found.append(("claim", inner["claimName"]))
            found += references(inner)
    elif isinstance(value, list):
        found += [one for inner in value for one in references(inner)]
    return found


@pytest.mark.parametrize("overlay", [*OVERLAYS, "cells"])
def test_both_servers_say_when_they_have_started_live_and_are_ready(overlay: str) -> None:
    manifests = built(overlay)
    for name in ("gateway", "tf-serving"):
        for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
            assert probe in container(manifests, name), f"{name} lacks {probe}"
    gateway = container(manifests, "gateway")
    assert gateway["livenessProbe"]["httpGet"]["path"] == "/healthz"
    assert gateway["readinessProbe"]["httpGet"]["path"] == "/readyz"
    config = named(manifests, "ConfigMap", projected(manifests)[0])["data"]
    for probe in ("startupProbe", "readinessProbe"):
        script = container(manifests, "tf-serving")[probe]["exec"]["command"][1]
        assert script.removeprefix("/etc/tf-serving/") in config


def projected(manifests: list[Manifest]) -> list[str]:
    volumes = dict(pod_specs(manifests))["tf-serving"]["volumes"]
    (config,) = [volume["projected"] for volume in volumes if volume["name"] == "config"]
    return [source["configMap"]["name"] for source in config["sources"]]


def settings_of(manifests: list[Manifest]) -> dict[str, str]:
    (reference,) = container(manifests, "gateway")["envFrom"]
    return dict(named(manifests, "ConfigMap", reference["configMapRef"]["name"])["data"])


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_the_gateway_takes_its_settings_and_finds_the_model_servers(overlay: str) -> None:
    manifests = built(overlay)
    settings = read_settings([], settings_of(manifests))
    services = of_kind(manifests, "Service")
    host, _, port = settings.model_server[0].partition(":")
    assert services[host]["spec"]["clusterIP"] == "None"
    assert int(port) in {each["port"] for each in services[host]["spec"]["ports"]}
    assert settings.host == "0.0.0.0"
    assert settings.max_connection_age_s is not None
    known = {
        port["name"]: port["containerPort"] for port in container(manifests, "gateway")["ports"]
    }
    assert known == {"grpc": settings.grpc_port, "http": settings.http_port}


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_models_are_named_alike_on_both_sides(overlay: str) -> None:
    manifests = built(overlay)
    text = named(manifests, "ConfigMap", "tf-serving-models")["data"]["models.config"]
    served = re.findall(r'^\s*name: "([^"]+)"', text, re.MULTILINE)
    assert tuple(served) == read_settings([], settings_of(manifests)).model


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nobody_is_killed_while_calls_are_answered(overlay: str) -> None:
    manifests = built(overlay)
    settings = read_settings([], settings_of(manifests))
    pods = dict(pod_specs(manifests))
    pause_s = {
        name: container(manifests, name)["lifecycle"]["preStop"]["sleep"]["seconds"]
        for name in ("gateway", "tf-serving")
    }
    grace_s = {name: pods[name]["terminationGracePeriodSeconds"] for name in pause_s}
    assert grace_s["gateway"] >= pause_s["gateway"] + settings.drain_s + 10
    assert grace_s["tf-serving"] >= pause_s["tf-serving"] + 10
    cached_s = 5  # by the cluster's DNS
    assert pause_s["tf-serving"] >= settings.dns_refresh_s + cached_s + 10, "batches end, too"
    readiness = container(manifests, "gateway")["readinessProbe"]
    assert pause_s["gateway"] > readiness["periodSeconds"] * readiness["failureThreshold"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_selectors_find_their_pods(overlay: str) -> None:
    manifests = built(overlay)
    deployments = of_kind(manifests, "Deployment")
    for name, deployment in deployments.items():
        labels = deployment["spec"]["template"]["metadata"]["labels"]
        assert deployment["spec"]["selector"]["matchLabels"].items() <= labels.items()
        for spread in deployment["spec"]["template"]["spec"]["topologySpreadConstraints"]:
            assert spread["labelSelector"]["matchLabels"] == {NAME: name}
        budget = named(manifests, "PodDisruptionBudget", name)["spec"]
        assert budget["selector"]["matchLabels"] == {NAME: name}
        scaled = named(manifests, "HorizontalPodAutoscaler", name)["spec"]
        assert scaled["scaleTargetRef"]["name"] == name
        assert scaled["minReplicas"] > budget["maxUnavailable"]
        assert "replicas" not in deployment["spec"], "the autoscaler's work would be undone"
    for service in of_kind(manifests, "Service").values():
        target = service["spec"]["selector"][NAME]
        named_ports = {port["name"] for port in container(manifests, target)["ports"]}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= named_ports


def test_the_autoscaler_asks_for_what_the_adapter_knows_and_prometheus_records() -> None:
    metrics = named(built("cpu"), "HorizontalPodAutoscaler", "tf-serving")["spec"]["metrics"]
    names = {each["external"]["metric"]["name"] for each in metrics}
    assert names == set(adapter_queries())
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for query in adapter_queries().values():
        assert re.fullmatch(r"sum\(avg_over_time\((\S+)\{\}\[2m\]\)\)", query)[1] in recorded  # type: ignore[index]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_nothing_speaks_to_anything_but_as_said(overlay: str) -> None:
    policies = of_kind(built(overlay), "NetworkPolicy")
    assert policies["nothing"]["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    serving = policies["tf-serving"]["spec"]
    assert "egress" not in serving
    (gateway, prometheus) = serving["ingress"]
    assert gateway == {
        "from": [{"podSelector": {"matchLabels": {NAME: "gateway"}}}],
        "ports": [{"port": "predict"}],
    }
    assert prometheus["ports"] == [{"port": "rest"}]
    callers = policies["gateway"]["spec"]["ingress"][0]["from"]
    assert callers == [{"namespaceSelector": {"matchLabels": {"heed-callers": "allowed"}}}]


def test_a_cell_is_a_model_server_and_the_gateway_that_alone_sends_to_it() -> None:
    manifests = built("cells")
    ((name, pod),) = pod_specs(manifests)
    assert [each["name"] for each in pod["containers"]] == ["tf-serving", "gateway"]
    gateway, serving = container(manifests, "gateway"), container(manifests, "tf-serving")
    assert gateway["image"] == container(built("gpu"), "gateway")["image"]
    ports = {
        port["name"]: port["containerPort"] for one in (gateway, serving) for port in one["ports"]
    }
    assert len(ports) == len(gateway["ports"]) + len(serving["ports"]), "names are the pod's"
    settings = read_settings([], settings_of(manifests))
    assert settings.model_server == (f"127.0.0.1:{ports['predict']}",)
    assert settings.model == read_settings([], settings_of(built("gpu"))).model
    for service in of_kind(manifests, "Service").values():
        assert service["spec"]["selector"] == {NAME: name}
        assert {port["targetPort"] for port in service["spec"]["ports"]} <= ports.keys()
    assert set(of_kind(manifests, "HorizontalPodAutoscaler")) == {name}
    policy = named(manifests, "NetworkPolicy", "gateway")["spec"]
    assert policy["podSelector"]["matchLabels"] == {NAME: name}
    assert "egress" not in policy, "it speaks to its own pod alone"


def test_the_gateway_of_a_cell_ends_before_its_model_server() -> None:
    manifests = built("cells")
    settings = read_settings([], settings_of(manifests))
    ((_, pod),) = pod_specs(manifests)
    stops_after_s = {
        each["name"]: each["lifecycle"]["preStop"]["sleep"]["seconds"] for each in pod["containers"]
    }
    gateway_ends_s = stops_after_s["gateway"] + settings.drain_s + 10
    assert stops_after_s["tf-serving"] >= gateway_ends_s
    assert pod["terminationGracePeriodSeconds"] >= stops_after_s["tf-serving"] + 10


def test_only_the_gpu_overlay_asks_for_gpus() -> None:
    on_gpu, on_cpu = (container(built(overlay), "tf-serving") for overlay in ("gpu", "cpu"))
    assert on_gpu["resources"]["limits"]["nvidia.com/gpu"] == 1
    assert on_gpu["image"] == on_cpu["image"] + "-gpu"
    assert "nvidia.com/gpu" not in on_cpu["resources"]["limits"]


def test_prometheus_finds_the_services_by_their_names() -> None:
    jobs = yaml.safe_load((DEPLOY / "prometheus/prometheus.yml").read_text())["scrape_configs"]
    services = of_kind(built("cpu"), "Service")
    for job, port in (("gateway", 8080), ("tf-serving", 8501)):
        (config,) = [each for each in jobs if each["job_name"] == job]
        (discovery,) = config["dns_sd_configs"]
        (name,) = [each for each in discovery["names"] if each.endswith(".heed")]
        service = services[name.removesuffix(".heed")]["spec"]
        assert service["clusterIP"] == "None"
        assert port in {each["port"] for each in service["ports"]}
        assert discovery["port"] == port
    assert services["gateway-metrics"]["spec"]["publishNotReadyAddresses"] is True


def test_settings_of_a_job_belong_to_one_version_of_one_model() -> None:
    manifests = built("publish-model")
    ((name, _),) = pod_specs(manifests)
    (config,) = of_kind(manifests, "ConfigMap").values()
    model, version = config["data"]["HEED_MODEL_NAME"], config["data"]["HEED_MODEL_VERSION"]
    assert name == f"publish-model-{model}-{version}"
    assert container(manifests, "publish")["image"] == f"heed/model-{model}:{version}"
    script = (KUBERNETES / "publish-model/publish.sh").read_text()
    assert config["data"]["publish.sh"] == script
