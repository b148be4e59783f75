"""The variables of the pods are settings, and their secrets are where they say."""

from __future__ import annotations

import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import pytest

from gateway.settings import GatewayProcessSettings
from processor.settings import ProcessorSettings
from shared.bus.topology import QUEUES, SMALL, WAITING
from shared.database.settings import DatabaseSettings
from shared.runtime.secrets import secrets_in_files
from shared.runtime.unknown_settings import unknown_settings
from storage.settings import StorageSettings
from tests.kubernetes.custom_resources import SECRETS
from tests.kubernetes.manifests import (
    EVERY,
    OVERLAYS,
    ROOT,
    container,
    gibibytes,
    of_kind,
    overlay,
    pod,
    settings_map,
    variables,
    workload,
)

if TYPE_CHECKING:
    from pathlib import Path

    from pydantic_settings import BaseSettings

OURS: dict[str, type[BaseSettings]] = {
    "gateway": GatewayProcessSettings,
    "storage": StorageSettings,
    "processor": ProcessorSettings,
}
OF_THE_OPERATOR_OF_THE_CLUSTER = {
    "storage-token": {"token"}, "database": {"uri"}, "broker": {"connection_string"},
    "object-storage": {"access_key_id", "secret_access_key"}, "spark": {"url"},
}  # fmt: skip
"""Secrets that docs/operations.md says to create, with their keys."""
GIB = 1 << 30
SERVICE = 0.25
"""GiB of memory of a processor besides its jobs."""


def image_variables() -> dict[str, str]:
    """Return the CSVMILL variables that the image sets."""
    text = (ROOT / "deploy/Dockerfile").read_text()
    return dict(re.findall(r"(CSVMILL_\w+)=(\S+)", text))


@EVERY
def test_every_variable_is_a_setting_of_some_service(name: str, service: str) -> None:
    names = set(variables(overlay(name), service))
    assert unknown_settings(names) == []
    known = {f"CSVMILL_{field.upper()}" for kind in OURS.values() for field in kind.model_fields}
    assert {one.removesuffix("_FILE") for one in names} <= known


