"""A tenant stores and has in progress no more than it may."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from shared.access.tenant import DEFAULT_TENANT
from shared.database import connect
from shared.errors import DatabaseUnavailable
from tests.unit.gateway.conftest import dropzone_form
from tests.unit.gateway.native import BODY, MIB, SIZE, created, post, put
from tests.unit.gateway.problems import problem_of

if TYPE_CHECKING:
    from pathlib import Path

    from shared.access.limits import Usage
    from tests.unit.gateway.conftest import Gateway, Start

TEBIBYTE = 1 << 40


async def usage(gateway: Gateway) -> Usage:
    return await gateway.jobs.access.quotas.usage_of(DEFAULT_TENANT, most_waiting=99)


async def test_no_more_uploads_are_declared_than_may_be_in_progress(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_uploads=3)
    answers = await asyncio.gather(*(post(gateway, size=TEBIBYTE) for _ in range(20)))
    assert sorted(answer.status for answer in answers) == [201] * 3 + [429] * 17
    refused = next(answer for answer in answers if answer.status == 429)
    await problem_of(refused, 429, "too-many-uploads")
    assert int(refused.headers["Retry-After"]) > 0
    # One that is cancelled makes room for another
    path = next(answer for answer in answers if answer.status == 201).headers["Location"]
    assert (await gateway.client.delete(path)).status == 204
    await created(gateway)


async def test_a_thousand_uploads_may_be_in_progress_by_default(gateway: Gateway) -> None:
    quotas = gateway.jobs.access.quotas
    assert (await quotas.limits_of(DEFAULT_TENANT)).max_uploads is None
    for first in range(0, 1000, 100):
        answers = await asyncio.gather(*(post(gateway, name=f"{first}.csv") for _ in range(100)))
        assert {answer.status for answer in answers} == {201}
    await problem_of(await post(gateway), 429, "too-many-uploads")


async def test_declared_bytes_count_as_stored_ones(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=10 * MIB)
    await created(gateway, size=7 * MIB)
    problem = await problem_of(await post(gateway, size=4 * MIB), 507, "quota-exceeded")
    assert str(7 * MIB) in problem["detail"]
    await created(gateway, size=3 * MIB)
    assert await usage(gateway) == type(await usage(gateway))(reserved=10 * MIB, uploads=2)


async def test_an_upload_counts_once_when_it_has_become_a_job(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=10 * SIZE, tenant_max_uploads=1)
    for _ in range(3):
        path = await created(gateway)
        assert (await put(gateway, path, 0, BODY)).status == 200
    found = await usage(gateway)
    assert (found.stored, found.reserved, found.uploads) == (3 * SIZE, 0, 0)


async def test_a_whole_file_is_refused_if_it_does_not_fit_in(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=2 * SIZE)
    for _ in range(2):
        answer = await gateway.client.put("/api/v1/uploads?name=a.csv", data=BODY)
        assert answer.status == 201
    answer = await gateway.client.put("/api/v1/uploads?name=a.csv", data=BODY)
    await problem_of(answer, 507, "quota-exceeded")


@pytest.mark.parametrize("total", [SIZE, 8 * MIB])
async def test_an_upload_of_the_first_clients_leaves_nothing_if_it_is_refused(
    start_gateway: Start, total: int
) -> None:
    gateway = await start_gateway(tenant_max_uploads=1)
    await created(gateway)
    status, answer = await gateway.post(dropzone_form("it", BODY[:10], 0, 10, total))
    assert (status, answer["status"]) == (429, "error")
    assert await gateway.stored("it") is None
    assert (await usage(gateway)).uploads == 1


async def test_a_file_of_the_first_clients_in_one_chunk_takes_no_place(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(tenant_max_uploads=0)
    answer = await gateway.chunk("it", BODY, offset=0, size=SIZE, total=SIZE)
    assert answer["job_id"]


async def test_the_chunks_of_an_upload_take_one_place(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_uploads=1)
    for offset in range(0, SIZE, 10):
        await gateway.chunk("it", BODY[offset : offset + 10], offset=offset, size=10, total=SIZE)
    await gateway.chunk("other", BODY, offset=0, size=SIZE, total=SIZE)


async def test_an_upload_of_unknown_size_ends_where_the_quota_does(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=MIB)

    async def pieces() -> Any:
        yield BODY
        for _ in range(3):
            yield b"a,2026-01-01,1\n" * (MIB // 30)

    answer = await gateway.client.put("/api/v1/uploads?name=a.csv", data=pieces())
    await problem_of(answer, 507, "quota-exceeded")


async def test_a_size_that_is_declared_later_has_to_fit_in(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=MIB)
    path = await created(gateway, size=None)
    answer = await gateway.client.patch(path, json={"size": 2 * MIB})
    await problem_of(answer, 507, "quota-exceeded")
    assert (await gateway.client.patch(path, json={"size": SIZE})).status == 200
    assert (await usage(gateway)).reserved == SIZE


async def test_chunks_of_an_upload_of_unknown_size_count(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_bytes=2 * SIZE)
    path = await created(gateway, size=None)
    assert (await put(gateway, path, SIZE, BODY)).status == 200
    assert (await usage(gateway)).reserved == SIZE
    await problem_of(await put(gateway, path, 2 * SIZE, 2 * BODY), 507, "quota-exceeded")


async def test_new_files_are_refused_while_too_many_jobs_wait(start_gateway: Start) -> None:
    gateway = await start_gateway(tenant_max_waiting=2)
    for _ in range(2):
        await gateway.pending_job()
    await problem_of(await post(gateway), 429, "too-many-jobs")
    answer = await gateway.client.put("/api/v1/uploads?name=a.csv", data=BODY)
    await problem_of(answer, 429, "too-many-jobs")


async def test_the_table_has_the_limits_of_a_tenant(start_gateway: Start, tmp_path: Path) -> None:
    gateway = await start_gateway()
    database = await connect(f"sqlite:///{tmp_path}/first/jobs.db")
    await database.write(
        "INSERT INTO tenants (tenant, max_upload_size, max_uploads) VALUES ($1, $2, 1)",
        DEFAULT_TENANT,
        SIZE,
    )
    await database.close()
    await created(gateway)
    await problem_of(await post(gateway, size=SIZE + 1), 413, "upload-too-large")
    await problem_of(await post(gateway), 429, "too-many-uploads")


async def test_uploads_are_accepted_while_the_database_does_not_answer(
    start_gateway: Start,
) -> None:
    gateway = await start_gateway(tenant_max_uploads=1)
    quotas = gateway.jobs.access.quotas

    async def away(*_args: object, **_kwargs: object) -> None:
        raise DatabaseUnavailable("the database does not answer")

    for name in ("limits_of", "usage_of", "reserve"):
        setattr(quotas, name, away)
    for _ in range(2):
        await created(gateway)
