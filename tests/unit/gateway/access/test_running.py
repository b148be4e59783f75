"""Requests in progress end when their key is revoked."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import aiohttp
import pytest

from gateway.results.downloads import DOWNLOADS
from shared.access.audit import Action
from shared.access.principal import Scope
from tests.unit.gateway.access.keys import ACME, bearer, note, stored_key

if TYPE_CHECKING:
    from shared.access.keys import KeyText
    from tests.unit.gateway.conftest import Gateway, Start

WAIT = 20.0
SIZE = 64 << 20


async def revoke(gateway: Gateway, key: KeyText) -> None:
    await gateway.jobs.access.keys.revoke(key.id, note(Action.KEY_REVOKED, key.id), tenant=None)


async def rest(content: aiohttp.StreamReader) -> None:
    """Read to the end. Raises an error of the connection."""
    async with asyncio.timeout(WAIT):
        while await content.readany():
            pass


async def test_an_event_stream_ends_when_its_key_is_revoked(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="keys", key_cache=0.1)
    gateway.tenant = ACME
    key, other = await stored_key(gateway, Scope.READ), await stored_key(gateway, Scope.READ)
    path = f"/api/v1/jobs/{(await gateway.started_job()).id}/events"
    async with (
        gateway.client.get(path, headers=bearer(key)) as ended,
        gateway.client.get(path, headers=bearer(other)) as kept,
    ):
        await ended.content.readuntil(b"\n\n")
        await kept.content.readuntil(b"\n\n")
        await revoke(gateway, key)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await rest(ended.content)
        assert not kept.content.at_eof()
        assert kept.content.exception() is None


async def test_a_download_ends_when_its_key_is_revoked(start_gateway: Start) -> None:
    gateway = await start_gateway(auth="keys", key_cache=0.1)
    gateway.tenant = ACME
    key = await stored_key(gateway, Scope.READ)
    job = await gateway.finished_job(bytes(SIZE))
    sent = {"Accept-Encoding": "identity", **bearer(key)}
    async with gateway.client.get(f"/api/v1/jobs/{job.id}/result", headers=sent) as download:
        await download.content.readexactly(1 << 20)
        await revoke(gateway, key)
        async with asyncio.timeout(WAIT):
            while len(gateway.client.app[DOWNLOADS]):  # noqa: ASYNC110 - no event tells it
                await asyncio.sleep(0.02)
        with pytest.raises((aiohttp.ClientError, ConnectionError)):
            await rest(download.content)
