"""A form that is sent as the bytes of a file is refused in every protocol, and never becomes a job.

The exception is a file within a form (`/api/upload_file`): its job reports what it is.
"""

from __future__ import annotations

import asyncio
from itertools import permutations
from typing import TYPE_CHECKING, Any

import pytest

from shared.blobs.blob import UPLOADS
from tests.unit.gateway import ietf
from tests.unit.gateway.conftest import dropzone_form
from tests.unit.gateway.forms import BOUNDARY, FormBody
from tests.unit.gateway.native import BODY, created, put, shown
from tests.unit.gateway.problems import problem_of
from tests.unit.gateway.protocols.tus import test_handlers as tus

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from aiohttp import ClientResponse

    from tests.unit.gateway.conftest import Gateway

CSV = 'filename="plays.csv"'
FORM = FormBody.of(("file", BODY, CSV)).content.replace(BOUNDARY.encode(), b"x-inner")
LARGE = FORM.replace(BODY, BODY * 10_000)
"""More than is gathered in memory before it is stored."""
DASHES = b"--note\r\n" + BODY
"""A file whose first line could be a boundary."""
WHOLE = "/api/v1/uploads?name=plays.csv"


async def endless(content: bytes) -> AsyncIterator[bytes]:
    yield content
    await asyncio.Event().wait()


async def refused(response: ClientResponse) -> None:
    problem = await problem_of(response, 415, "unsupported-media")
    assert "/api/upload_file" in problem["detail"]


async def nothing_is_kept(gateway: Gateway) -> bool:
    uploads = await (await gateway.client.get("/api/v1/uploads")).json()
    jobs = await (await gateway.client.get("/api/v1/jobs")).json()
    async with gateway.blobs.walk(UPLOADS) as walked:
        stored = [each async for each in walked]
    return not (uploads["uploads"] or jobs["jobs"] or stored or gateway.bus.published)


@pytest.mark.parametrize("query", ["", "&job=false"])
@pytest.mark.parametrize("content", [FORM, LARGE], ids=["small", "large"])
async def test_a_form_as_the_body_is_refused_and_leaves_nothing(
    gateway: Gateway, content: bytes, query: str
) -> None:
    await refused(await gateway.client.put(WHOLE + query, data=content))
    await refused(await gateway.client.post(WHOLE + query, data=endless(content)))
    assert await nothing_is_kept(gateway)


async def test_a_form_is_refused_by_its_first_bytes(gateway: Gateway) -> None:
    start = FORM[: FORM.index(b"form-data") + 1]
    async with asyncio.timeout(10):
        await refused(await gateway.client.put(WHOLE, data=endless(start)))
    assert await nothing_is_kept(gateway)


@pytest.mark.parametrize("complete", ["?0", "?1"])
async def test_a_creation_of_the_ietf_is_refused(gateway: Gateway, complete: str) -> None:
    response = await ietf.create(gateway, LARGE, 415, Upload_Complete=complete)
    await refused(response)
    assert await nothing_is_kept(gateway)


async def test_a_creation_of_tus_is_refused(gateway: Gateway) -> None:
    headers: dict[str, Any] = {
        "Content_Type": "application/offset+octet-stream",
        "Upload_Length": len(LARGE),
        **tus.METADATA,
    }
    response = await tus.ask(gateway, "POST", "/api/tus/", 415, LARGE, **headers)
    assert "/api/upload_file" in (await response.json())["message"]
    assert await nothing_is_kept(gateway)


async def test_an_append_that_begins_a_form_changes_nothing_and_the_file_can_follow(
    gateway: Gateway,
) -> None:
    path = await tus.created(gateway, len(BODY))
    await tus.patch(gateway, path, 0, FORM[: len(BODY)], 415)
    await tus.patch(gateway, path, 0, BODY)
    of_ietf = await ietf.created(gateway)
    await refused(await ietf.append(gateway, of_ietf, 0, FORM, 415))
    assert await ietf.upload_state(gateway, of_ietf) == ("?0", 0, None)
    await ietf.append(gateway, of_ietf, 0, BODY, 201)


