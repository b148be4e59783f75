"""Files of two tenants under one name, from their chunks to their results."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from aiohttp.test_utils import TestClient, TestServer

from csvmill.standalone.app import standalone
from csvmill.standalone.settings import StandaloneSettings
from gateway.keys import PORTS
from shared.access.audit import Action, AuditEntry
from shared.access.keys import ApiKey, new_key
from shared.access.principal import Scope
from shared.access.tenant import Tenant
from tests.unit.gateway.conftest import dropzone_form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from aiohttp import web

HEADER = b"Song,Date,Number of Plays\n"
FILES = {
    "acme": HEADER + b"SOS,2026-01-01,3\nSOS,2026-01-01,4\n",
    "other": HEADER + b"SOS,2026-01-01,9\nSOS,2026-01-01,4\n",
}
TOTALS = {"acme": 7, "other": 13}


@dataclass
class Caller:
    """A client with the API key of a tenant."""

    client: TestClient[web.Request, web.Application]
    key: dict[str, str]

    async def chunk(self, content: bytes, offset: int, total: int) -> dict[str, Any]:
        form = dropzone_form("monthly", content, offset, len(content), total)
        headers = {**self.key, "Content-Type": form.content_type}
        response = await self.client.post("/api/upload_file", data=form.content, headers=headers)
        answer: dict[str, Any] = await response.json()
        assert response.status == 200, answer
        return answer

    async def get(self, path: str) -> tuple[int, str]:
        async with self.client.get(path, headers=self.key) as response:
            return response.status, await response.text()


@asynccontextmanager
async def callers(folder: Path) -> AsyncIterator[dict[str, Caller]]:
    settings = StandaloneSettings(data_dir=folder, auth="keys", allowed_hosts=("*",))
    async with (
        standalone(settings) as app,
        TestClient(TestServer(app)) as client,
        asyncio.timeout(60),
    ):
        found = {}
        for name in FILES:
            text, tenant = new_key(), Tenant(name)
            key = ApiKey(text.id, tenant, "test", frozenset(Scope), text.digest, 0.0)
            entry = AuditEntry(0.0, tenant, None, "local", Action.KEY_CREATED, key.id)
            await app[PORTS].jobs.access.keys.create(key, entry)
            found[name] = Caller(client, {"Authorization": f"Bearer {text.text}"})
        yield found


async def test_each_tenant_gets_the_result_of_its_own_file(tmp_path: Path) -> None:
    async with callers(tmp_path) as found:
        half = len(HEADER) + 3
        # Given a name that both use at the same time
        for name, caller in found.items():
            await caller.chunk(FILES[name][half:], half, len(FILES[name]))
        jobs = {
            name: (await caller.chunk(FILES[name][:half], 0, len(FILES[name])))["job_id"]
            for name, caller in found.items()
        }
        for name, caller in found.items():
            path = f"/api/v1/jobs/{jobs[name]}"
            await caller.get(f"{path}/events")  # ends when the job has ended
            expected = f"Song,Date,Total Number of Plays for Date\nSOS,2026-01-01,{TOTALS[name]}\n"
            assert await caller.get(f"{path}/result") == (200, expected)
        # Then neither sees anything of the other's
        for name, other in (("acme", "other"), ("other", "acme")):
            for suffix in ("", "/result", "/events", "/preview", "/rejects"):
                status, _ = await found[name].get(f"/api/v1/jobs/{jobs[other]}{suffix}")
                assert status == 404
            _, listed = await found[name].get("/api/v1/jobs")
            assert jobs[name] in listed
            assert jobs[other] not in listed
