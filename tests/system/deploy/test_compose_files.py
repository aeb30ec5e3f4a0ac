"""What every Compose file promises, read without an engine."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format

from tests.support.compose import (
    COMPOSE_FILES,
    ROOT,
    SECRETS_FILE,
    example_settings,
    example_settings_that_count,
    services,
    variables,
    with_defaults,
)

SERVICES = [(file, name) for file in COMPOSE_FILES for name in services(file)]
each_file = pytest.mark.parametrize("file", COMPOSE_FILES)
each_service = pytest.mark.parametrize(("file", "name"), SERVICES)


@pytest.fixture
def service(file: str, name: str) -> dict[str, Any]:
    return services(file)[name]


@each_file
def test_the_stack_has_all_of_its_services(file: str) -> None:
    assert set(services(file)) == {"tf-serving", "gateway", "prometheus", "grafana", "loadtest"}


@each_service
def test_ports_are_published_on_this_machine_alone_unless_told_otherwise(
    service: dict[str, Any],
) -> None:
    for port in service.get("ports", ()):
        assert port.startswith("${HEED_PUBLISH_ADDRESS:-127.0.0.1}:")
        assert re.fullmatch(r"127\.0\.0\.1:\d+:\d+", with_defaults(port))


@each_service
def test_a_container_has_no_more_rights_than_it_needs(service: dict[str, Any]) -> None:
    user, _, group = with_defaults(service["user"]).partition(":")
    assert int(user) > 0
    assert group.isdecimal()
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "cap_add" not in service
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not service.get("privileged")


@each_service
def test_a_container_has_limits_and_comes_back(service: dict[str, Any]) -> None:
    assert service["restart"] == "unless-stopped"
    limits = service["deploy"]["resources"]["limits"]
    assert set(limits) == {"cpus", "memory", "pids"}
    assert service["logging"]["options"]["max-size"]


@each_service
def test_folders_of_the_machine_are_mounted_read_only(
    service: dict[str, Any], file: str, name: str
) -> None:
    for volume in service.get("volumes", ()):
        source, _, rest = with_defaults(volume).partition(":")
        if source.startswith("."):
            assert rest.endswith(":ro"), volume
        else:
            assert (name, source) == ("prometheus", "prometheus"), f"{volume} in {file}"


@each_service
def test_an_image_has_a_version_and_a_variable(service: dict[str, Any]) -> None:
    assert re.fullmatch(r"\$\{HEED_\w+_IMAGE:-[^}]+\}", service["image"])
    tag = with_defaults(service["image"]).rpartition(":")[2]
    assert re.match(r"v?\d+\.\d+\.\d+", tag)


@each_service
def test_services_start_in_order(service: dict[str, Any], name: str) -> None:
    order = {
        "tf-serving": {},
        "gateway": {"tf-serving": {"condition": "service_healthy"}},
        "prometheus": {"gateway": {"condition": "service_started"}},
        "grafana": {"prometheus": {"condition": "service_healthy"}},
        "loadtest": {"gateway": {"condition": "service_healthy"}},
    }
    assert service.get("depends_on", {}) == order[name]


@each_service
def test_a_container_has_a_health_check(service: dict[str, Any], name: str) -> None:
    if "build" in service and name != "tf-serving":
        target = service["build"]["target"]
        stage = _dockerfile_stage(target)
        assert "\nHEALTHCHECK " in stage
    else:
        assert service["healthcheck"]["test"][0] == "CMD"


def _dockerfile_stage(target: str) -> str:
    text = (ROOT / "deploy/docker/Dockerfile").read_text(encoding="utf-8")
    found = re.search(rf"(?ms)^FROM \S+ AS {target}$.*?(?=^FROM |\Z)", text)
    assert found
    return found[0]


def test_tensorflow_serving_gets_a_gpu_and_its_image_is_one_variable() -> None:
    gpu, cpu, local = (services(file)["tf-serving"] for file in COMPOSE_FILES)
    assert with_defaults(gpu["image"]) == "tensorflow/serving:2.20.0-gpu"
    assert gpu["deploy"]["resources"]["reservations"]["devices"] == [
        {"driver": "nvidia", "count": "${HEED_GPU_COUNT:-1}", "capabilities": ["gpu"]}
    ]
    assert with_defaults(cpu["image"]) == "tensorflow/serving:2.20.0"
    assert local["build"]["target"] == "model-server"
    for without_gpu in (cpu, local):
        assert "reservations" not in without_gpu["deploy"]["resources"]


def test_the_model_server_can_be_reached_through_the_gateway_alone() -> None:
    for file in COMPOSE_FILES:
        server = services(file)["tf-serving"]
        assert server["networks"] == ["models"]
        assert "ports" not in server
        assert "container_name" not in server, "it is to be scaled"
        assert "models: {internal: true}" in (ROOT / file).read_text(encoding="utf-8")


@each_file
def test_the_stack_stops_no_sooner_than_calls_are_drained(file: str) -> None:
    gateway = services(file)["gateway"]
    drain_s = float(with_defaults(gateway["environment"]["HEED_DRAIN_S"]))
    assert float(with_defaults(gateway["stop_grace_period"]).removesuffix("s")) > drain_s


@each_file
def test_every_variable_is_in_the_example_with_its_default(file: str) -> None:
    example = example_settings_that_count()
    for variable in variables(file):
        assert variable.default is not None, variable
        assert example[variable.name] == variable.default, variable


def test_everything_in_the_example_is_used() -> None:
    files = (*COMPOSE_FILES, SECRETS_FILE)
    used = {variable.name for file in files for variable in variables(file)}
    used |= set(services("docker-compose.yml")["gateway"]["environment"])
    assert set(example_settings()) == used


def test_every_setting_of_the_gateway_can_be_set_and_shows_its_default() -> None:
    command = [sys.executable, ROOT / "tools/document_settings.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_gateway_serves_the_models_that_tensorflow_serving_is_given() -> None:
    from tensorflow_serving.config import model_server_config_pb2

    text = (ROOT / "deploy/tf-serving/models.config").read_text(encoding="utf-8")
    config = text_format.Parse(text, model_server_config_pb2.ModelServerConfig())
    models = {model.name: model for model in config.model_config_list.config}
    served = with_defaults(services("docker-compose.yml")["gateway"]["environment"]["HEED_MODEL"])
    assert set(models) == set(served.split(","))
    for name, model in models.items():
        assert model.base_path == f"/models/{name}"
        assert model.version_labels
        assert model.model_version_policy.latest.num_versions == 2


def test_secrets_are_mounted_read_only_and_must_be_named() -> None:
    (volume,) = services(SECRETS_FILE)["gateway"]["volumes"]
    assert re.fullmatch(r"\$\{HEED_SECRETS_DIR:\?[^}]+\}:/secrets:ro", volume)


def test_prometheus_asks_the_services_under_their_names() -> None:
    text = (ROOT / "deploy/prometheus/prometheus.yml").read_text(encoding="utf-8")
    asked = {
        (name, lookup["port"])
        for job in yaml.safe_load(text)["scrape_configs"]
        for lookup in job.get("dns_sd_configs", ())
        for name in lookup["names"]
    }
    assert {("gateway", 8080), ("tf-serving", 8501)} <= asked


def test_no_file_names_a_registry_or_a_folder_of_some_machine() -> None:
    folders = [ROOT / "deploy/docker", ROOT / "deploy/tf-serving", Path(__file__).parent]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    files += [ROOT / file for file in (*COMPOSE_FILES, SECRETS_FILE, ".env.example")]
    forbidden = re.compile(
        r"https?://(?!127\.0\.0\.1|localhost|example\.org|HOST:)|docker[.]io|/(?:home|root|work)/"
    )
    for path in files:
        if path.suffix in {".pyc", ".py"}:
            continue
        assert not forbidden.search(path.read_text(encoding="utf-8")), path


@each_file
def test_docker_compose_takes_the_file(file: str) -> None:
    if not _has_compose():
        pytest.skip(
            "NOT CHECKED by Docker: `docker compose` is not installed, the file was only read"
        )
    command = ["docker", "compose", "--file", file, "--profile", "load", "config", "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def _has_compose() -> bool:
    if shutil.which("docker") is None:
        return False
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    return done.returncode == 0
