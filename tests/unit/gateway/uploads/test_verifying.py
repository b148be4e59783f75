"""While storage verifies the digest of a file, every request is answered at once."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from tests.unit.gateway.ietf import (
    CONTENT,
    SIZE,
    append,
    ask,
    content_of,
    created,
    upload_state,
)
from tests.unit.gateway.native import content_digest
from tests.unit.gateway.problems import problem_of
from tests.verifying import paused_verification

if TYPE_CHECKING:
    from aiohttp import ClientResponse

    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway

TUS = {"Tus-Resumable": "1.0.0"}


async def declared(gateway: Gateway) -> str:
    """The path of an upload whose digest is known."""
    return await created(gateway, b"", Upload_Length=SIZE, Repr_Digest=content_digest(CONTENT))


def sending(gateway: Gateway, path: str) -> asyncio.Task[ClientResponse]:
    return asyncio.create_task(append(gateway, path, 0, CONTENT, 201))


async def test_a_file_being_verified_lacks_its_last_byte_in_every_protocol(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await declared(gateway)
    async with paused_verification() as verification:
        first = sending(gateway, path)
        await verification.started()
        assert await upload_state(gateway, path) == ("?0", SIZE - 1, SIZE)
        tus = await gateway.client.head(path.replace("/api/v1/uploads/", "/api/tus/"), headers=TUS)
        assert (tus.status, tus.headers["Upload-Offset"]) == (200, str(SIZE - 1))
        view = await (await gateway.client.get(path)).json()
        assert (view["complete"], view["missing"]) == (False, [[SIZE - 1, SIZE]])
        # Later requests send the rest, and get the outcome, as the first does
        second = asyncio.create_task(append(gateway, path, SIZE - 1, CONTENT[-1:], 201))
        await appends.taken(SIZE + 1)
        verification.resume()
        jobs = {(await each).headers["Csvmill-Job"] for each in (first, second)}
    assert len(jobs) == 1
    assert await upload_state(gateway, path) == ("?1", SIZE, SIZE)
    assert await content_of(gateway, path) == CONTENT
    assert len(set(gateway.bus.published)) == 1  # each may have published a wake-up


@pytest.mark.parametrize("by_chunk", [True, False])
async def test_a_file_being_verified_can_be_cancelled(gateway: Gateway, by_chunk: bool) -> None:
    path = await declared(gateway)
    if by_chunk:
        request = ask(gateway, "PUT", f"{path}/chunks/0", 404, CONTENT)
    else:
        request = append(gateway, path, 0, CONTENT, 404)
    async with paused_verification() as verification:
        cancelled = asyncio.create_task(request)
        await verification.started()
        await ask(gateway, "DELETE", path, 204)
        await ask(gateway, "HEAD", path, 404)
        verification.resume()
        await problem_of(await cancelled, 404, "upload-not-found")
    assert gateway.bus.published == []
