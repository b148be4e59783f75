"""What the stack shows and keeps private: metrics, privileges and secrets."""

from __future__ import annotations

import asyncio
import json
from functools import partial
from typing import TYPE_CHECKING, Any

import aiohttp
import pytest
from yarl import URL

from tests.compose.stack import docker
from tests.compose.waiting import WAIT
from tests.queries import alert_rules, queries
from tests.services import until

if TYPE_CHECKING:
    from tests.compose.stack import Stack


@pytest.mark.parametrize("path", ["/metrics", "/metrics?x", "/%6detrics", "/metrics/"])
async def test_metrics_are_not_public(stack: Stack, path: str) -> None:
    url = URL(stack.url + path, encoded=True)
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 404


async def test_our_containers_have_no_privileges_and_the_image_no_secrets(stack: Stack) -> None:
    script = (
        "import os, json\n"
        "status = dict(l.split(':', 1) for l in open('/proc/self/status'))\n"
        "print(json.dumps([os.getuid(), int(status['CapBnd'], 16), int(status['NoNewPrivs']),"
        " os.access('/', os.W_OK), os.statvfs('/').f_flag & os.ST_RDONLY]))"
    )
    for service in ("gateway", "storage", "processor"):
        for name in stack.containers(service):
            uid, capabilities, no_new_privileges, writable, read_only = json.loads(
                stack.run_in(name, script)
            )
            assert uid != 0
            assert (capabilities, no_new_privileges, writable) == (0, 1, False)
            assert read_only
    (image,) = json.loads(docker("image", "inspect", stack.image))
    history = docker("history", "--no-trunc", "--format={{.CreatedBy}}", stack.image)
    for secret in ("PASSWORD", "TOKEN", "INDEX_URL", "://"):
        assert secret not in str(image["Config"]["Env"])
        assert secret not in history


async def ready(session: aiohttp.ClientSession) -> bool:
    """Return whether Prometheus is ready to answer queries."""
    try:
        async with session.get("/-/ready") as response:
            return response.status == 200
    except aiohttp.ClientConnectionError:
        return False


async def test_prometheus_scrapes_every_service_and_evaluates_every_query(stack: Stack) -> None:
    up = ("--profile=observability", "up", "--detach", "--no-deps", "prometheus")
    await asyncio.to_thread(stack.compose, *up)
    async with aiohttp.ClientSession(stack.prometheus) as session:

        async def get(path: str, **query: str) -> Any:
            async with session.get(f"/api/v1/{path}", params=query) as response:
                answer = await response.json()
            assert answer["status"] == "success", (query, answer)
            return answer["data"]

        # It answers 503 until it has loaded its files
        await until(partial(ready, session), timeout=WAIT)
        # Then it finds both gateways, and one target of each other service
        targets: list[str] = []
        async with asyncio.timeout(WAIT):
            while targets != ["gateway", "gateway", "processor", "rabbitmq", "storage"]:
                found = (await get("targets"))["activeTargets"]
                targets = sorted(one["scrapePool"] for one in found if one["health"] == "up")
                await asyncio.sleep(0.2)
        # And it has loaded every alert rule
        (group,) = (await get("rules"))["groups"]
        names = {rule["name"] for rule in group["rules"]}
        assert names == {rule["alert"] for rule in alert_rules()}
        assert all(rule["health"] != "err" for rule in group["rules"])
        # And it evaluates every query of the dashboard; gauges have a value at once
        for title, expression in queries():
            expression = expression.replace("$__rate_interval", "5m")
            found = await get("query", query=expression)
            assert found["resultType"] in ("vector", "scalar"), title
        assert (await get("query", query="csvmill_storage_free_bytes"))["result"]
    remove = ("--profile=observability", "rm", "--stop", "--force", "prometheus")
    await asyncio.to_thread(stack.compose, *remove)