@EVERY
def test_a_service_accepts_its_settings(
    name: str, service: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    values = {
        "storage-token": "a-token", "database": "postgresql://u:p@postgres-rw.csvmill:5432/csvmill",
        "broker": "amqp://u:p@rabbitmq.csvmill.svc:5672/", "object-storage": "a-key",
        "spark": "sc://spark.spark.svc:15002",
    }  # fmt: skip
    for variable, value in (image_variables() | variables(overlay(name), service)).items():
        if variable.endswith("_FILE"):
            path = tmp_path / value.removeprefix("/run/secrets/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(values[path.parent.name])
            monkeypatch.setenv(variable, str(path))
        else:
            monkeypatch.setenv(variable, value)
    kind = OURS[service]
    settings = kind.model_validate(secrets_in_files(kind))
    for field in kind.model_fields:
        if f"CSVMILL_{field.upper()}" in settings_map(overlay(name), service):
            assert field in settings.model_fields_set


@EVERY
def test_secrets_are_files_that_their_secrets_have(name: str, service: str) -> None:
    manifests = overlay(name)
    known = OF_THE_OPERATOR_OF_THE_CLUSTER | SECRETS
    secrets = {
        one["name"]: one["secret"]["secretName"]
        for one in pod(manifests, service)["volumes"]
        if "secret" in one
    }
    mounted = {
        one["mountPath"]: secrets[one["name"]]
        for one in container(manifests, service)["volumeMounts"]
        if one["name"] in secrets
    }
    files = {
        variable: PurePosixPath(value)
        for variable, value in variables(manifests, service).items()
        if variable.endswith("_FILE")
    }
    for path in files.values():
        assert path.name in known[mounted[str(path.parent)]]
    assert {str(path.parent) for path in files.values()} == set(mounted)
    secret = {
        f"CSVMILL_{field.upper()}"
        for field, one in OURS[service].model_fields.items()
        if "SecretStr" in str(one.annotation)
    }
    assert not secret & set(variables(manifests, service))


@EVERY
def test_each_service_has_every_setting_without_a_default(name: str, service: str) -> None:
    required = {
        f"CSVMILL_{field.upper()}"
        for field, one in OURS[service].model_fields.items()
        if one.is_required()
    }
    given = set(variables(overlay(name), service)) | set(image_variables())
    assert required <= {one.removesuffix("_FILE") for one in given}


def test_secrets_of_operators_are_those_of_the_clusters_here() -> None:
    manifests = overlay("cluster")
    assert set(of_kind(manifests, "Cluster")) == {"postgres"}
    assert set(of_kind(manifests, "RabbitmqCluster")) == {"rabbitmq"}
    (trigger,) = of_kind(manifests, "TriggerAuthentication").values()
    for one in trigger["spec"]["secretTargetRef"]:
        assert one["key"] in SECRETS[one["name"]]


@pytest.mark.parametrize("name", OVERLAYS)
def test_storage_is_called_at_the_stable_addresses_of_its_pods(name: str) -> None:
    manifests = overlay(name)
    storage = workload(manifests, "storage")
    service = of_kind(manifests, "Service")[storage["spec"]["serviceName"]]
    assert service["spec"]["clusterIP"] == "None"
    (port,) = service["spec"]["ports"]
    assert port["port"] == container(manifests, "storage")["ports"][0]["containerPort"]
    # Executors of Spark are in another namespace.
    domain = ".csvmill.svc" if "CSVMILL_SPARK_FILE" in variables(manifests, "processor") else ""
    assert settings_map(manifests, "gateway")["CSVMILL_STORAGE_URL"].split(",") == [
        f"http://storage-{n}.storage{domain}:{port['port']}"
        for n in range(storage["spec"]["replicas"])
    ]


@pytest.mark.parametrize("name", OVERLAYS)
def test_storage_has_several_pods_only_with_object_storage(name: str) -> None:
    manifests = overlay(name)
    replicas = workload(manifests, "storage")["spec"]["replicas"]
    assert ("CSVMILL_BLOBS" in settings_map(manifests, "storage")) == (replicas > 1)
    secrets = {one["name"] for one in pod(manifests, "storage")["volumes"] if "secret" in one}
    assert ("object-storage" in secrets) == (replicas > 1)


@pytest.mark.parametrize("name", OVERLAYS)
def test_the_host_of_the_ingress_is_a_name_of_the_service(name: str) -> None:
    (ingress,) = of_kind(overlay(name), "Ingress").values()
    hosts = {rule["host"] for rule in ingress["spec"]["rules"]}
    assert hosts == set(settings_map(overlay(name), "gateway")["CSVMILL_ALLOWED_HOSTS"].split(","))


@pytest.mark.parametrize("name", OVERLAYS)
def test_requests_of_a_processor_fit_what_it_runs(name: str) -> None:
    manifests = overlay(name)
    given = settings_map(manifests, "processor")
    runs = int(given["CSVMILL_CONCURRENCY"]) + int(given["CSVMILL_HEAD_STARTS"])
    resources = container(manifests, "processor")["resources"]
    memory = runs * int(given["CSVMILL_MEMORY_LIMIT"]) / GIB + SERVICE
    assert gibibytes(resources["limits"]["memory"]) >= memory
    assert resources["limits"]["memory"] == resources["requests"]["memory"]
    assert resources["requests"]["cpu"] == given["CSVMILL_THREADS"]
    (scratch,) = (one for one in pod(manifests, "processor")["volumes"] if "ephemeral" in one)
    claim = scratch["ephemeral"]["volumeClaimTemplate"]["spec"]
    disk = runs * int(given["CSVMILL_SCRATCH_LIMIT"]) / GIB
    assert gibibytes(claim["resources"]["requests"]["storage"]) >= disk


def test_processors_are_scaled_by_the_queues_that_they_consume() -> None:
    manifests = overlay("cluster")
    (scaled,) = of_kind(manifests, "ScaledObject").values()
    spec = scaled["spec"]
    assert "replicas" not in workload(manifests, spec["scaleTargetRef"]["name"])["spec"]
    assert spec["scaleTargetRef"]["name"] == "processor"
    triggers = {one["metadata"]["queueName"]: one["metadata"] for one in spec["triggers"]}
    assert set(triggers) == {WAITING, SMALL} <= {queue.name for queue in QUEUES}
    assert triggers[WAITING]["value"] == settings_map(manifests, "processor")["CSVMILL_CONCURRENCY"]
    for one in triggers.values():
        assert urlsplit(one["host"]).hostname == "rabbitmq.csvmill.svc"
    for one in spec["triggers"]:
        assert one["authenticationRef"]["name"] in of_kind(manifests, "TriggerAuthentication")
    assert spec["minReplicaCount"] >= 1


def test_the_database_has_connections_for_all_processes() -> None:
    manifests = overlay("cluster")
    (scaled,) = of_kind(manifests, "ScaledObject").values()
    (cluster,) = of_kind(manifests, "Cluster").values()
    # One more of each while they are replaced.
    processes = scaled["spec"]["maxReplicaCount"] + 1
    processes += workload(manifests, "gateway")["spec"]["replicas"] + 1
    pool = DatabaseSettings.model_fields["database_pool_size"].default
    wanted = processes * (pool + 1)
    assert int(cluster["spec"]["postgresql"]["parameters"]["max_connections"]) >= wanted


def test_a_commit_is_on_two_instances_of_the_database_and_one_may_be_away() -> None:
    (cluster,) = of_kind(overlay("cluster"), "Cluster").values()
    synchronous = cluster["spec"]["postgresql"]["synchronous"]["number"]
    assert synchronous >= 1
    assert cluster["spec"]["instances"] >= synchronous + 2


def test_wake_ups_of_running_jobs_stay_in_their_queue() -> None:
    (cluster,) = of_kind(overlay("cluster"), "RabbitmqCluster").values()
    configuration = dict(
        line.split(" = ")
        for line in cluster["spec"]["rabbitmq"]["additionalConfig"].splitlines()
        if not line.startswith("#")
    )
    assert int(configuration["consumer_timeout"]) == 24 * 3600 * 1000
