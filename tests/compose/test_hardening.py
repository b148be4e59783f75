"""What every container of the stack may not: static rules for the files as compose reads them."""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.compose.stack import IMAGES, ROOT
from tests.compose.test_configuration import OURS, configured

TLS = "deploy/compose.tls.yml"
SERVICES = {
    "proxy", "gateway", "storage", "processor", "postgres", "rabbitmq", "prometheus", "grafana",
}  # fmt: skip
REACHED_BY = {
    "proxy": {"gateway"},
    "gateway": {"proxy", "storage", "postgres", "rabbitmq", "prometheus"},
    "processor": {"storage", "postgres", "rabbitmq", "prometheus"},
    "grafana": {"prometheus"},
}
"""The services that each shares a network with: those that it needs, and those that need it."""
SECRETS = {
    "gateway": {"database_url", "broker_url", "storage_token"},
    "processor": {"database_url", "broker_url", "storage_token"},
    "storage": {"storage_token"},
    "postgres": {"postgres_password"},
    "rabbitmq": {"rabbitmq_conf"},
    "grafana": {"grafana_password"},
    "proxy": {"certificate"},
    "prometheus": set(),
}


@pytest.fixture(scope="module")
def configuration() -> dict[str, Any]:
    """The configuration with TLS and all profiles."""
    return configured(TLS)


def test_the_rules_are_those_of_all_services(configuration: dict[str, Any]) -> None:
    assert set(configuration["services"]) == SERVICES


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_no_privileges_and_bounded_resources(
    configuration: dict[str, Any], name: str
) -> None:
    one = configuration["services"][name]
    assert one["read_only"]
    assert one["cap_drop"] == ["ALL"]
    assert not one.get("cap_add")
    assert not one.get("privileged")
    assert one["security_opt"] == ["no-new-privileges:true"]
    assert 0 < one["pids_limit"] <= 4096
    assert int(one["mem_limit"]) > 0
    assert "core" in one["ulimits"]
    for other in ("network_mode", "pid", "ipc", "devices", "userns_mode"):
        assert not one.get(other), other
    assert all("size=" in folder for folder in one["tmpfs"])
    assert not any("docker.sock" in str(volume["source"]) for volume in one.get("volumes", []))


@pytest.mark.parametrize("name", sorted(SERVICES - set(OURS)))
def test_the_containers_of_others_name_a_user_that_is_not_root(
    configuration: dict[str, Any], name: str
) -> None:
    # That of ours is in the image
    assert configuration["services"][name]["user"].partition(":")[0] not in ("", "0", "root")


def test_files_of_this_machine_are_mounted_read_only(configuration: dict[str, Any]) -> None:
    for name, one in configuration["services"].items():
        for volume in one.get("volumes", []):
            assert volume["type"] == "volume" or volume["read_only"], (name, volume)


@pytest.mark.parametrize("name", sorted(REACHED_BY))
def test_a_service_reaches_only_what_it_needs(configuration: dict[str, Any], name: str) -> None:
    services = configuration["services"]
    own = set(services[name]["networks"])
    reached = {
        other for other, one in services.items() if other != name and own & set(one["networks"])
    }
    assert reached == REACHED_BY[name]


def test_networks_with_data_have_no_way_out(configuration: dict[str, Any]) -> None:
    internal = {name for name, one in configuration["networks"].items() if one.get("internal")}
    assert internal == {"gateways", "processors"}
    for name in ("storage", "postgres", "processor"):
        assert set(configuration["services"][name]["networks"]) <= internal


def test_only_the_proxy_can_be_reached_from_other_machines() -> None:
    services = configured(TLS, CSVMILL_BIND="0.0.0.0")["services"]  # noqa: S104
    public = {
        name
        for name, one in services.items()
        for port in one.get("ports", [])
        if port["host_ip"] != "127.0.0.1"
    }
    assert public == {"proxy"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_container_has_just_the_secrets_that_it_needs_as_files(
    configuration: dict[str, Any], name: str
) -> None:
    one = configuration["services"][name]
    assert {secret["source"] for secret in one.get("secrets") or ()} == SECRETS[name]
    for variable, value in (one.get("environment") or {}).items():
        assert not re.search("PASSWORD|TOKEN|SECRET|_URL", variable) or (
            variable.endswith("_FILE") or variable in ("CSVMILL_STORAGE_URL", "CSVMILL_PUBLIC_URL")
        ), variable
        assert "://" not in str(value) or value == "http://storage:8001"


def test_nothing_starts_without_secrets() -> None:
    with pytest.raises(AssertionError, match="run make env"):
        configured(CSVMILL_SECRETS="")
    for path in ("docker-compose.yml", ".env.example"):
        assert not re.search(r"(PASSWORD|TOKEN)[:=]", (ROOT / path).read_text()), path


def test_images_can_be_pinned_by_digest() -> None:
    digest = "@sha256:" + "0" * 64
    pinned = {variable: image + digest for variable, image in IMAGES.items()}
    services = configured(**pinned)["services"]
    images = {one["image"] for one in services.values()}
    arguments = set(services["storage"]["build"]["args"].values())
    assert set(pinned.values()) <= images | arguments
