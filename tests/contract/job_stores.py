"""Helpers of the job store tests: stores, jobs, reports and results."""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import TYPE_CHECKING
from uuid import UUID, uuid4

from shared.access.tenant import DEFAULT_TENANT
from shared.blobs.blob import result_key, upload_key
from shared.csv.problems import Problem
from shared.database import connect
from shared.database.migrate import migrate
from shared.jobs.engine_choice import EngineChoice
from shared.jobs.job import SONG_PLAYS, Job, JobResult
from shared.jobs.report import Report, Rows, Seconds
from shared.jobs.store import SqlJobStore

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from shared.access.tenant import Tenant
    from shared.jobs.sql_jobs import AttemptLost

BACKENDS = ("sqlite", "postgresql")


@asynccontextmanager
async def open_store(
    url: str, attempt_lost: AttemptLost | None = None
) -> AsyncIterator[SqlJobStore]:
    """Open a job store on the migrated database at `url`."""
    database = await connect(url)
    try:
        await migrate(database)
        yield SqlJobStore(database, attempt_lost)
    finally:
        await database.close()


async def make_job(
    store: SqlJobStore,
    *,
    upload_id: UUID | None = None,
    max_attempts: int = 3,
    now: float = 0.0,
    filename: str = "plays.csv",
    input_size: int = 1 << 40,
    tenant: Tenant = DEFAULT_TENANT,
    notify: Sequence[str] = (),
    engine: EngineChoice = EngineChoice.AUTO,
) -> Job:
    """Create a job, in state PENDING."""
    upload_id = upload_id or uuid4()
    return await store.create(
        upload_id=upload_id,
        input_key=upload_key(upload_id),
        input_size=input_size,
        filename=filename,
        aggregation=SONG_PLAYS,
        max_attempts=max_attempts,
        now=now,
        tenant=tenant,
        notify=notify,
        engine=engine,
    )


def report_of(attempt: int) -> Report:
    """Return a report as an attempt would have recorded it."""
    return Report(
        rows=Rows(aggregated=1 << 33, filtered=attempt, rejected=2),
        groups=attempt,
        problems=(Problem(2, 10, 3, "Plays", "'\0é'", "an integer", b""),),
        problem_count=2,
        engine="kernel",
        engine_version="1.0",
        plan="exact",
        seconds=Seconds(queue=0.25),
    )


def result_of(job_id: UUID, attempt: int) -> JobResult:
    """Return a result as an attempt would have recorded it."""
    return JobResult(
        key=result_key(job_id, attempt),
        size=5 << 32,
        sha256=f"{attempt:064x}",
        rows_in=1 << 33,
        rows_out=attempt,
    )
