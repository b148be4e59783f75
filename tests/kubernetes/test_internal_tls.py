"""An overlay with certificates for the traffic between the services and storage."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.kubernetes.manifests import (
    FOLDER,
    WORKLOADS,
    built,
    container,
    pod,
    settings_map,
    variables,
)

if TYPE_CHECKING:
    from tests.kubernetes.manifests import Manifest

PATHS = {
    "CSVMILL_INTERNAL_CA": "/run/secrets/internal-tls/ca.crt",
    "CSVMILL_INTERNAL_CERTIFICATE": "/run/secrets/internal-tls/tls.crt",
    "CSVMILL_INTERNAL_KEY": "/run/secrets/internal-tls/tls.key",
}


@pytest.fixture(scope="module")
def manifests(tmp_path_factory: pytest.TempPathFactory) -> tuple[Manifest, ...]:
    folder = tmp_path_factory.mktemp("overlay")
    kustomization = {
        "resources": [os.path.relpath(FOLDER / "overlays/external", folder)],
        "components": [os.path.relpath(FOLDER / "components/internal-tls", folder)],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    return built(str(folder))


@pytest.mark.parametrize("service", WORKLOADS)
def test_each_service_has_a_certificate(manifests: tuple[Manifest, ...], service: str) -> None:
    given = variables(manifests, service)
    assert {name: given[name] for name in PATHS} == PATHS
    mounts = {
        one["name"]: one["mountPath"] for one in container(manifests, service)["volumeMounts"]
    }
    secrets = {one["name"]: one.get("secret") for one in pod(manifests, service)["volumes"]}
    assert mounts["internal-tls"] == "/run/secrets/internal-tls"
    assert secrets["internal-tls"] == {"secretName": "internal-tls", "defaultMode": 0o440}
    # What it had before is there too.
    assert "CSVMILL_STORAGE_TOKEN_FILE" in given
    assert {"tmp", "storage-token"} <= set(mounts)


@pytest.mark.parametrize("service", WORKLOADS)
def test_storage_alone_is_asked_by_https(manifests: tuple[Manifest, ...], service: str) -> None:
    one = container(manifests, service)
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        scheme = one[probe]["httpGet"].get("scheme", "HTTP")
        assert scheme == ("HTTPS" if service == "storage" else "HTTP")
        assert one[probe]["failureThreshold"] >= 1
    url = settings_map(manifests, service)["CSVMILL_STORAGE_URL"]
    assert url == "https://storage-0.storage:8001"