async def test_a_chunk_that_begins_a_form_changes_nothing_and_the_file_can_follow(
    gateway: Gateway,
) -> None:
    path = await created(gateway)
    await refused(await put(gateway, path, 0, FORM[: len(BODY)]))
    assert (await shown(gateway, path))["received"] == []
    assert (await put(gateway, path, 0, BODY)).status == 200


@pytest.mark.parametrize("order", [*permutations(range(3))])
async def test_a_form_in_small_chunks_of_any_order_never_becomes_a_job(
    gateway: Gateway, order: tuple[int, ...]
) -> None:
    bounds = [(0, 7), (7, 30), (30, len(FORM))]
    path = await created(gateway, size=len(FORM))
    for start, stop in (bounds[each] for each in order):
        response = await put(gateway, path, start, FORM[start:stop])
        if response.status != 200:
            break
    await refused(response)
    view = await gateway.client.get(path)
    if view.status == 200:  # it was seen before it was stored
        assert (await view.json())["job"] is None
        await gateway.client.delete(path)
    assert await nothing_is_kept(gateway)


async def test_a_form_in_small_appends_is_refused_as_soon_as_it_is_one(gateway: Gateway) -> None:
    path = await tus.created(gateway, len(FORM))
    await tus.patch(gateway, path, 0, FORM[:7])
    await tus.patch(gateway, path, 7, FORM[7:], 415)
    assert await tus.offset_of(gateway, path) == 7


async def test_parts_of_tus_that_make_a_form_are_not_concatenated(gateway: Gateway) -> None:
    parts = []
    for content in (FORM[:7], FORM[7:]):
        parts.append(await tus.created(gateway, len(content), Upload_Concat="partial"))
        await tus.patch(gateway, parts[-1], 0, content)
    final = {"Upload_Concat": f"final;{' '.join(parts)}", **tus.METADATA}
    response = await tus.ask(gateway, "POST", "/api/tus/", 415, **final)
    assert "/api/upload_file" in (await response.json())["message"]
    assert gateway.bus.published == []


async def test_a_part_of_tus_may_begin_as_a_form_does(gateway: Gateway) -> None:
    parts = []
    for content in (BODY, FORM):
        parts.append(await tus.created(gateway, len(content), Upload_Concat="partial"))
        await tus.patch(gateway, parts[-1], 0, content)
    final = {"Upload_Concat": f"final;{' '.join(parts)}", **tus.METADATA}
    answer = await tus.ask(gateway, "POST", "/api/tus/", 201, **final)
    assert await tus.content_of(gateway, answer.headers["Location"]) == BODY + FORM


@pytest.mark.parametrize("size", [1, 2, 40, len(DASHES)])
async def test_a_file_that_begins_with_dashes_is_kept_whole(gateway: Gateway, size: int) -> None:
    content = DASHES[:size]
    path = await created(gateway, size=size)
    assert (await put(gateway, path, 0, content)).status == 200
    assert (await shown(gateway, path))["complete"] is True
    of_ietf = await ietf.created(gateway)
    await ietf.append(gateway, of_ietf, 0, ietf.in_pieces(content), 201)
    assert await ietf.content_of(gateway, of_ietf) == content
    response = await gateway.client.put(WHOLE, data=ietf.in_pieces(content))
    assert await ietf.content_of(gateway, response.headers["Location"]) == content


async def test_a_form_within_a_form_becomes_a_job_as_before(gateway: Gateway) -> None:
    status, answer = await gateway.post(FormBody.of(("file", LARGE, CSV)))
    assert (status, answer["message"]) == (200, "File uploaded successfully")
    assert (await gateway.job_of(answer)).input_size == len(LARGE)
    status, answer = await gateway.post(dropzone_form("u", FORM, 0, len(FORM), len(FORM)))
    assert status == 200
    assert (await gateway.job_of(answer)).input_size == len(FORM)
