"""The manifests of deploy/kubernetes as `kubectl apply -k` would send them."""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "deploy/kubernetes"
OVERLAYS = sorted(path.name for path in (FOLDER / "overlays").iterdir())
WORKLOADS = ("gateway", "storage", "processor")

EVERY = pytest.mark.parametrize(
    ("name", "service"),
    [
        pytest.param(name, service, id=f"{name}-{service}")
        for name in OVERLAYS
        for service in WORKLOADS
    ],
)
"""Each workload of each overlay."""

Manifest = dict[str, Any]


@cache
def built(path: str) -> tuple[Manifest, ...]:
    """Build a folder of deploy/kubernetes, such as `overlays/cluster`. Skips without kubectl."""
    try:
        done = subprocess.run(
            ["kubectl", "kustomize", FOLDER / path], capture_output=True, text=True, timeout=60
        )
    except FileNotFoundError:
        pytest.skip("kubectl, which builds the manifests, is not installed")
    assert done.returncode == 0, done.stderr
    return tuple(yaml.load_all(done.stdout, yaml.CSafeLoader))


def overlay(name: str) -> tuple[Manifest, ...]:
    return built(f"overlays/{name}")


def of_kind(manifests: tuple[Manifest, ...], *kinds: str) -> dict[str, Manifest]:
    """Return the manifests of these kinds by their names."""
    return {one["metadata"]["name"]: one for one in manifests if one["kind"] in kinds}


def workload(manifests: tuple[Manifest, ...], name: str) -> Manifest:
    return of_kind(manifests, "Deployment", "StatefulSet")[name]


def pod(manifests: tuple[Manifest, ...], name: str) -> Manifest:
    """Return the specification of the pods of a workload."""
    spec: Manifest = workload(manifests, name)["spec"]["template"]["spec"]
    return spec


def container(manifests: tuple[Manifest, ...], name: str) -> Manifest:
    (only,) = pod(manifests, name)["containers"]
    return dict(only)


def settings_map(manifests: tuple[Manifest, ...], name: str) -> dict[str, str]:
    """Return the variables that a container takes from its ConfigMap."""
    (source,) = container(manifests, name)["envFrom"]
    data: dict[str, str] = of_kind(manifests, "ConfigMap")[source["configMapRef"]["name"]]["data"]
    return data


def variables(manifests: tuple[Manifest, ...], name: str) -> dict[str, str]:
    """Return all variables of a container."""
    own = {one["name"]: one["value"] for one in container(manifests, name)["env"]}
    return settings_map(manifests, name) | own


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a label selector matches: `matchLabels`, and `matchExpressions` with `In`."""
    assert set(selector) <= {"matchLabels", "matchExpressions"}
    for one in selector.get("matchExpressions", ()):
        assert one["operator"] == "In"
        if labels.get(one["key"]) not in one["values"]:
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def gibibytes(quantity: str) -> float:
    """Return a quantity of memory or disk in GiB."""
    units = {"Mi": 1 / 1024, "Gi": 1, "Ti": 1024}
    return float(quantity[:-2]) * units[quantity[-2:]]
