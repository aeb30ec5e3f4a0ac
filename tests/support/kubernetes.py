"""Manifests as `kubectl kustomize` makes them, and the rules of the Prometheus adapter."""

from __future__ import annotations

import functools
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from tools.debian_package import PackageUnavailableError, unpacked_package

KUBERNETES = Path(__file__).parents[2] / "deploy/kubernetes"
RELEASE_WITH_KUBECTL = "trixie"  # Debian 12 has none that knows these files

Manifest = dict[str, Any]


def kubectl() -> str:
    """The program; the test is skipped where it cannot be had."""
    found = shutil.which("kubectl")
    if found is not None:
        return found
    try:
        folder = unpacked_package("kubectl", release=RELEASE_WITH_KUBECTL)
    except PackageUnavailableError as error:
        pytest.skip(f"NOT TESTED, no kubectl: {error}")
    return str(folder / "usr/bin/kubectl")


@functools.cache
def built_text(overlay: str) -> str:
    """What `kubectl apply -k deploy/kubernetes/OVERLAY` would send."""
    command = [kubectl(), "kustomize", str(KUBERNETES / overlay)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.returncode == 0, result.stderr
    return result.stdout


def built(overlay: str) -> list[Manifest]:
    """The same as values."""
    return [each for each in yaml.safe_load_all(built_text(overlay)) if each]


def named(manifests: Sequence[Manifest], kind: str, name: str) -> Manifest:
    """The manifest of a kind and name."""
    (found,) = [
        each for each in manifests if each["kind"] == kind and each["metadata"]["name"] == name
    ]
    return found


def pod_specs(manifests: Sequence[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """The names and the pods of everything that runs pods."""
    for each in manifests:
        if each["kind"] in ("Deployment", "Job", "StatefulSet", "DaemonSet"):
            yield each["metadata"]["name"], each["spec"]["template"]["spec"]


def adapter_queries() -> dict[str, str]:
    """What the Prometheus adapter asks for each of its metrics, with its templates filled in."""
    rules = yaml.safe_load((KUBERNETES / "prometheus-adapter.yaml").read_text())["externalRules"]
    return {
        rule["name"]["as"]: rule["metricsQuery"]
        .replace("<<.Series>>", rule["seriesQuery"])
        .replace("<<.LabelMatchers>>", "")
        for rule in rules
    }
