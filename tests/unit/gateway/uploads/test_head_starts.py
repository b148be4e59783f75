"""Large uploads are offered to processors, and shown and refused by what these found."""

from __future__ import annotations

import asyncio
import json
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any
from uuid import UUID

import pytest

from gateway.uploads import header_check
from shared.inspection.sample import SAMPLE_SIZE
from shared.jobs.head_start import HeadStartProgress
from tests.services import until
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from shared.jobs.head_start import HeadStart
    from tests.unit.gateway.conftest import Gateway, Start

UPLOADS = "/api/v1/uploads"
SIZE = 3 * SAMPLE_SIZE
ROW = b"Umbrella,2020-01-02,100\n"
HEADER = b"Song,Date,Number of Plays\n"
SKIPPING: dict[str, Any] = {
    "group_by": ["Song"],
    "aggregates": [{"function": "count"}],
    "input": {"on_bad_row": "skip"},
}


def content(size: int = SIZE) -> bytes:
    return (HEADER + ROW * (size // len(ROW) + 1))[:size]


@pytest.fixture
async def gateway(start_gateway: Start) -> Gateway:
    return await start_gateway(head_start_size=SIZE)


async def declare(
    gateway: Gateway, size: int | None = SIZE, query: str = "", **declared: object
) -> UUID:
    body = json.dumps({"name": "plays.csv", "size": size, **declared}).encode()
    response = await gateway.client.post(
        UPLOADS + query, data=body, headers={"Content-Type": "application/json"}
    )
    assert response.status == 201, await response.text()
    return UUID((await response.json())["id"])


async def send(gateway: Gateway, upload_id: UUID, start: int, stop: int) -> Any:
    return await gateway.client.put(
        f"{UPLOADS}/{upload_id}/chunks/{start}", data=BytesIO(content()[start:stop])
    )


async def offer_of(gateway: Gateway, upload_id: UUID) -> HeadStart | None:
    return await gateway.jobs.head_starts.of_upload(upload_id)


async def offered(gateway: Gateway, upload_id: UUID) -> None:
    async def known() -> bool:
        return await offer_of(gateway, upload_id) is not None

    await until(known)


async def followed(gateway: Gateway, upload_id: UUID, progress: HeadStartProgress) -> int:
    """Record progress as a processor does; return its token."""
    now = time.time()
    await gateway.jobs.head_starts.offer(upload_id, now=now)
    taken = await gateway.jobs.head_starts.take(worker="w", held_until=now + 60, now=now)
    assert taken is not None
    held = await gateway.jobs.head_starts.renew(
        upload_id, taken.token, held_until=now + 60, progress=progress
    )
    assert held
    return taken.token


async def test_an_upload_is_offered_once_its_header_is_received(gateway: Gateway) -> None:
    upload_id = await declare(gateway)
    await send(gateway, upload_id, SAMPLE_SIZE, 2 * SAMPLE_SIZE)
    await send(gateway, upload_id, 0, SAMPLE_SIZE - 1)
    assert await offer_of(gateway, upload_id) is None

    await send(gateway, upload_id, SAMPLE_SIZE - 1, SAMPLE_SIZE)
    await offered(gateway, upload_id)


async def test_a_file_in_one_request_is_offered_while_it_comes(gateway: Gateway) -> None:
    known = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield content()[: 2 * SAMPLE_SIZE]
        await known.wait()
        yield content()[2 * SAMPLE_SIZE :]

    sending = asyncio.create_task(
        gateway.client.put(
            f"{UPLOADS}?name=plays.csv", data=body(), headers={"Content-Length": str(SIZE)}
        )
    )

    async def is_offered() -> bool:
        now = time.time()
        taken = await gateway.jobs.head_starts.take(worker="w", held_until=now, now=now)
        return taken is not None

    await until(is_offered)
    known.set()
    assert (await sending).status == 201


async def test_an_upload_of_unknown_size_is_offered_once_it_is_large(gateway: Gateway) -> None:
    upload_id = await declare(gateway, None)
    await send(gateway, upload_id, SAMPLE_SIZE, SIZE)
    assert await offer_of(gateway, upload_id) is None

    await send(gateway, upload_id, 0, SAMPLE_SIZE)
    await offered(gateway, upload_id)
    await followed(gateway, upload_id, HeadStartProgress(7))
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload_id}")).json()
    assert (shown["size"], shown["head_start"]["aggregated_bytes"]) == (None, 7)


@pytest.mark.parametrize("protocol", ["tus", "native"])
async def test_a_request_of_unknown_length_is_offered_while_it_comes(
    gateway: Gateway, protocol: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(header_check, "AGAIN", SAMPLE_SIZE)
    known = asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        for start in range(0, 2 * SIZE, SAMPLE_SIZE):
            yield content(2 * SIZE)[start : start + SAMPLE_SIZE]
        await known.wait()
        yield ROW

    if protocol == "native":
        sending = gateway.client.put(f"{UPLOADS}?name=plays.csv", data=body())
    else:
        sending = gateway.client.post(
            "/api/tus",
            data=body(),
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Defer-Length": "1",
                "Content-Type": "application/offset+octet-stream",
            },
        )
    answer = asyncio.ensure_future(sending)

    async def is_offered() -> bool:
        now = time.time()
        return await gateway.jobs.head_starts.take(worker="w", held_until=now, now=now) is not None

    await until(is_offered)
    assert not answer.done()
    known.set()
    assert (await answer).status == 201


@pytest.mark.parametrize(
    ("size", "declared", "sent"),
    [
        (SIZE - 1, {}, SIZE - 2),
        (None, {}, SIZE - 1),
        (SIZE, {"aggregation": {**SKIPPING, "group_by": ["Sogn"]}}, SIZE - 1),
    ],
    ids=["small", "of unknown size, and still small", "misfit"],
)
async def test_other_uploads_are_not_offered(
    gateway: Gateway, size: int | None, declared: dict[str, Any], sent: int
) -> None:
    upload_id = await declare(gateway, size, **declared)
    await send(gateway, upload_id, 0, sent)

    assert await offer_of(gateway, upload_id) is None


async def test_an_upload_shows_how_far_it_has_been_aggregated(gateway: Gateway) -> None:
    upload_id = await declare(gateway)
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload_id}")).json()
    assert shown["head_start"] is None

    token = await followed(gateway, upload_id, HeadStartProgress(7, 2, True, 1, "line 3: bad"))
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload_id}")).json()
    assert shown["head_start"] == {
        "aggregated_bytes": 7,
        "rows": 2,
        "rows_estimated": True,
        "rows_rejected": 1,
        "first_problem": "line 3: bad",
        "ended": None,
    }

    await gateway.jobs.head_starts.end(upload_id, token, "out of memory", now=1)
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload_id}")).json()
    assert shown["head_start"]["ended"] == "out of memory"


