"""The contract of the job store for lists, on each database."""

from __future__ import annotations

import random
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

import pytest

from shared.access.tenant import Tenant
from shared.database import connect
from shared.database.scripts import load_queries
from shared.jobs.job import Found, Job, JobFilter, JobPosition, JobState
from tests.contract.job_stores import make_job, open_store
from tests.contract.jobs.steps import bring

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from shared.jobs.store import SqlJobStore

ALL = JobFilter()


async def make_many(store: SqlJobStore) -> list[Job]:
    """Create jobs of every state and of two names, several of them at the same time."""
    chance = random.Random(7)
    jobs = []
    for number in range(60):
        job = await make_job(
            store,
            now=float(chance.randrange(12)) / 4,
            filename=chance.choice(["plays.csv", "Übersicht 50%.csv"]),
        )
        jobs.append(await bring(store, job, list(JobState)[number % len(JobState)]))
    return jobs


def expected(jobs: Sequence[Job], wanted: JobFilter) -> list[Job]:
    """Return the expected list, computed without a database."""
    return sorted(
        (
            job
            for job in jobs
            if job.state in wanted.states
            and (wanted.created_from is None or job.created_at >= wanted.created_from)
            and (wanted.created_before is None or job.created_at < wanted.created_before)
            and wanted.filename in (None, job.filename)
        ),
        key=lambda job: (job.created_at, job.id.hex),
        reverse=True,
    )


async def in_pages(store: SqlJobStore, wanted: JobFilter, limit: int) -> list[Job]:
    """Return the whole list, read in pages of `limit` jobs."""
    found: list[Job] = []
    page: Sequence[Job] = ()
    while not found or page:
        page = await store.newest(wanted, after=position(found), limit=limit)
        assert len(page) <= limit
        found += page
        if len(page) < limit:
            break
    return found


def position(found: Sequence[Job]) -> JobPosition | None:
    return JobPosition(found[-1].created_at, found[-1].id) if found else None


FILTERS = [
    ALL,
    JobFilter(states=frozenset({JobState.FAILURE})),
    JobFilter(states=frozenset({JobState.RETRY, JobState.SUCCESS, JobState.PENDING})),
    JobFilter(states=frozenset()),
    JobFilter(created_from=1.0),
    JobFilter(created_before=1.0),
    JobFilter(created_from=0.25, created_before=2.5),
    JobFilter(created_from=2.5, created_before=0.25),
    JobFilter(filename="Übersicht 50%.csv"),
    JobFilter(filename="%.csv"),
    JobFilter(states=frozenset({JobState.REVOKED, JobState.STARTED}), filename="plays.csv"),
    JobFilter(
        states=frozenset(JobState) - {JobState.PENDING},
        created_from=0.5, created_before=2.0, filename="plays.csv",
    ),
]  # fmt: skip


async def test_a_list_has_the_matching_jobs_newest_first_for_any_page_size(
    store: SqlJobStore,
) -> None:
    jobs = await make_many(store)
    assert await store.newest(ALL, limit=100) == expected(jobs, ALL)
    lengths = set()
    for wanted in FILTERS:
        for limit in (1, 7, 60):
            found = await in_pages(store, wanted, limit)
            assert found == expected(jobs, wanted), (wanted, limit)
        lengths.add(len(found))
    assert {0, 60} < lengths


