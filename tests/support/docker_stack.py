"""Brings a Docker Compose file up with a real engine, for tests.

    require_engine()
    with running_stack("docker-compose.cpu.yml", models_dir) as stack:
        stack.gateway.stub.Generate(...)
        stack.crash("tf-serving")

Every stack is a project of its own on free ports of 127.0.0.1, and goes away with its networks and
volumes. Images that no registry gives are replaced by stand-ins under the same names.
"""

from __future__ import annotations

import functools
import json
import os
import shutil
import signal
import subprocess
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest

from heed.v1 import inference_pb2_grpc
from tests.support.compose import ROOT, example_settings_that_count
from tests.support.model_server import free_port
from tests.support.waiting import wait_until

REQUIRED_VARIABLE = "HEED_TEST_DEPLOY"
"""`required`: no engine is a failure and no reason to skip."""
BUILT_VARIABLE = "HEED_TEST_DEPLOY_BUILT"
"""`yes`: Heed's images are there and are taken as they are."""
STAND_INS = ROOT / "tests/system/deploy/stand_ins"
BUILD_TIMEOUT_S = 1500
PUBLISHED = ("GRPC", "HTTP", "PROMETHEUS", "GRAFANA", "LOCUST")
MODEL_SERVER_IMAGE = "heed/model-server:0.1.0"


