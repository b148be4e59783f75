"""What the running containers may do, whom they reach, and where secrets are."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING

import pytest

from csvmill.client import AsyncClient
from tests.compose.files import Sample
from tests.compose.stack import CommandFailed, docker
from tests.compose.test_hardening import REACHED_BY
from tests.compose.waiting import documented, result_of

if TYPE_CHECKING:
    from pathlib import Path

    from tests.compose.stack import Stack

SERVICES = ("proxy", "gateway", "storage", "processor", "postgres", "rabbitmq")
PORTS = {"gateway": 8000, "storage": 8001, "processor": 8002, "postgres": 5432, "rabbitmq": 5672}


@pytest.mark.parametrize("service", SERVICES)
async def test_no_process_of_a_container_is_root_or_has_a_capability(
    stack: Stack, service: str
) -> None:
    # Some end before they are read
    script = "cat /proc/[0-9]*/status 2>/dev/null || true"
    for container in stack.containers(service).values():
        for line in docker("exec", container["Id"], "sh", "-c", script).splitlines():
            name, _, value = line.partition(":\t")
            if name == "Uid":
                assert "0" not in value.split()
            elif name in ("CapPrm", "CapEff", "CapBnd"):
                assert int(value, 16) == 0
            elif name == "NoNewPrivs":
                assert value == "1"


async def test_secrets_are_in_no_setting_command_or_log(stack: Stack) -> None:
    secrets = [
        (stack.secrets / name).read_text().split()[0]
        for name in ("postgres_password", "rabbitmq_password", "storage_token", "grafana_password")
    ]
    logs = stack.compose("logs", "--no-color")
    for service in SERVICES:
        for inspected in stack.containers(service).values():
            shown = json.dumps(inspected) + docker("top", inspected["Id"], "-ef") + logs
            assert not any(secret in shown for secret in secrets)


@pytest.mark.parametrize("service", ["proxy", "gateway", "processor"])
async def test_a_container_reaches_only_the_services_that_it_needs(
    stack: Stack, service: str
) -> None:
    container, *_ = (one["Id"] for one in stack.containers(service).values())
    reached = set()
    for other, port in PORTS.items():
        attempt = f"exec 3<>/dev/tcp/{other}/{port}"
        if other != service:
            try:
                docker("exec", container, "timeout", "5", "bash", "-c", attempt)
            except CommandFailed:
                continue
            reached.add(other)
    assert reached == REACHED_BY[service] - {"proxy", "prometheus"}


async def test_the_token_of_storage_is_replaced_as_documented_while_jobs_go_on(
    stack: Stack, tmp_path: Path
) -> None:
    token = stack.secrets / "storage_token"
    before = token.read_text()
    sample = Sample(tmp_path / "plays.csv", 1_000)
    restart, _, _, _, renew, finish = documented("### Change a password")
    replace = "\n".join((renew, restart, finish))
    async with AsyncClient(stack.url) as client:
        replacing = asyncio.create_task(asyncio.to_thread(stack.shell, replace, tmp_path))
        done = 0
        while not replacing.done() or done == 0:
            job_id = await client.upload(sample.path)
            assert await result_of(client, job_id, tmp_path) == sample.result
            done += 1
        await replacing
        job_id = await client.upload(sample.path)
        assert await result_of(client, job_id, tmp_path) == sample.result
    assert len(token.read_text().split()) == 1
    assert token.read_text() != before


async def test_jobs_of_the_processors_container_are_confined(stack: Stack, tmp_path: Path) -> None:
    sample = Sample(tmp_path / "plays.csv", 1_000, slow=True)
    async with AsyncClient(stack.url) as client:
        job_id = await client.upload(sample.path)
        assert await result_of(client, job_id, tmp_path) == sample.result
        (report,) = [(await client.job(job_id)).report]
    assert report is not None
    assert {"rlimits", "no_new_privs", "seccomp"} <= set(report.confinement)
