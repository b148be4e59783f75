"""What pods may not do, how they are checked and stopped, and that they fit the image."""

from __future__ import annotations

import re
import tomllib

import pytest

from gateway.settings import GatewayProcessSettings
from processor.settings import ProcessorSettings
from shared.runtime.health import health_routes
from storage.settings import StorageSettings
from tests.kubernetes.manifests import (
    EVERY,
    OVERLAYS,
    ROOT,
    WORKLOADS,
    container,
    of_kind,
    overlay,
    pod,
    selects,
    variables,
    workload,
)

PORTS = {
    "gateway": GatewayProcessSettings.model_fields["port"].default,
    "storage": StorageSettings.model_fields["storage_port"].default,
    "processor": ProcessorSettings.model_fields["processor_port"].default,
}
SHUTDOWN = {
    "gateway": GatewayProcessSettings.model_fields["shutdown_timeout"].default,
    "storage": StorageSettings.model_fields["shutdown_timeout"].default,
    "processor": ProcessorSettings.model_fields["shutdown_timeout"].default,
}
"""Seconds that a service takes for its requests after SIGTERM."""
MARGIN = 10.0


def dockerfile() -> str:
    return (ROOT / "deploy/Dockerfile").read_text()


@EVERY
def test_a_pod_conforms_to_the_restricted_standard(name: str, service: str) -> None:
    spec, one = pod(overlay(name), service), container(overlay(name), service)
    (uid,) = re.findall(r"useradd --uid (\d+) ", dockerfile())
    security = spec["securityContext"]
    assert security["runAsNonRoot"]
    assert security["runAsUser"] == security["runAsGroup"] == security["fsGroup"] == int(uid)
    assert security["seccompProfile"] == {"type": "RuntimeDefault"}
    assert one["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers"} & set(spec)
    kinds = {next(iter(set(volume) - {"name"})) for volume in spec["volumes"]}
    assert kinds <= {"emptyDir", "secret", "ephemeral"}
    assert all("hostPort" not in port for port in one["ports"])


@EVERY
def test_a_pod_gets_nothing_that_it_does_not_need(name: str, service: str) -> None:
    spec = pod(overlay(name), service)
    assert spec["automountServiceAccountToken"] is False
    # The Service `gateway` would become GATEWAY_PORT, and one named csvmill CSVMILL_PORT.
    assert spec["enableServiceLinks"] is False
    secrets = {one["name"] for one in spec["volumes"] if "secret" in one}
    assert "storage-token" in secrets
    assert ({"database", "broker"} <= secrets) == (service != "storage")
    for volume in spec["volumes"]:
        if "secret" in volume:
            assert volume["secret"]["defaultMode"] == 0o440


@EVERY
def test_memory_and_temporary_disk_are_bounded(name: str, service: str) -> None:
    resources = container(overlay(name), service)["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert resources["limits"]["memory"] == resources["requests"]["memory"]
    for volume in pod(overlay(name), service)["volumes"]:
        assert "emptyDir" not in volume or "sizeLimit" in volume["emptyDir"]


@EVERY
def test_a_pod_fits_the_image(name: str, service: str) -> None:
    manifests, text = overlay(name), dockerfile()
    one = container(manifests, service)
    assert 'ENTRYPOINT ["python", "-m"]' in text
    assert "command" not in one
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["wheel-backend"]
    (module,) = one["args"]
    assert module == f"csvmill.{service}"
    assert service in packages["packages"]
    (port,) = one["ports"]
    assert port == {"name": "http", "containerPort": PORTS[service]}
    assert str(PORTS[service]) in re.findall(r"^EXPOSE (.*)$", text, re.MULTILINE)[0].split()
    # The root file system is read-only: what the service writes is on volumes.
    (folders,) = re.findall(r"install --directory .* (/\S+ /\S+)$", text, re.MULTILINE)
    mounts = {each["mountPath"] for each in one["volumeMounts"] if not each.get("readOnly")}
    assert mounts - {"/tmp"} <= set(folders.split())  # noqa: S108
    assert {"/tmp", "/scratch"} <= mounts  # noqa: S108
    assert ("/data" in mounts) == (service == "storage")
    for setting in ("DATA_DIR", "SCRATCH_DIR", "SPOOL_DIR"):
        assert re.search(rf"CSVMILL_{setting}=(/data|/scratch)\b", text)
        assert f"CSVMILL_{setting}" not in variables(manifests, service)


@EVERY
def test_an_image_is_named_with_a_version(name: str, service: str) -> None:
    image = container(overlay(name), service)["image"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert image.endswith(f"/csvmill:{version}")


@EVERY
def test_probes_ask_for_a_route_that_answers_without_the_backends(name: str, service: str) -> None:
    one = container(overlay(name), service)
    routes = {route.path for route in health_routes({})}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert one[probe]["httpGet"] == {"path": "/healthz", "port": "http"}
        assert one[probe]["httpGet"]["path"] in routes
    startup = one["startupProbe"]
    # A service waits for its database with a closed port.
    assert startup["periodSeconds"] * startup["failureThreshold"] >= 3600


@EVERY
def test_a_pod_has_time_to_finish_its_requests(name: str, service: str) -> None:
    one = container(overlay(name), service)
    wait = one.get("lifecycle", {}).get("preStop", {}).get("sleep", {}).get("seconds", 0)
    grace = pod(overlay(name), service)["terminationGracePeriodSeconds"]
    assert grace >= wait + SHUTDOWN[service] + MARGIN
    # New requests come until all nodes know that the gateway ends.
    assert (wait > 0) == (service == "gateway")


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_drain_of_nodes_stops_one_pod_of_each_service_at_a_time(name: str) -> None:
    budgets = of_kind(overlay(name), "PodDisruptionBudget")
    assert set(WORKLOADS) <= set(budgets)
    for service in WORKLOADS:
        labels = workload(overlay(name), service)["spec"]["template"]["metadata"]["labels"]
        matching = [
            budget["spec"]
            for budget in budgets.values()
            if selects(budget["spec"]["selector"], labels)
        ]
        assert [spec["maxUnavailable"] for spec in matching] == [1]


@pytest.mark.parametrize("name", OVERLAYS)
def test_services_and_the_ingress_lead_to_pods(name: str) -> None:
    manifests = overlay(name)
    services = of_kind(manifests, "Service")
    assert set(services) == {"gateway", "storage"}
    for service, one in services.items():
        template = workload(manifests, service)["spec"]["template"]
        assert selects({"matchLabels": one["spec"]["selector"]}, template["metadata"]["labels"])
        (port,) = one["spec"]["ports"]
        assert port["targetPort"] == "http"
        assert port["port"] == PORTS[service]
    (ingress,) = of_kind(manifests, "Ingress").values()
    for rule in ingress["spec"]["rules"]:
        for path in rule["http"]["paths"]:
            backend = path["backend"]["service"]
            assert backend == {"name": "gateway", "port": {"name": "http"}}


@pytest.mark.parametrize("name", OVERLAYS)
def test_a_new_version_takes_no_gateway_or_processor_away_before_it_works(name: str) -> None:
    for service in ("gateway", "processor"):
        rolling = workload(overlay(name), service)["spec"]["strategy"]["rollingUpdate"]
        assert rolling == {"maxUnavailable": 0, "maxSurge": 1}
