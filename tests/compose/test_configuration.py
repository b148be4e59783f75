"""Checks of docker-compose.yml as compose reads it. They need no Docker engine."""

from __future__ import annotations

import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from gateway.settings import GatewayProcessSettings
from processor.settings import ProcessorSettings
from storage.settings import StorageSettings
from tests.compose.conftest import skip
from tests.compose.stack import ROOT, UNSHARED

FOLDER = "deploy/secrets"
S3 = "deploy/compose.s3.yml"
BLOBS = "deploy/compose.blobs.yml"
REPLICAS = "deploy/compose.replicas.yml"
INTERNAL_TLS = "deploy/compose.internal-tls.yml"

if TYPE_CHECKING:
    from pydantic_settings import BaseSettings

OURS: dict[str, type[BaseSettings]] = {
    "gateway": GatewayProcessSettings,
    "storage": StorageSettings,
    "processor": ProcessorSettings,
}
IN_THE_IMAGE = {
    "host", "port", "storage_host", "storage_port", "processor_host", "processor_port", "data_dir",
    "scratch_dir", "spool_dir", "shutdown_timeout",
}  # fmt: skip
"""Settings that deploy/Dockerfile fixes. The last one must fit `stop_grace_period`."""
MIB = 1 << 20
OVERHEAD = 256 * MIB
"""Bytes of memory that a processor's container needs in addition to its jobs."""


def configured(*files: str, **settings: str) -> dict[str, Any]:
    """Return the configuration as compose reads it, with all profiles."""
    try:
        done = subprocess.run(
            ["docker", "compose", *(f"--file={name}" for name in ("docker-compose.yml", *files)),
             "--profile=observability", "config", "--format=json"],
            cwd=ROOT, capture_output=True, text=True, timeout=60,
            env={
                "PATH": os.environ["PATH"],
                "COMPOSE_DISABLE_ENV_FILE": "1",
                "CSVMILL_SECRETS": "./deploy/secrets",
                **settings,
            },
        )  # fmt: skip
    except FileNotFoundError:
        skip("docker is not installed")
    if re.search(
        "unknown command: docker compose|is not a docker command|unknown flag: --file", done.stderr
    ):
        skip("docker compose is not installed")
    assert done.returncode == 0, done.stderr
    configuration: dict[str, Any] = json.loads(done.stdout)
    return configuration


def documented() -> dict[str, str]:
    """Return the variables of .env.example with their values, commented-out ones included."""
    lines = (ROOT / ".env.example").read_text()
    return dict(re.findall(r"^#?([A-Z0-9_]+)=(.*)$", lines, re.MULTILINE))


def test_every_published_port_is_bound_to_loopback() -> None:
    services = configured()["services"]
    published = {name: one["ports"] for name, one in services.items() if one.get("ports")}
    assert set(published) == {"proxy", "rabbitmq", "prometheus", "grafana"}
    for ports in published.values():
        assert [port["host_ip"] for port in ports] == ["127.0.0.1"]


@pytest.mark.parametrize("service", OURS)
def test_our_services_have_time_to_finish_their_requests(service: str) -> None:
    assert configured()["services"][service]["stop_grace_period"] == "45s"


def test_every_container_restarts_and_has_a_memory_limit() -> None:
    for name, one in configured()["services"].items():
        assert one["restart"] == "unless-stopped", name
        assert int(one["mem_limit"]) > 0, name


def test_monitoring_runs_only_with_its_profile() -> None:
    services = configured()["services"]
    optional = {name for name, one in services.items() if one.get("profiles")}
    assert optional == {"prometheus", "grafana"}
    assert all(services[name]["profiles"] == ["observability"] for name in optional)


def test_the_broker_is_healthy_once_its_port_accepts_and_dependent_services_wait_for_it() -> None:
    services = configured()["services"]
    _, command = services["rabbitmq"]["healthcheck"]["test"]
    checks = set(re.findall(r"rabbitmq-diagnostics -q (\w+)", command))
    assert checks == {"check_running", "check_port_connectivity"}
    assert " && " in command
    for name in ("gateway", "processor"):
        conditions = {one["condition"] for one in services[name]["depends_on"].values()}
        assert set(services[name]["depends_on"]) == {"rabbitmq", "postgres", "storage"}
        assert conditions == {"service_healthy"}


