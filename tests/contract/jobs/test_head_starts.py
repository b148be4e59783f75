"""Uploads are offered to processors while they are received, and jobs wait for who has one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING
from uuid import UUID

import pytest

from shared.access.tenant import Tenant
from shared.jobs.head_start import HeadStart, HeadStartProgress
from shared.jobs.head_starts import HEAD_START_PRIORITY
from shared.jobs.job import JobState
from tests.contract.job_stores import make_job

if TYPE_CHECKING:
    from shared.jobs.store import SqlJobStore
    from shared.ports import HeadStarts

UPLOAD = UUID(int=1)
OTHER = UUID(int=2)


@pytest.fixture
def head_starts(store: SqlJobStore) -> HeadStarts:
    return store.head_starts


async def taken(head_starts: HeadStarts, worker: str = "w", now: float = 1.0) -> HeadStart:
    head_start = await head_starts.take(worker=worker, held_until=now + 5, now=now)
    assert head_start is not None
    return head_start


async def test_an_upload_that_was_not_offered_has_no_head_start(head_starts: HeadStarts) -> None:
    assert await head_starts.of_upload(UPLOAD) is None
    assert await head_starts.take(worker="w", held_until=6, now=1) is None


async def test_the_upload_that_was_offered_first_is_taken_first(head_starts: HeadStarts) -> None:
    await head_starts.offer(OTHER, now=2)
    await head_starts.offer(UPLOAD, now=1)

    assert [(await taken(head_starts)).upload_id for _ in range(2)] == [UPLOAD, OTHER]
    assert await head_starts.take(worker="w", held_until=6, now=1) is None


async def test_the_tenant_with_the_fewest_uploads_that_are_followed_comes_first(
    head_starts: HeadStarts,
) -> None:
    many, few = Tenant("many"), Tenant("few")
    for number in range(3):
        await head_starts.offer(UUID(int=number), tenant=many, now=number)
    await head_starts.offer(UUID(int=9), tenant=few, now=9)

    assert [(await taken(head_starts)).upload_id.int for _ in range(4)] == [0, 9, 1, 2]


async def test_a_tenant_has_so_many_uploads_that_are_followed(head_starts: HeadStarts) -> None:
    many, few = Tenant("many"), Tenant("few")
    for number in range(4):
        await head_starts.offer(UUID(int=number), tenant=many, now=number)

    async def next_one(now: float = 1.0) -> int | None:
        found = await head_starts.take(worker="w", held_until=now + 5, now=now, tenant_limit=2)
        return None if found is None else found.upload_id.int

    assert [await next_one() for _ in range(3)] == [0, 1, None]
    # Another tenant, and the same one once it has fewer
    await head_starts.offer(UUID(int=9), tenant=few, now=9)
    assert await next_one() == 9
    await head_starts.end(UUID(int=0), 1, "done", now=2)
    assert [await next_one() for _ in range(2)] == [2, None]


async def test_what_is_no_longer_followed_does_not_count(head_starts: HeadStarts) -> None:
    many, few = Tenant("many"), Tenant("few")
    await head_starts.offer(UPLOAD, tenant=many, now=1)
    first = await taken(head_starts)
    await head_starts.withdraw(first.upload_id, first.token)
    await head_starts.offer(OTHER, tenant=many, now=2)
    await head_starts.offer(UUID(int=3), tenant=few, now=3)

    assert (await taken(head_starts)).upload_id == OTHER


async def test_an_upload_that_is_offered_again_is_the_same(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    first = await taken(head_starts)
    await head_starts.offer(UPLOAD, now=9)

    assert await head_starts.of_upload(UPLOAD) == first
    assert first == HeadStart(UPLOAD, offered_at=1, token=1, worker="w", held_until=6)


async def test_only_one_of_many_processors_takes_it(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)

    found = await asyncio.gather(
        *(head_starts.take(worker=f"w{n}", held_until=6, now=1) for n in range(8))
    )

    assert sum(head_start is not None for head_start in found) == 1


async def test_progress_is_shown_as_it_was_recorded(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    token = (await taken(head_starts)).token
    progress = HeadStartProgress(1 << 40, 1 << 33, True, 3, "line 7: found 'é\\x00'")

    assert await head_starts.renew(UPLOAD, token, held_until=9, progress=progress)

    assert await head_starts.of_upload(UPLOAD) == HeadStart(UPLOAD, 1, 1, "w", 9, progress=progress)


async def test_another_processor_takes_it_when_it_is_no_longer_renewed(
    head_starts: HeadStarts,
) -> None:
    await head_starts.offer(UPLOAD, now=1)
    first = await taken(head_starts, "dead", now=1)
    await head_starts.renew(UPLOAD, first.token, held_until=6, progress=HeadStartProgress(5))

    assert await head_starts.take(worker="w", held_until=11, now=6) is None
    second = await taken(head_starts, "w", now=6.1)

    assert (second.token, second.worker, second.progress) == (2, "w", None)


async def test_the_holder_of_an_older_token_changes_nothing(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    old = (await taken(head_starts, "old", now=1)).token
    current = await taken(head_starts, "new", now=7)

    assert not await head_starts.renew(UPLOAD, old, held_until=99, progress=HeadStartProgress(1))
    await head_starts.release(UPLOAD, old)
    await head_starts.end(UPLOAD, old, "failed", now=8)
    await head_starts.withdraw(UPLOAD, old)

    assert await head_starts.of_upload(UPLOAD) == current


async def test_one_that_is_released_can_be_taken_at_once(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    await head_starts.release(UPLOAD, (await taken(head_starts)).token)

    assert (await taken(head_starts)).token == 2


async def test_one_that_was_ended_is_not_taken_again(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    token = (await taken(head_starts)).token
    await head_starts.end(UPLOAD, token, "no column\0Plays", now=2)
    await head_starts.offer(UPLOAD, now=3)

    assert await head_starts.take(worker="w", held_until=9, now=3) is None
    assert not await head_starts.renew(UPLOAD, token, held_until=9, progress=HeadStartProgress(1))
    ended = await head_starts.of_upload(UPLOAD)
    assert ended is not None
    assert (ended.ended_at, ended.reason, ended.held_until) == (2, "no column\\x00Plays", None)


async def test_one_that_is_withdrawn_can_be_offered_again(head_starts: HeadStarts) -> None:
    await head_starts.offer(UPLOAD, now=1)
    await head_starts.withdraw(UPLOAD, (await taken(head_starts)).token)

    assert await head_starts.of_upload(UPLOAD) is None
    await head_starts.offer(UPLOAD, now=3)
    assert (await taken(head_starts)).offered_at == 3


async def test_old_ones_are_removed_unless_a_processor_holds_them(head_starts: HeadStarts) -> None:
    for upload_id, at in ((UPLOAD, 1.0), (OTHER, 2.0)):
        await head_starts.offer(upload_id, now=at)
    await taken(head_starts, now=1)

    await head_starts.remove_old(offered_before=3, now=6)
    assert await head_starts.of_upload(UPLOAD) is not None
    assert await head_starts.of_upload(OTHER) is None

    await head_starts.remove_old(offered_before=1, now=7)
    assert await head_starts.of_upload(UPLOAD) is not None
    await head_starts.remove_old(offered_before=3, now=7)
    assert await head_starts.of_upload(UPLOAD) is None


async def test_the_processor_with_the_head_start_claims_the_job_first(store: SqlJobStore) -> None:
    await store.head_starts.offer(UPLOAD, now=1)
    await taken(store.head_starts, "ahead", now=9)
    job = await make_job(store, upload_id=UPLOAD, now=10)

    assert await store.claim(job.id, worker="other", lease_until=20, now=10) is None
    assert (await store.get(job.id)).state is JobState.PENDING
    claimed = await store.claim(job.id, worker="ahead", lease_until=20, now=11)

    assert claimed is not None
    assert (claimed.worker, claimed.attempt) == ("ahead", 1)


@pytest.mark.parametrize("end", ["lost", "released", "withdrawn", "ended"])
async def test_any_processor_claims_the_job_when_the_head_start_is_over(
    store: SqlJobStore, end: str
) -> None:
    await store.head_starts.offer(UPLOAD, now=1)
    token = (await taken(store.head_starts, "ahead", now=9)).token
    job = await make_job(store, upload_id=UPLOAD, now=10)
    now = 10.5
    match end:
        case "lost":
            now = 14.1
        case "released":
            await store.head_starts.release(UPLOAD, token)
        case "withdrawn":
            await store.head_starts.withdraw(UPLOAD, token)
        case "ended":
            await store.head_starts.end(UPLOAD, token, "failed", now=10)

    assert await store.claim(job.id, worker="other", lease_until=20, now=now) is not None


async def test_a_processor_that_never_claims_delays_the_job_for_a_bounded_time(
    store: SqlJobStore,
) -> None:
    await store.head_starts.offer(UPLOAD, now=1)
    token = (await taken(store.head_starts, "hangs", now=9)).token
    job = await make_job(store, upload_id=UPLOAD, now=10)
    progress = HeadStartProgress(1)
    await store.head_starts.renew(UPLOAD, token, held_until=1000, progress=progress)

    last = 10 + HEAD_START_PRIORITY - 0.1
    assert await store.claim(job.id, worker="other", lease_until=99, now=last) is None
    assert await store.claim(job.id, worker="other", lease_until=99, now=last + 0.2) is not None


async def test_a_head_start_does_not_delay_a_later_attempt(store: SqlJobStore) -> None:
    await store.head_starts.offer(UPLOAD, now=1)
    await taken(store.head_starts, "ahead", now=9)
    job = await make_job(store, upload_id=UPLOAD, now=10)
    claimed = await store.claim(job.id, worker="ahead", lease_until=12, now=10)
    assert claimed is not None
    await store.release(job.id, claimed.attempt, "shutting down", now=11)

    assert await store.claim(job.id, worker="other", lease_until=20, now=11) is not None