def docker(*arguments: str, timeout_s: float = 120, check: bool = True) -> str:
    """What a docker command prints.

    Raises:
        RuntimeError: It failed; the message has what it said.
    """
    done = subprocess.run(
        ["docker", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )
    if check and done.returncode != 0:
        raise RuntimeError(f"docker {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout.strip()


def require_engine() -> None:
    """Skips the tests where no Docker engine with Compose answers; fails if one was promised."""
    if missing := _what_is_missing():
        message = f"NOT TESTED IN CONTAINERS: {missing}. `make test-deploy` does, with an engine."
        if os.environ.get(REQUIRED_VARIABLE) == "required":
            pytest.fail(message)
        pytest.skip(message)


@functools.cache
def _what_is_missing() -> str:
    if shutil.which("docker") is None:
        return "docker is not installed"
    for command, missing in (
        (("info",), "no Docker engine answers"),
        (("compose", "version"), "docker compose is not installed"),
    ):
        try:
            docker(*command, timeout_s=30)
        except (RuntimeError, subprocess.TimeoutExpired):
            return missing
    base = example_settings_that_count()["HEED_PYTHON_IMAGE"]
    return "" if _can_be_had(base) else f"the base image {base} cannot be had"


def _can_be_had(image: str) -> bool:
    if docker("image", "ls", "--quiet", image):
        return True
    try:
        docker("pull", "--quiet", image, timeout_s=600)
    except (RuntimeError, subprocess.TimeoutExpired):
        return False
    return True


@contextmanager
def images() -> Iterator[list[str]]:
    """Builds Heed's images and provides all others; yields the names that have stand-ins.

    The names of stand-ins are taken away again at the end.
    """
    settings = example_settings_that_count()
    if os.environ.get(BUILT_VARIABLE) != "yes":
        _build()
    replaced = []
    for name in ("PROMETHEUS", "GRAFANA"):
        image = settings[f"HEED_{name}_IMAGE"]
        if not _can_be_had(image):
            docker(
                *("build", "--quiet", "--tag", image, "--target", name.lower(), str(STAND_INS)),
                timeout_s=BUILD_TIMEOUT_S,
            )
            replaced.append(image)
    image = settings["HEED_TF_SERVING_CPU_IMAGE"]
    if not _can_be_had(image):
        docker("tag", MODEL_SERVER_IMAGE, image)
        replaced.append(image)
    try:
        yield replaced
    finally:
        for image in replaced:
            docker("image", "rm", image, check=False)


def _build() -> None:
    file = ("--env-file", ".env.example", "-f", "docker-compose.local.yml", "--profile", "load")
    services = ("tf-serving", "gateway", "loadtest")
    docker("compose", *file, "build", "--quiet", *services, timeout_s=BUILD_TIMEOUT_S)


@dataclass(frozen=True)
class PublishedGateway:
    """The gateway as whoever sits at the machine reaches it."""

    address: str
    url: str

    @functools.cached_property
    def channel(self) -> grpc.Channel:
        """A channel that looks for the gateway again and again while it is away."""
        options = [
            ("grpc.max_receive_message_length", -1),
            ("grpc.max_reconnect_backoff_ms", 500),
            ("grpc.initial_reconnect_backoff_ms", 100),
        ]
        return grpc.insecure_channel(self.address, options=options)

    @property
    def stub(self) -> inference_pb2_grpc.InferenceServiceStub:
        """Calls it."""
        return inference_pb2_grpc.InferenceServiceStub(self.channel)


@dataclass(frozen=True)
class Stack:
    """A Compose file, brought up.

    Attributes:
        file: Its name.
        project: What its containers, networks and volumes belong to.
        ports: Ports of this machine by the names of `HEED_PUBLISH_*_PORT`.
        models_dir: The folder of models, mounted into the model server.
        settings: Further variables.
    """

    file: str
    project: str
    ports: dict[str, int]
    models_dir: Path
    settings: dict[str, str] = field(default_factory=dict)

    @functools.cached_property
    def gateway(self) -> PublishedGateway:
        """The gateway over its published ports."""
        grpc_address = f"127.0.0.1:{self.ports['GRPC']}"
        return PublishedGateway(grpc_address, f"http://127.0.0.1:{self.ports['HTTP']}")

    def compose(self, *arguments: str, timeout_s: float = 240) -> str:
        """What a docker compose command prints."""
        environment = {
            **os.environ,
            **{f"HEED_PUBLISH_{name}_PORT": str(port) for name, port in self.ports.items()},
            "HEED_MODELS_DIR": str(self.models_dir),
            **self.settings,
        }
        command = ["docker", "compose", "--env-file", ".env.example"]
        command += ["-f", self.file, "-p", self.project, "--profile", "load", *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"{' '.join(command)}:\n{done.stdout}{done.stderr}\n{self.logs()}")
        return done.stdout.strip()

    def logs(self) -> str:
        """The last lines of every container."""
        containers = docker("ps", "-aq", "--filter", self.label).split()
        return "\n".join(_last_lines_of(name) for name in containers)

    @property
    def label(self) -> str:
        """The filter that finds what belongs to it."""
        return f"label=com.docker.compose.project={self.project}"

    def containers(self, service: str) -> list[str]:
        """The ids of a service's containers."""
        filters = ("--filter", self.label)
        filters += ("--filter", f"label=com.docker.compose.service={service}")
        return docker("ps", "-aq", "--no-trunc", *filters).split()

    def container(self, service: str) -> dict[str, Any]:
        """What the engine knows of a service's first container."""
        return inspected(self.containers(service)[0])

    def is_healthy(self, service: str) -> bool:
        """Whether every container of a service is."""
        states = [inspected(name)["State"] for name in self.containers(service)]
        return all(state.get("Health", {}).get("Status") == "healthy" for state in states)

    def wait_until_healthy(self, service: str, timeout_s: float = 120) -> float:
        """Waits for every container of a service; returns how long that took, in seconds."""
        return wait_until(lambda: self.is_healthy(service), self.logs, timeout_s=timeout_s)

    def crash(self, service: str) -> None:
        """Ends the first process of a service's first container, as a fault of its own would.

        `docker kill` would not do: it counts as a wish, and nothing is started again.
        """
        container = self.containers(service)[0]
        before = inspected(container)
        os.kill(before["State"]["Pid"], signal.SIGKILL)
        wait_until(
            lambda: inspected(container)["RestartCount"] > before["RestartCount"],
            self.logs,
            timeout_s=60,
        )


def _last_lines_of(container: str) -> str:
    done = subprocess.run(
        ["docker", "logs", "--tail", "40", container],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=60,
        check=False,
    )
    return f"{inspected(container)['Name']}:\n{done.stdout}"


def inspected(container: str) -> dict[str, Any]:
    """What the engine knows of a container."""
    return dict(json.loads(docker("inspect", container))[0])


@contextmanager
def running_stack(
    file: str,
    models_dir: Path,
    *,
    services: Sequence[str] = ("tf-serving", "gateway", "prometheus", "grafana"),
    **settings: str,
) -> Iterator[Stack]:
    """A stack whose services are all healthy; at the end nothing of it is left."""
    ports = {name: free_port() for name in PUBLISHED}
    stack = Stack(file, f"heed-test-{uuid.uuid4().hex[:8]}", ports, models_dir, settings)
    try:
        stack.compose("up", "--detach", "--wait", *services)
        yield stack
    finally:
        if "gateway" in stack.__dict__:
            stack.gateway.channel.close()
        stack.compose("down", "--volumes", "--remove-orphans", "--timeout", "60")
