"""Uploads are shared with other protocols."""

from __future__ import annotations

from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from gateway.uploads.upload import upload_id_of
from tests.unit.gateway.ietf import (
    CONTENT,
    SIZE,
    append,
    ask,
    content_of,
    create,
    created,
    hanging,
    upload_state,
)

if TYPE_CHECKING:
    from tests.unit.gateway.appending import AppendingBlobs
    from tests.unit.gateway.conftest import Gateway, Start


async def test_a_head_of_the_native_protocol_does_not_abort_an_append(
    gateway: Gateway, appends: AppendingBlobs
) -> None:
    path = await created(gateway)
    async with hanging(gateway, path, CONTENT[:100_000]) as connection:
        await appends.taken(100_000)
        head = await gateway.client.head(path)
        assert (head.status, "Upload-Offset" in head.headers) == (200, False)
        await connection.write(CONTENT[100_000:])
        assert (await connection.answer()).status == 201
    assert await content_of(gateway, path) == CONTENT


@pytest.mark.parametrize("name", [str(UUID(int=9)), "nothing"])
async def test_an_unknown_upload_is_not_found(gateway: Gateway, name: str) -> None:
    path = f"/api/v1/uploads/{name}"
    await ask(gateway, "HEAD", path, 404)
    await append(gateway, path, 0, b"x", 404)
    await ask(gateway, "DELETE", path, 404)


@pytest.mark.parametrize("dialect", ["tus", "v1", "dropzone"])
async def test_an_upload_of_another_protocol_can_be_continued(
    gateway: Gateway, dialect: str
) -> None:
    if dialect == "tus":
        headers = {"Tus-Resumable": "1.0.0", "Upload-Length": str(SIZE)}
        answer = await gateway.client.post("/api/tus/", headers=headers)
        path = answer.headers["Location"].replace("/api/tus/", "/api/v1/uploads/")
    elif dialect == "v1":
        declared = {"name": "a.csv", "size": SIZE}
        path = (await gateway.client.post("/api/v1/uploads", json=declared)).headers["Location"]
    else:
        await gateway.chunk("by dropzone", CONTENT[:0], offset=0, size=9, total=SIZE)
        path = f"/api/v1/uploads/{upload_id_of('by dropzone')}"
    await append(gateway, path, 0, CONTENT[:9], 204)
    assert await upload_state(gateway, path) == ("?0", 9, SIZE)
    last = await append(gateway, path, 9, CONTENT[9:], 201)
    assert last.headers["Csvmill-Job"]
    assert await content_of(gateway, path) == CONTENT


async def test_the_protocol_is_allowed_across_origins(start_gateway: Start) -> None:
    gateway = await start_gateway(cors_origins="https://page.example")
    answer = await create(gateway, b"abc", Origin="https://page.example")
    exposed = answer.headers["Access-Control-Expose-Headers"].split(", ")
    assert {"Upload-Offset", "Upload-Complete", "Upload-Limit", "Location"} <= set(exposed)


async def test_an_upload_is_shown_and_cancelled_in_v1_and_tus(gateway: Gateway) -> None:
    path = await created(gateway, b"abc")
    view = await (await gateway.client.get(path)).json()
    assert (view["size"], view["received"], view["complete"]) == (None, [[0, 3]], False)
    tus = path.replace("/api/v1/uploads/", "/api/tus/")
    head = await gateway.client.head(tus, headers={"Tus-Resumable": "1.0.0"})
    assert (head.status, head.headers["Upload-Offset"]) == (200, "3")
    assert (await gateway.client.delete(path)).status == 204
    await ask(gateway, "HEAD", path, 404)