async def test_paging_returns_each_job_once_while_others_are_created(
    store: SqlJobStore,
) -> None:
    jobs = [await make_job(store, now=float(number // 3)) for number in range(20)]
    found: list[Job] = []
    for number in range(10):
        found += await store.newest(ALL, after=position(found), limit=2)
        await make_job(store, now=100.0 + number)
    assert found == expected(jobs, ALL)
    assert await store.newest(ALL, after=position(found), limit=2) == []


async def test_a_job_is_found_by_a_name_that_is_stored_with_escapes(store: SqlJobStore) -> None:
    name = "nul\0 and half a pair \ud83c.csv"
    job = await make_job(store, filename=name)
    await make_job(store)
    assert await store.newest(JobFilter(filename=name), limit=9) == [job]


async def test_the_attempts_of_many_jobs_are_grouped_by_job(store: SqlJobStore) -> None:
    first, second, third = [await make_job(store, max_attempts=9) for _ in range(3)]
    for job, times in ((first, 3), (second, 1)):
        for number in range(1, times + 1):
            await store.claim(job.id, worker="w", lease_until=9.0, now=number)
            await store.fail(job.id, number, f"why {number}", final=False, now=number)
    ids = [third.id, second.id, first.id, uuid4()]
    every = partial(store.attempts_of_many, first=9, last=9)
    assert await every(ids) == {
        first.id: await store.attempts(first.id),
        second.id: await store.attempts(second.id),
    }
    assert [a.number for a in (await every(ids))[first.id]] == [1, 2, 3]
    assert await every([]) == {}
    assert len(await every([UUID(int=number) for number in range(500)])) == 0


@pytest.mark.parametrize(
    ("count", "numbers"),
    [(0, []), (1, [1]), (5, [1, 2, 3, 4, 5]), (6, [1, 2, 4, 5, 6]), (9, [1, 2, 7, 8, 9])],
)
async def test_the_first_and_the_last_attempts_of_a_job_are_found_without_those_between(
    store: SqlJobStore, count: int, numbers: list[int]
) -> None:
    job = await make_job(store, max_attempts=99)
    for number in range(1, count + 1):
        await store.claim(job.id, worker="w", lease_until=9.0, now=number)
        await store.fail(job.id, number, "why", final=False, now=number)
    found = await store.attempts_of_many([job.id], first=2, last=3)
    assert [attempt.number for attempt in found.get(job.id, [])] == numbers


async def searched(store: SqlJobStore, part: str, wanted: JobFilter, examine: int) -> list[Job]:
    """Return all that a search finds, in steps."""
    found: list[Job] = []
    after: JobPosition | None = None
    while True:
        step = await store.search(part, wanted, after=after, limit=4, examine=examine)
        assert len(step.jobs) <= 4
        found += step.jobs
        if step.rest is None:
            return found
        assert after is None or (step.rest.created_at, step.rest.id.hex) < (
            after.created_at, after.id.hex,
        )  # fmt: skip
        after = step.rest


async def test_a_search_finds_each_job_with_a_part_of_the_name_once_in_any_steps(
    store: SqlJobStore,
) -> None:
    jobs = await make_many(store)
    spanish = await make_job(store, now=2.0, filename="AN\u0303O 100%_.CSV")
    for part, name in (
        ("50%", "Übersicht 50%.csv"),
        ("übersicht", "Übersicht 50%.csv"),
        ("U\u0308BER", "Übersicht 50%.csv"),
        ("PLAYS", "plays.csv"),
        ("_", None),
        ("plays.csvx", "none"),
        ("", "any"),
    ):
        for wanted in (ALL, FILTERS[2], FILTERS[6]):
            matching = [job for job in expected(jobs, wanted) if name in (job.filename, "any")]
            for examine in (1, 7, 100):
                found = await searched(store, part, wanted, examine)
                assert [job for job in found if job != spanish] == matching
                if part in ("_", "") and wanted is ALL:
                    assert spanish in found
    assert await searched(store, "año 100%_.csv", ALL, 9) == [spanish]
    assert await searched(store, "año", replace(ALL, tenant=Tenant("other")), 9) == []


async def test_a_search_examines_no_more_jobs_than_it_may(store: SqlJobStore) -> None:
    jobs = [await make_job(store, now=float(n), filename=f"{n}.csv") for n in range(6)]
    found = await store.search("0.csv", ALL, limit=9, examine=4)
    assert found == Found((), JobPosition(jobs[2].created_at, jobs[2].id))
    assert await store.search("0.csv", ALL, after=found.rest, limit=9, examine=4) == Found(
        (jobs[0],), None
    )


async def test_no_list_reads_through_all_jobs(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'jobs.db'}"
    async with open_store(url):
        pass
    database = await connect(url)
    queries = load_queries()
    try:
        for name, index, values in (
            ("newest", "jobs_newest_of_tenant", ()),
            ("newest_names", "jobs_newest_of_tenant", ()),
            ("newest_of_name", "jobs_newest_of_tenant_and_name", ("plays.csv",)),
        ):
            plan = await database.read(
                f"EXPLAIN QUERY PLAN {queries[name]}", 9.0, "", "FAILURE", 0.0, 50, "acme", *values
            )
            details = [row["detail"] for row in plan]
            assert any(f"INDEX {index} " in line for line in details)
            assert [line for line in details if line.startswith("SCAN jobs")] == []
    finally:
        await database.close()