def test_the_image_is_built_in_stages_from_pinned_hashes_and_runs_without_privileges() -> None:
    instructions = [
        line
        for line in (ROOT / "deploy/Dockerfile").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    assert not (ROOT / "deploy/Dockerfile").read_text().startswith("# syntax=")
    assert sum(line.startswith("FROM ") for line in instructions) == 2
    assert instructions[0] == "ARG BASE=python:3.13-slim"
    assert "USER csvmill" in instructions
    assert any(line.startswith("HEALTHCHECK ") for line in instructions)
    text = "\n".join(instructions)
    assert "--mount" not in text
    assert "<<" not in text
    for command in re.findall(r"pip[^&]*? install ([^&]*)", text.replace("\\\n", " ")):
        assert "--require-hashes" in command or "--no-index" in command


def test_the_memory_limit_of_a_processor_covers_its_jobs() -> None:
    processor = configured()["services"]["processor"]
    environment = processor["environment"]
    jobs = int(environment["CSVMILL_CONCURRENCY"]) * int(environment["CSVMILL_MEMORY_LIMIT"])
    assert int(processor["mem_limit"]) >= jobs + OVERHEAD


def test_the_processor_can_read_the_blobs_and_not_change_them() -> None:
    processor = configured()["services"]["processor"]
    (blobs,) = [volume for volume in processor["volumes"] if volume["source"] == "blobs"]
    assert blobs["read_only"]
    assert processor["environment"]["CSVMILL_BLOB_DIR"] == blobs["target"]


def test_a_processor_without_the_shared_volume_has_no_blob_dir() -> None:
    processor = configured(UNSHARED)["services"]["processor"]
    assert "blobs" not in {volume["source"] for volume in processor["volumes"]}
    assert "CSVMILL_BLOB_DIR" not in processor["environment"]


@pytest.mark.parametrize("service", OURS)
def test_every_setting_of_a_service_can_be_set_for_its_container(service: str) -> None:
    names = set(OURS[service].model_fields) - IN_THE_IMAGE
    given = {f"CSVMILL_{name.upper()}": "1" for name in names}
    passed_on = set(
        configured(S3, BLOBS, INTERNAL_TLS, **given)["services"][service]["environment"]
    )
    # Secrets are in files.
    assert set(given) <= passed_on | {name.removesuffix("_FILE") for name in passed_on}


def test_two_storage_servers_differ_in_their_folder_only_and_all_services_know_both() -> None:
    given = {f"CSVMILL_{name.upper()}": "1" for name in StorageSettings.model_fields}
    configuration = configured(BLOBS, REPLICAS, **given)
    services = configuration["services"]
    first, second = services["storage"], services["storage-2"]
    folders = [one.pop("volumes")[0] for one in (first, second)]
    assert first.pop("build")
    assert second == first
    assert [folder["target"] for folder in folders] == ["/data", "/data"]
    assert {folder["source"] for folder in folders} == {"blobs", "blobs-2"}
    assert set(configuration["volumes"]) >= {"blobs", "blobs-2"}
    for name in ("gateway", "processor"):
        urls = services[name]["environment"]["CSVMILL_STORAGE_URL"].split(",")
        assert urls == ["http://storage:8001", "http://storage-2:8001"]
        assert {"storage", "storage-2"} <= set(services[name]["depends_on"])
    assert "CSVMILL_BLOB_DIR" not in services["processor"]["environment"]


def test_with_internal_tls_each_service_has_a_certificate_of_its_own() -> None:
    services = configured(INTERNAL_TLS)["services"]
    sources = set()
    for service in OURS:
        one = services[service]
        secrets = {each.get("target", each["source"]): each["source"] for each in one["secrets"]}
        paths = {
            name: one["environment"][f"CSVMILL_INTERNAL_{name.upper()}"]
            for name in ("ca", "certificate", "key")
        }
        for name, path in paths.items():
            (source,) = (
                source for target, source in secrets.items() if path.endswith(f"internal_{name}")
                and target.endswith(f"internal_{name}")
            )  # fmt: skip
            sources.add(source)
        if service != "storage":
            assert one["environment"]["CSVMILL_STORAGE_URL"] == "https://storage:8001"
    assert len(sources) == 1 + 2 * len(OURS)


@pytest.mark.parametrize("side", ["client", "server"])
def test_the_proxy_does_not_time_out_an_event_stream_between_heartbeats(side: str) -> None:
    text = (ROOT / "deploy/haproxy/haproxy.cfg").read_text()
    (timeout,) = re.findall(rf"^ +timeout {side} (\d+)s$", text, re.MULTILINE)
    heartbeat = GatewayProcessSettings.model_fields["follow_heartbeat"].default
    assert heartbeat * 2 < int(timeout)


def test_the_example_environment_has_every_variable_with_its_default() -> None:
    text = (ROOT / "docker-compose.yml").read_text()
    text += "".join(path.read_text() for path in (ROOT / "deploy").glob("compose.*.yml"))
    defaults = dict(re.findall(r"\$\{([A-Z_]+):-(.*?)\}", text))
    defaults["CSVMILL_SECRETS"] = f"./{FOLDER}"
    passed_on = set(re.findall(r"^ +(CSVMILL_[A-Z0-9_]+):$", text, re.MULTILINE))
    pip = {name for name in defaults if name.startswith("PIP_")}
    assert set(documented()) == set(defaults) - pip | passed_on
    for name in set(defaults) - pip:
        assert documented()[name] == defaults[name]