@pytest.mark.parametrize("where", ["JSON", "URL"])
async def test_an_upload_that_fails_early_takes_no_more_bytes_after_a_bad_row(
    gateway: Gateway, where: str
) -> None:
    if where == "JSON":
        upload_id = await declare(gateway, fail_early=True)
    else:
        upload_id = await declare(gateway, query="?fail_early=true")
    await send(gateway, upload_id, 0, SAMPLE_SIZE)
    await followed(gateway, upload_id, HeadStartProgress(7, 2, False, 2, "line 3: bad"))

    refused = await send(gateway, upload_id, SAMPLE_SIZE, SIZE)

    problem = await problem_of(refused, 422, "bad-rows-found")
    assert "has 2 bad rows so far, so its job would fail: line 3: bad;" in problem["detail"]
    shown = await (await gateway.client.get(f"{UPLOADS}/{upload_id}")).json()
    assert shown["received"] == [[0, SAMPLE_SIZE]]


@pytest.mark.parametrize("where", ["metadata", "URL"])
async def test_a_tus_upload_may_fail_early(gateway: Gateway, where: str) -> None:
    version = {"Tus-Resumable": "1.0.0"}
    given = {"Upload-Metadata": "fail_early dHJ1ZQ=="} if where == "metadata" else {}
    created = await gateway.client.post(
        "/api/tus" + ("?fail_early=true" if where == "URL" else ""),
        headers={**version, "Upload-Length": str(SIZE), **given},
    )
    assert created.status == 201
    location = created.headers["Location"]

    async def append(start: int, stop: int) -> Any:
        return await gateway.client.patch(
            location,
            data=BytesIO(content()[start:stop]),
            headers={
                **version,
                "Content-Type": "application/offset+octet-stream",
                "Upload-Offset": str(start),
            },
        )

    assert (await append(0, SAMPLE_SIZE)).status == 204
    upload_id = UUID(location.rpartition("/")[2])
    await followed(gateway, upload_id, HeadStartProgress(7, 2, False, 2, "line 3: bad"))

    refused = await append(SAMPLE_SIZE, SIZE)

    assert (refused.status, "2 bad rows" in await refused.text()) == (422, True)


async def test_fail_early_of_tus_is_true_or_false(gateway: Gateway) -> None:
    for value in ("bWF5YmU=", "/w=="):
        refused = await gateway.client.post(
            "/api/tus",
            headers={
                "Tus-Resumable": "1.0.0",
                "Upload-Length": "1",
                "Upload-Metadata": f"fail_early {value}",
            },
        )
        assert (refused.status, "fail_early" in await refused.text()) == (400, True)


@pytest.mark.parametrize(
    ("declared", "rejected"),
    [
        ({}, 1),
        ({"fail_early": False}, 1),
        ({"fail_early": True}, 0),
        ({"fail_early": True, "aggregation": SKIPPING}, 1),
    ],
)
async def test_other_uploads_take_all_bytes(
    gateway: Gateway, declared: dict[str, Any], rejected: int
) -> None:
    upload_id = await declare(gateway, **declared)
    await send(gateway, upload_id, 0, SAMPLE_SIZE)
    await followed(gateway, upload_id, HeadStartProgress(7, 2, False, rejected, "line 3: bad"))

    assert (await send(gateway, upload_id, SAMPLE_SIZE, SIZE)).status == 200


@pytest.mark.parametrize("value", ["yes", 1, [], {}])
async def test_fail_early_is_true_or_false(gateway: Gateway, value: object) -> None:
    body = json.dumps({"name": "plays.csv", "size": 1, "fail_early": value}).encode()
    response = await gateway.client.post(
        UPLOADS, data=body, headers={"Content-Type": "application/json"}
    )
    problem = await problem_of(response, 400, "invalid-input")
    assert problem["field"] == "fail_early"

    refused = await gateway.client.put(f"{UPLOADS}?name=a.csv&fail_early=maybe", data=b"x")
    problem = await problem_of(refused, 400, "invalid-input")
    assert "fail_early is 'maybe'; send true or false" in problem["detail"]


async def test_an_upload_for_a_cluster_is_not_offered(gateway: Gateway) -> None:
    for_cluster = await declare(gateway, engine="spark")
    other = await declare(gateway, engine="local")
    await send(gateway, for_cluster, 0, SAMPLE_SIZE)
    await send(gateway, other, 0, SAMPLE_SIZE)
    await offered(gateway, other)
    assert await offer_of(gateway, for_cluster) is None
